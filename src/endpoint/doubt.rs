//! Finds the part of a path that servers read in several ways, to explain why a path names no
//! endpoint. The decision uses only [`PlainPath`].

use super::PlainPath;
use crate::invariant::Held;

/// A part of a path, and why it has several readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt<'p> {
    /// The part, as the client sent it.
    pub part: &'p [u8],
    /// The reason, as a sentence that begins with the part.
    pub why: &'static str,
}

/// Returns the leftmost part of `path` that has several readings, or `None` if the whole path has
/// only one, as for [`PlainPath::parse`].
#[must_use]
pub fn doubt(path: &[u8]) -> Option<Doubt<'_>> {
    if PlainPath::parse(path).is_some() {
        return None;
    }
    let Some(mut rest) = path.strip_prefix(b"/") else {
        let why = "does not begin with `/`";
        return Some(Doubt { part: path, why });
    };
    loop {
        let end = rest.iter().position(|byte| *byte == b'/');
        let (segment, behind) = match end {
            Some(end) => (rest.get(..end)?, rest.get(end + 1..)),
            None => (rest, None),
        };
        if let Some(found) = of_segment(segment, behind.is_none()) {
            return Some(found);
        }
        rest = behind?;
    }
}

fn of_segment(segment: &[u8], is_last: bool) -> Option<Doubt<'_>> {
    let whole = |why| Some(Doubt { part: segment, why });
    match segment {
        b"" if !is_last => {
            let why = "is an empty segment, which some servers drop";
            return Some(Doubt { part: b"//", why });
        }
        b"." => return whole("is a dot segment, which some servers drop"),
        b".." => return whole("is a dot segment, and some servers go up on it"),
        _ => {}
    }
    segment.iter().enumerate().find_map(|(at, byte)| {
        let part = |length: usize| {
            let end = segment.len().min(at + length);
            segment.get(at..end).held("a part ends in its segment")
        };
        let why = match byte {
            b'%' => {
                let part = part(3);
                return of_escape(part).map(|why| Doubt { part, why });
            }
            b'\\' => "is read as `/` by some servers",
            b';' => "begins a parameter for some servers, which cut it off",
            b'#' | b'?' => "ends the path for some servers",
            0x21..=0x7e => return None,
            0x80.. => "is not ASCII; servers decode it in several ways",
            _ => "is a blank or a control character, which some servers drop",
        };
        Some(Doubt { part: part(1), why })
    })
}

fn of_escape(escape: &[u8]) -> Option<&'static str> {
    let digits = match escape {
        [b'%', digits @ ..] if digits.iter().all(u8::is_ascii_hexdigit) => digits,
        _ => return Some("is not an escape: two hexadecimal digits must follow `%`"),
    };
    let byte = std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.len() == 2)
        .and_then(|digits| u8::from_str_radix(digits, 16).ok());
    Some(match byte {
        None => "is not an escape: two hexadecimal digits must follow `%`",
        Some(b'%') => "is an escaped `%`, and servers that decode twice read on after it",
        Some(b'/') => "is an escaped `/`, which some servers take for one that separates segments",
        Some(b'\\') => "is an escaped `\\`, which some servers read as `/`",
        Some(b';' | b'?' | b'#') => "is an escaped delimiter, which some servers take for one",
        Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') => {
            "escapes a character that needs no escape: send the character"
        }
        Some(0x20..=0x7e) => return None,
        Some(0x80..) => "escapes what is not ASCII; servers decode it in several ways",
        Some(_) => "escapes a control character, at which some servers end the path",
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn assert_doubted(path: &str, part: &str, begins: &str) {
        let found = doubt(path.as_bytes()).unwrap();
        assert_eq!(String::from_utf8_lossy(found.part), part, "{path}");
        assert!(found.why.starts_with(begins), "{path}: {}", found.why);
    }

    #[test]
    fn the_part_with_several_readings_is_named() {
        assert_doubted("/v1/coupons/SUMMER%25", "%25", "is an escaped `%`");
        assert_doubted("/v1/plans/Pro%2Fplan", "%2F", "is an escaped `/`");
        assert_doubted("/v1/%63harges", "%63", "escapes a character that needs");
        assert_doubted("/v1/x%3By", "%3B", "is an escaped delimiter");
        assert_doubted("/v1//charges", "//", "is an empty segment");
        assert_doubted("/v1/../charges", "..", "is a dot segment, and");
        assert_doubted("/v1/a;b", ";", "begins a parameter");
        assert_doubted("/v1/a%2", "%2", "is not an escape");
        assert_doubted("/v1/%zz", "%zz", "is not an escape");
        assert_doubted("/v1/%c3%a4", "%c3", "escapes what is not ASCII");
        assert_doubted("/v1/x%00", "%00", "escapes a control character");
        assert_doubted("v1/charges", "v1/charges", "does not begin");
        assert_eq!(doubt(b"/v1/charges/ch_1"), None);
    }

    proptest! {
        /// There is a doubtful part exactly if the decision rejects the path for its readings.
        #[test]
        fn there_is_doubt_just_where_no_plain_path_is(path in "(/|[a-c.;#\\\\%/]|%2[05fF]|%63|%3b|\\PC|[\\x00-\\x20]){0,12}") {
            prop_assert_eq!(doubt(path.as_bytes()).is_none(), PlainPath::parse(path.as_bytes()).is_some());
        }
    }
}
