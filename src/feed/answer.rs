//! The answer of a source. Nothing in it is trusted by itself: everything that counts is signed, or
//! has a hash that is.

/// The body of an answer, read in place.
pub trait Body {
    /// Returns the number of bytes.
    fn size(&self) -> usize;

    /// Reads `length` bytes from `start` on. Returns `None` if they are unavailable.
    fn read(&mut self, start: usize, length: usize) -> Option<Box<[u8]>>;
}

impl Body for &[u8] {
    fn size(&self) -> usize {
        self.len()
    }

    fn read(&mut self, start: usize, length: usize) -> Option<Box<[u8]>> {
        self.get(start..)?.get(..length).map(Box::from)
    }
}

/// The headers of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    etag: Option<String>,
    waits: bool,
    range: Option<ContentRange>,
    is_encoded: bool,
}

/// The range of bytes in an answer: the first, the last, and the total number.
pub(super) type ContentRange = (u64, u64, u64);

/// The maximum length of an entity tag that is kept.
const LONGEST_TAG: usize = 256;

impl Answer {
    /// Reads the headers of an answer. Returns `None` if there is no status.
    #[must_use]
    pub fn read(headers: &[(&[u8], &[u8])]) -> Option<Self> {
        let mut answer = Self {
            status: number(value(headers, b":status")?)?.try_into().ok()?,
            ..Self::default()
        };
        for (name, value) in headers {
            match *name {
                b"etag" => answer.etag = tag(value),
                b"preference-applied" => {
                    answer.waits |= value.split(|byte| *byte == b',').any(is_wait);
                }
                b"content-range" => answer.range = content_range(value),
                b"content-encoding" => answer.is_encoded |= *value != b"identity",
                _ => {}
            }
        }
        Some(answer)
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// Returns the entity tag, to send it back unchanged.
    pub(super) fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// Returns whether the server delays answers while nothing changes.
    pub(super) fn waits(&self) -> bool {
        self.waits
    }

    pub(super) fn range(&self) -> Option<ContentRange> {
        self.range
    }

    /// Returns whether the body has a content coding. Envoy does not decompress it.
    pub(super) fn is_encoded(&self) -> bool {
        self.is_encoded
    }
}

fn value<'h>(headers: &[(&[u8], &'h [u8])], name: &[u8]) -> Option<&'h [u8]> {
    let mut headers = headers.iter();
    headers.find(|(of, _)| *of == name).map(|(_, value)| *value)
}

/// Parses a number that consists only of digits.
fn number(digits: &[u8]) -> Option<u64> {
    let is_plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_plain.then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
}

/// Returns an entity tag that can be sent back: visible ASCII in quotes, weak or not.
fn tag(value: &[u8]) -> Option<String> {
    let opaque = value.strip_prefix(b"W/").unwrap_or(value);
    let inner = opaque.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let is_spelled = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x7e);
    let is_tag = value.len() <= LONGEST_TAG && inner.iter().all(is_spelled);
    is_tag.then(|| String::from_utf8(value.to_vec()).ok())?
}

/// Returns whether a preference is `wait`, or `wait=25`.
fn is_wait(preference: &[u8]) -> bool {
    let preference = preference.trim_ascii();
    let rest = preference
        .get(..4)
        .filter(|name| name.eq_ignore_ascii_case(b"wait"))
        .and_then(|_| preference.get(4..));
    rest.is_some_and(|rest| matches!(rest.trim_ascii_start().first(), None | Some(b'=' | b';')))
}

/// Parses a content range such as `bytes 0-262143/57000000`.
fn content_range(value: &[u8]) -> Option<ContentRange> {
    let range = value.strip_prefix(b"bytes ")?;
    let mut halves = range.splitn(2, |byte| *byte == b'/');
    let (places, total) = (halves.next()?, number(halves.next()?)?);
    let mut places = places.splitn(2, |byte| *byte == b'-');
    let (first, last) = (number(places.next()?)?, number(places.next()?)?);
    (first <= last && last < total).then_some((first, last, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &str)]) -> Option<Answer> {
        let bytes: Vec<(&[u8], &[u8])> = headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        Answer::read(&bytes)
    }

    #[test]
    fn a_status_is_three_digits_and_has_to_be_there() {
        assert_eq!(read(&[(":status", "206")]).unwrap().status(), 206);
        for other in ["", "2 0", "+200", "99999999"] {
            assert_eq!(read(&[(":status", other)]), None, "{other}");
        }
        assert_eq!(read(&[("etag", "\"a\"")]), None);
    }

    #[test]
    fn a_tag_is_kept_as_it_came_and_anything_else_is_none() {
        let kept = |value: &str| {
            let answer = read(&[(":status", "200"), ("etag", value)]).unwrap();
            answer.etag().map(str::to_owned)
        };
        for tag in ["\"\"", "\"6a-1\"", "W/\"6a-1\""] {
            assert_eq!(kept(tag).as_deref(), Some(tag));
        }
        let long = format!("\"{}\"", "a".repeat(255));
        for other in ["", "a", "\"a", "\"a b\"", "\"a\"b\"", "\"\u{e9}\"", &long] {
            assert_eq!(kept(other), None, "{other}");
        }
    }

    #[test]
    fn a_server_that_waits_says_so() {
        let waits = |value: &str| {
            let answer = read(&[(":status", "200"), ("preference-applied", value)]);
            answer.unwrap().waits()
        };
        for value in ["wait=25", "Wait = 25", "respond-async, wait", "wait;x=1"] {
            assert!(waits(value), "{value}");
        }
        for value in ["", "waiting", "await=1", "x=wait"] {
            assert!(!waits(value), "{value}");
        }
    }

    #[test]
    fn a_range_is_within_what_there_is() {
        let range = |value: &str| {
            let answer = read(&[(":status", "206"), ("content-range", value)]);
            answer.unwrap().range()
        };
        assert_eq!(range("bytes 0-9/10"), Some((0, 9, 10)));
        for other in [
            "bytes 0-10/10",
            "bytes 2-1/10",
            "bytes */10",
            "bytes 0-1/*",
            "0-1/2",
            "bytes 0-1/99999999999999999999",
            "bytes 0-1",
        ] {
            assert_eq!(range(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_compressed_is_told() {
        let encoded = |value: &str| read(&[(":status", "200"), ("content-encoding", value)]);
        assert!(encoded("gzip").unwrap().is_encoded());
        assert!(!encoded("identity").unwrap().is_encoded());
    }
}
