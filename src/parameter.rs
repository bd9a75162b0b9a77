//! Names of query parameters as servers read them. Each server reads names differently, so keyward
//! looks for important names in every known way.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// How many times an upstream may decode a query.
pub(crate) const DECODINGS: usize = 3;

/// What some server may read as the beginning of a parameter.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a> {
    /// The text from the start of the name on.
    text: &'a [u8],
    /// The name's value, as sent. `None` if the name is inside another parameter, where only a
    /// server that decodes before it splits finds it.
    value: Option<&'a [u8]>,
}

impl<'a> Name<'a> {
    /// Returns whether some server reads this name as `word`, which consists of lower-case letters,
    /// digits, `_` and `-`.
    pub(crate) fn is(self, word: &str) -> bool {
        after(self.text, word).is_some_and(|rest| self.value.is_some() || ends_a_name(rest))
    }

    /// Returns the value, as sent, if it is clear which one belongs to the name.
    pub(crate) fn value(self) -> Option<&'a [u8]> {
        self.value
    }
}

/// Finds every place where some server may find a name. `sent` is the text between two `&`.
pub(crate) fn each_name(sent: &[u8], found: &mut dyn FnMut(Name<'_>)) {
    // Some servers also split at `;`.
    for piece in sent.split(|byte| *byte == b';') {
        let (name, value) = split(piece);
        each_reading(&decoded(name), &mut |text| {
            found(Name {
                text,
                value: Some(value),
            });
        });
    }
    let has_name = split(sent).0.iter().any(|byte| continues(*byte));
    if has_name && sent.iter().all(|byte| is_plain(*byte)) {
        return;
    }
    let mut text = Cow::Borrowed(sent);
    for _ in 0..DECODINGS {
        text = Cow::Owned(decoded(&text).into_owned());
        each_reading(&text, &mut |text| {
            for text in text.split(|byte| separates(*byte)) {
                found(Name { text, value: None });
            }
        });
        if text.iter().all(|byte| *byte != b'%') {
            break;
        }
    }
}

/// Splits a parameter into name and value, as sent.
pub(crate) fn split(parameter: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = parameter.splitn(2, |byte| *byte == b'=');
    let name = parts.next().unwrap_or_default();
    (name, parts.next().unwrap_or_default())
}

/// Returns whether `byte` separates parameters in a text that is decoded before it is split.
pub(crate) fn separates(byte: u8) -> bool {
    matches!(byte, b'&' | b';' | b'?' | b'#' | b'\n')
}

/// Returns whether no decoding combines `byte` with others, and no other parameter begins after it.
fn is_plain(byte: u8) -> bool {
    byte != b'%' && byte.is_ascii() && !separates(byte)
}

fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if text.contains(&b'%') {
        Cow::Owned(percent_decode(text).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Reads the text, and then what lenient UTF-8 decoders make of it.
fn each_reading(text: &[u8], read: &mut dyn FnMut(&[u8])) {
    read(text);
    if std::str::from_utf8(text).is_err() {
        read(&without_overlong(text));
    }
}

/// Replaces ASCII that was written in two, three or four bytes with the single byte.
///
/// Source: RFC 3629, section 10, on decoders that accept such sequences.
fn without_overlong(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    for byte in text {
        let shorter = match (plain.last(), byte) {
            (Some(0xf0), 0x80) => Some(0xe0),
            (Some(0xe0), 0x80 | 0x81) => Some(0xc0 | (byte & 1)),
            (Some(first @ (0xc0 | 0xc1)), 0x80..=0xbf) => Some(((first & 1) << 6) | (byte & 0x3f)),
            _ => None,
        };
        if shorter.is_some() {
            plain.pop();
        }
        plain.push(shorter.unwrap_or(*byte));
    }
    plain
}

/// Returns what follows `word` if it is the first word of `text`, in any case.
///
/// Servers cut off characters before a name (blanks, brackets, a NUL) and after it. PHP turns
/// blanks, dots and open brackets into `_`. So any character that is not a letter or digit matches
/// a `_` or `-` of the word. At the beginning of a name, blanks do not count as `_`, because they
/// are cut off first.
fn after<'t>(text: &'t [u8], word: &str) -> Option<&'t [u8]> {
    let is_marked = word.starts_with('_');
    let starts = |byte: &u8| byte.is_ascii_alphanumeric() || (!is_marked && continues(*byte));
    let (before, mut rest) = text.split_at_checked(text.iter().position(starts)?)?;
    if is_marked && before.iter().all(|byte| is_blank(*byte)) {
        return None;
    }
    for expected in word.trim_start_matches('_').bytes() {
        if expected.is_ascii_alphanumeric() {
            let (byte, tail) = rest.split_first()?;
            if byte.to_ascii_lowercase() != expected {
                return None;
            }
            rest = tail;
        } else {
            let fills = |byte: &u8| !(byte.is_ascii_alphanumeric() || ends(*byte));
            let (gap, tail) = rest.split_at_checked(rest.iter().position(|byte| !fills(byte))?)?;
            if gap.is_empty() {
                return None;
            }
            rest = tail;
        }
    }
    (!rest.first().is_some_and(|byte| continues(*byte))).then_some(rest)
}

/// Returns whether `byte` may be part of a word.
fn continues(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'+')
}

