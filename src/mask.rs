//! Masking: no reply, log line, header or metric ever shows a raw key. The same rule applies
//! everywhere.

use std::fmt;

use percent_encoding::percent_decode;

use crate::order::sort_by;

/// The maximum length of the masked form, in characters.
const LONGEST: usize = 128;

/// The maximum length of an echo of client input, in characters.
const LONGEST_ECHO: usize = 128;

/// The prefixes that identify a key, the longest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPrefixes(Vec<Box<str>>);

impl KnownPrefixes {
    /// Sorts the prefixes and drops empty ones.
    pub fn new<'a>(prefixes: impl IntoIterator<Item = &'a str>) -> Self {
        let mut sorted: Vec<&str> = prefixes
            .into_iter()
            .filter(|prefix| !prefix.is_empty())
            .collect();
        sort_by(&mut sorted, &|a, b| {
            b.len().cmp(&a.len()).then_with(|| a.cmp(b))
        });
        sorted.dedup();
        Self(sorted.into_iter().map(Box::from).collect())
    }

    /// Returns whether `text` contains something that looks like a key.
    #[must_use]
    pub fn occur_in(&self, text: &str) -> bool {
        first_key(text.as_bytes(), self).is_some()
    }

    /// Returns whether `text` is a prefix with nothing after it. That is not a key, and a mask
    /// would hide nothing of it.
    #[must_use]
    pub fn contains(&self, text: &[u8]) -> bool {
        self.0.iter().any(|prefix| prefix.as_bytes() == text)
    }

    /// Returns whether `text` begins like a key.
    #[must_use]
    pub fn begin(&self, text: &str) -> bool {
        !self.of(text.as_bytes()).is_empty()
    }

    /// Returns the longest known prefix that `text` starts with, or an empty string.
    #[must_use]
    pub fn of<'a>(&'a self, text: &[u8]) -> &'a str {
        self.0
            .iter()
            .find(|prefix| text.starts_with(prefix.as_bytes()))
            .map_or("", |prefix| prefix)
    }
}

/// Shows a key masked: the known prefix, stars up to the original length (at most 128), and the
/// last 4 characters (never more than a third of what follows the prefix).
pub struct Masked<'a> {
    key: &'a str,
    prefixes: &'a KnownPrefixes,
}

impl<'a> Masked<'a> {
    /// Wraps `key`, which must be printable ASCII.
    pub fn new(key: &'a str, prefixes: &'a KnownPrefixes) -> Self {
        Self { key, prefixes }
    }
}

impl<'a> Masked<'a> {
    /// Returns the characters at the end of the key that stay visible.
    #[must_use]
    pub fn end(&self) -> &'a str {
        let prefix = self.prefixes.of(self.key.as_bytes());
        let secret = self.key.len().saturating_sub(prefix.len());
        let shown = (secret / 3).min(4);
        let start = self.key.len().saturating_sub(shown);
        self.key.get(start..).unwrap_or("")
    }
}

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = self.prefixes.of(self.key.as_bytes());
        let end = self.end();
        let total = self.key.len().min(LONGEST);
        let stars = total.saturating_sub(prefix.len()).saturating_sub(end.len());
        f.write_str(prefix)?;
        (0..stars).try_for_each(|_| f.write_str("*"))?;
        f.write_str(end)
    }
}

/// Returns `count` stars, at most 128.
#[must_use]
pub fn stars(count: usize) -> String {
    "*".repeat(count.min(LONGEST))
}

/// Echoes client input: valid UTF-8, at most 128 characters, no control characters, and anything
/// that looks like a key masked, even if it is percent-encoded.
#[must_use]
pub fn echo(sent: &[u8], prefixes: &KnownPrefixes) -> String {
    // Reading more than this is useless: masking keeps the length of a token or shortens it to 128.
    let text = String::from_utf8_lossy(sent.get(..LONGEST_ECHO * 8).unwrap_or(sent));
    masked(&text, prefixes)
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(LONGEST_ECHO)
        .collect()
}

/// Masks anything in a text of any length that looks like a key, even if it is percent-encoded.
#[must_use]
pub fn masked(text: &str, prefixes: &KnownPrefixes) -> String {
    let mut shown = String::new();
    for token in text.split_inclusive(|c: char| !is_key_character(c)) {
        let key = token.trim_end_matches(|c: char| !is_key_character(c));
        push_token(&mut shown, key, prefixes);
        shown.push_str(token.get(key.len()..).unwrap_or(""));
    }
    shown
}

