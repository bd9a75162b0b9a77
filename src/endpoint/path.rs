//! Request paths that have only one reading.

use std::cmp::Ordering;

use percent_encoding::percent_decode;

/// A request's path, without its query, that every upstream reads in the same way: no dot segments,
/// no empty segments, no encoded delimiters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainPath<'a>(&'a str);

impl<'a> PlainPath<'a> {
    /// Returns `None` if the path is ambiguous. Nothing is normalized.
    #[must_use]
    pub fn parse(path: &'a [u8]) -> Option<Self> {
        let segments = path.strip_prefix(b"/")?;
        // Without an early exit, so that many bytes are checked at once: nearly every path passes.
        let is_plain = path.iter().fold(true, |all, byte| all & is_plain(*byte));
        let has_escape = path.iter().fold(false, |any, byte| any | (*byte == b'%'));
        // Only after a slash can a segment be empty or begin with a dot.
        let is_odd = path.iter().zip(segments).fold(false, |any, (byte, next)| {
            any | ((*byte == b'/') & ((*next == b'/') | (*next == b'.')))
        });
        if !is_plain {
            return None;
        }
        let text = std::str::from_utf8(path).ok()?;
        let is_one_reading = (!has_escape || escapes_are_plain(text))
            && (!is_odd || segments_are_plain(text.strip_prefix('/')?));
        is_one_reading.then_some(Self(text))
    }

    /// Returns the segments after the leading slash. If the path ends in a slash, the last segment
    /// is empty.
    pub(super) fn segments(self) -> impl Iterator<Item = &'a str> + Clone {
        self.0.strip_prefix('/').unwrap_or(self.0).split('/')
    }

    /// Returns the path as the client sent it.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

/// Returns whether a byte is printable ASCII, not a space, and not a character that only some
/// readers treat as a delimiter.
fn is_plain(byte: u8) -> bool {
    let is_delimiter = (byte == b'\\') | (byte == b';') | (byte == b'#') | (byte == b'?');
    (0x21..=0x7e).contains(&byte) & !is_delimiter
}

/// Returns whether the path has no dot segment, and no empty segment except the last.
fn segments_are_plain(segments: &str) -> bool {
    let mut segments = segments.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if matches!(segment, "." | "..") || (segment.is_empty() && !is_last) {
            return false;
        }
    }
    true
}

/// Returns whether every `%` begins an escape of a character that must be escaped and is not a
/// delimiter.
fn escapes_are_plain(text: &str) -> bool {
    text.split('%').skip(1).all(|behind| {
        let escaped = behind
            .get(..2)
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        escaped.is_some_and(|byte| {
            let unreserved =
                byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
            let delimiter = matches!(byte, b'/' | b'\\' | b';' | b'%' | b'?' | b'#');
            matches!(byte, 0x20..=0x7e) && !unreserved && !delimiter
        })
    })
}

/// A segment as a lenient upstream reads it: decoded, and in lower case.
pub(super) struct Lenient<'a> {
    segment: &'a str,
    /// The segment's first eight bytes as a number that sorts like the segment, if decoding leaves
    /// it unchanged.
    first: Option<u64>,
}

impl<'a> Lenient<'a> {
    pub(super) fn new(segment: &'a str) -> Self {
        let changes = |any, byte: &u8| any | byte.is_ascii_uppercase() | (*byte == b'%');
        let is_same = !segment.as_bytes().iter().fold(false, changes);
        Self {
            segment,
            first: is_same.then(|| first_bytes(segment.as_bytes())),
        }
    }

    /// Compares a literal with this segment, both read leniently.
    pub(super) fn order_of(&self, literal: &str) -> Ordering {
        compare_leniently(literal, self.segment)
    }

    /// Like [`Self::order_of`], for a literal without capital letters and escapes whose first eight
    /// bytes are known.
    pub(super) fn order_of_plain(&self, literal: &str, first: u64) -> Ordering {
        match self.first.map(|mine| first.cmp(&mine)) {
            Some(Ordering::Equal) => literal.cmp(self.segment),
            Some(order) => order,
            None => self.order_of(literal),
        }
    }
}

/// Returns the first eight bytes as a number. Shorter texts are padded with zeros.
fn first_bytes(text: &[u8]) -> u64 {
    match text.first_chunk::<8>() {
        Some(chunk) => u64::from_be_bytes(*chunk),
        None => {
            let bytes = text.iter().chain(std::iter::repeat(&0)).take(8);
            bytes.fold(0, |number, byte| (number << 8) | u64::from(*byte))
        }
    }
}

/// Compares a literal with another one, or with a segment of a plain path, as a lenient upstream
/// would: decoded, and in lower case.
pub(super) fn compare_leniently(literal: &str, segment: &str) -> Ordering {
    lenient(literal).cmp(lenient(segment))
}

fn lenient(text: &str) -> impl Iterator<Item = u8> {
    percent_decode(text.as_bytes()).map(|byte| byte.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_are_plain() {
        for path in [
            "/",
            "/v1/charges",
            "/v1/charges/",
            "/v1/charges/ch_1",
            "/v1/x%20y",
            "/v1/a%40b",
            "/v1/a:b@c",
            "/v1/a%3Ab",
            "/v1/...",
            "/v1/.well-known",
        ] {
            assert!(PlainPath::parse(path.as_bytes()).is_some(), "`{path}`");
        }
    }

    #[test]
    fn what_an_upstream_may_read_otherwise_is_not() {
        for path in [
            "",
            "*",
            "v1",
            "//",
            "//v1",
            "/v1//charges",
            "/v1/.",
            "/v1/..",
            "/v1/./charges",
            "/v1/../charges",
            "/v1\\charges",
            "/v1;x",
            "/v1/charges#x",
            "/v1/charges?x",
            "/v1/a b",
            "/v1/%",
            "/v1/%2",
            "/v1/%zz",
            "/v1/%63harges",
            "/v1/%2e%2e",
            "/v1%2Fcharges",
            "/v1%5Ccharges",
            "/v1%3Bx",
            "/v1%25",
            "/v1%3F",
            "/v1%23",
            "/v1%00",
            "/v1%1f",
            "/v1%7f",
            "/v1%c3%a4",
            "/v1/ä",
            "/v1/%+1",
            "/v1/%7E",
            "http://host/v1",
            "/v1/\u{7f}",
            "/v1/\u{1}",
        ] {
            assert!(PlainPath::parse(path.as_bytes()).is_none(), "`{path}`");
        }
        assert!(PlainPath::parse(b"/v1/\xff").is_none());
    }

    #[test]
    fn lenient_readers_decode_and_fold() {
        assert_eq!(compare_leniently("search", "SEARCH"), Ordering::Equal);
        assert_eq!(compare_leniently("a:b", "A%3ab"), Ordering::Equal);
        assert_ne!(compare_leniently("search", "searches"), Ordering::Equal);
    }
}