/// Returns whether `byte` ends a name for every server.
fn ends(byte: u8) -> bool {
    byte == b'=' || separates(byte)
}

/// Returns whether a name ends before `rest`, apart from blanks. In running text, another word or a
/// quote would follow.
fn ends_a_name(rest: &[u8]) -> bool {
    let next = rest.iter().find(|byte| !is_blank(**byte));
    next.is_some_and(|byte| matches!(byte, b'[' | b']' | b'=' | b'%' | b'.' | 0..=0x1f))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(sent: &[u8], word: &str) -> bool {
        let mut is = false;
        each_name(sent, &mut |name| is |= name.is(word));
        is
    }

    /// What the rules take for granted of the library.
    #[test]
    fn valid_escapes_are_decoded_once_and_others_stay() {
        for (text, bytes) in [
            ("a%5Fb%5f", &b"a_b_"[..]),
            ("%255F", b"%5F"),
            ("%ff%00", b"\xff\0"),
            ("%", b"%"),
            ("%4", b"%4"),
            ("%zz%+1%4", b"%zz%+1%4"),
        ] {
            let decoded: Vec<u8> = percent_decode(text.as_bytes()).collect();
            assert_eq!(decoded, bytes, "{text}");
        }
    }

    #[test]
    fn a_name_is_found_as_servers_read_it() {
        for sent in [
            "_stripe_account=acct_2",
            "_STRIPE_account",
            // PHP
            "_stripe.account=x",
            "_stripe[account=x",
            "_stripe+account",
            "_stripe account",
            "+_stripe_account=x",
            "%20_stripe_account=x",
            ".stripe_account=x",
            "%2Estripe_account=x",
            "_stripe_account%00x=x",
            "_stripe_account[]=x",
            "_stripe_account[a][b]=x",
            "_stripe_account%5B%5D=x",
            // Rack, qs
            "[_stripe_account]=x",
            "_stripe_account.0=x",
            "[[_stripe_account",
            // Splitting at `;`, and decoding before splitting
            "a=1;_stripe_account",
            "a=1;_stripe.account=x",
            "a=1%26_stripe_account=x",
            "a=1%2526_stripe_account%253dx",
            "a=1%23_stripe_account%3d",
            // Decoding more than once, and overlong UTF-8
            "%5Fstripe%5faccount=x",
            "_stripe%255faccount=x",
            "_stripe%25255faccount=x",
            "_%c1%b3tripe_account=x",
            "%c1%9fstripe%e0%81%9faccount=x",
            "_stripe%f0%80%81%9faccount=x",
            "a=1%c0%a6_stripe_account=x",
        ] {
            assert!(is(sent.as_bytes(), "_stripe_account"), "{sent}");
        }
    }

    #[test]
    fn an_ordinary_name_is_another() {
        for (word, others) in [
            (
                "_stripe_account",
                &[
                    "stripe_account=x",
                    "stripe.account=x",
                    "+stripe_account=x",
                    "_stripe_accounts=x",
                    "_stripe_account_id=x",
                    "_stripe_account-x",
                    "_stripeaccount=x",
                    "_stripe=account",
                    "_stripe;account=x",
                    "my_stripe_account=x",
                    "metadata[_stripe_account]=x",
                    "metadata%5B_stripe_account%5D=x",
                    "q=_stripe_account",
                    "q=a+_stripe_account=x",
                    "q=a+%26+_stripe_account+is",
                    "_stripe%2525255faccount=x",
                    "",
                    "=",
                ][..],
            ),
            (
                "_method",
                &[
                    "method=DELETE",
                    "payment_method=pm_1",
                    "payment.method=x",
                    "_payment_method=x",
                    "payment_method_types[]=card",
                    "_methods=x",
                    "metadata[_method]=DELETE",
                    "q=method",
                    "query=type%3A'x'+AND+method%3A'y'",
                ],
            ),
            (
                "x-http-method-override",
                &[
                    "http-method-override=x",
                    "x=http-method-override",
                    "x-http-method=x",
                ],
            ),
            ("key", &["lookup_key=x", "lookup-key=x", "keys=x", "_key=x"]),
        ] {
            for sent in others {
                assert!(!is(sent.as_bytes(), word), "{sent} for {word}");
            }
        }
    }

    #[test]
    fn a_mark_at_the_beginning_may_be_any_and_several() {
        for sent in ["__method=x", ".method=x", "+._method=x", "[-method]=x"] {
            assert!(is(sent.as_bytes(), "_method"), "{sent}");
        }
        assert!(!is(b"+ method=x", "_method"));
    }

    #[test]
    fn a_value_goes_with_a_name_that_is_split_off() {
        let mut values = Vec::new();
        each_name(b"KEY=a%26key=b;%6bey=c", &mut |name| {
            if name.is("key") {
                values.push(name.value().map(<[u8]>::to_vec));
            }
        });
        let expected = [
            Some(b"a%26key=b".to_vec()),
            Some(b"c".to_vec()),
            None,
            None,
            None,
        ];
        assert_eq!(values, expected);
    }
}