/// Returns whether `c` may be part of a key. `%` keeps an encoded key in one token.
fn is_key_character(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '_' | '-' | '%' | '.' | '~' | '+' | '*' | '!' | '@' | '$')
}

fn push_token(shown: &mut String, token: &str, prefixes: &KnownPrefixes) {
    let decoded = percent_decoded(token.as_bytes());
    if decoded != token.as_bytes() && first_key(&decoded, prefixes).is_some() {
        shown.push_str(&stars(token.len()));
        return;
    }
    match first_key(token.as_bytes(), prefixes) {
        Some(start) => {
            shown.push_str(token.get(..start).unwrap_or(""));
            let key = token.get(start..).unwrap_or("");
            // A truncated key, or one glued to other text, is masked as well: from its prefix to
            // the end.
            shown.push_str(&Masked::new(key, prefixes).to_string());
        }
        None => shown.push_str(token),
    }
}

/// Returns the position of the first known prefix that has something after it.
fn first_key(token: &[u8], prefixes: &KnownPrefixes) -> Option<usize> {
    (0..token.len()).find(|start| {
        let rest = token.get(*start..).unwrap_or(&[]);
        let prefix = prefixes.of(rest);
        !prefix.is_empty() && rest.len() > prefix.len()
    })
}

/// Decodes twice, because text may be doubly encoded.
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let once: Vec<u8> = percent_decode(text).collect();
    percent_decode(&once).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes() -> KnownPrefixes {
        KnownPrefixes::new(["sk_test_", "sk_live_", "sk_org_", "sk_org_test_"])
    }

    #[track_caller]
    fn assert_masked(key: &str, expected: &str) {
        assert_eq!(Masked::new(key, &prefixes()).to_string(), expected);
    }

    #[track_caller]
    fn assert_echo(sent: &[u8], expected: &str) {
        assert_eq!(echo(sent, &prefixes()), expected);
    }

    #[test]
    fn a_key_keeps_prefix_length_and_four_last() {
        assert_masked("sk_test_FAKE-56789abcdef", "sk_test_************cdef");
        assert_masked("sk_org_test_FAKE-0123456", "sk_org_test_********3456");
    }

    #[test]
    fn a_short_key_shows_at_most_a_third() {
        assert_masked("sk_test_", "sk_test_");
        assert_masked("sk_test_ab", "sk_test_**");
        assert_masked("sk_test_abc", "sk_test_**c");
        assert_masked("sk_test_abcdefgh", "sk_test_******gh");
        assert_masked("hunter2hunter2", "**********ter2");
    }

    #[test]
    fn a_prefix_is_one_only_as_a_whole() {
        for text in ["sk_test_", "sk_org_", "sk_org_test_"] {
            assert!(prefixes().contains(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "sk_",
            "sk_test",
            "sk_test_a",
            "SK_TEST_",
            "sk_org_live_",
        ] {
            assert!(!prefixes().contains(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_long_key_shows_128_characters() {
        let key = format!("sk_test_{}wxyz", "a".repeat(300));
        let shown = Masked::new(&key, &prefixes()).to_string();
        assert_eq!(shown.len(), 128);
        assert_eq!(shown, format!("sk_test_{}wxyz", "*".repeat(116)));
    }

    #[test]
    fn an_echo_masks_whatever_looks_like_a_key() {
        assert_echo(b"/v1/charges", "/v1/charges");
        assert_echo(b"/v1/sk_test_FAKE-0123456/x", "/v1/sk_test_********3456/x");
        assert_echo(b"/v1/xsk_test_FAKE-0123456", "/v1/xsk_test_********3456");
        assert_echo(
            b"/v1/sk%5Ftest%5FFAKE-0123456",
            "/v1/************************",
        );
        assert_echo(
            b"/v1/sk%255Ftest_FAKE-0123456",
            "/v1/************************",
        );
    }

    #[test]
    fn an_echo_is_bounded_utf8_without_control_characters() {
        assert_echo(b"a\xffb", "a\u{fffd}b");
        assert_echo(b"a\x1b[31mb", "a\u{fffd}[31mb");
        assert_eq!(echo(&[b'a'; 70_000], &prefixes()).chars().count(), 128);
        assert_eq!(
            echo("ä".repeat(500).as_bytes(), &prefixes())
                .chars()
                .count(),
            128
        );
    }
}
