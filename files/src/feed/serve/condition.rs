//! What a request's headers ask for: content other than a known version (RFC 9110, 13.1.2), a wait
//! (RFC 7240, 4.3), or a range (RFC 9110, 14.2).

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, header};

/// `Prefer`, which the `http` crate does not name.
pub(super) const PREFER: HeaderName = HeaderName::from_static("prefer");

/// Whether the client already has this content. A weak tag also matches, because nginx weakens the
/// tag when it compresses.
pub(super) fn has(headers: &HeaderMap, tag: &str) -> bool {
    texts(headers, header::IF_NONE_MATCH)
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// Returns how long the client is willing to wait for a change.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let mut preferences = texts(headers, PREFER).flat_map(|text| text.split(','));
    preferences.find_map(|preference| {
        let (preference, _parameters) = preference.split_once(';').unwrap_or((preference, ""));
        let (name, value) = preference.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("wait") {
            return None;
        }
        let seconds = value.trim().trim_matches('"').parse::<u32>().ok()?;
        Some(Duration::from_secs(seconds.into()))
    })
}

/// The bytes of an object that a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All bytes.
    Whole,
    /// The first byte and the number of bytes.
    Part(u64, u64),
    /// A range beyond the end.
    Nowhere,
}

/// Returns the range that the client asks for. Several ranges, other units and malformed ones are
/// ignored, so all bytes are sent.
pub(super) fn wanted(headers: &HeaderMap, size: u64) -> Wanted {
    let mut texts = texts(headers, header::RANGE);
    let range = texts.next().and_then(|text| text.strip_prefix("bytes="));
    let bounds = range.and_then(|range| range.split_once('-'));
    let (Some((first, last)), None) = (bounds, texts.next()) else {
        return Wanted::Whole;
    };
    let number = |text: &str| -> Option<u64> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // A number that does not fit is beyond the end of every file.
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (number(first), number(last)) {
        (None, Some(length)) if first.is_empty() => match length.min(size) {
            0 => Wanted::Nowhere,
            length => Wanted::Part(size.saturating_sub(length), length),
        },
        (Some(first), last) if last.is_some() || text_is_open(range) => {
            let last = last.unwrap_or(u64::MAX).min(size.saturating_sub(1));
            match last.checked_sub(first) {
                _ if first >= size => Wanted::Nowhere,
                Some(more) => Wanted::Part(first, more.saturating_add(1)),
                None => Wanted::Whole,
            }
        }
        _ => Wanted::Whole,
    }
}

/// Whether a range has no end: `5-`.
fn text_is_open(range: Option<&str>) -> bool {
    range.is_some_and(|range| range.ends_with('-'))
}

/// Returns the values of a header that are text.
fn texts(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_known_content_is_recognized() {
        let tag = "\"abc\"";
        for (values, is_known) in [
            (&["\"abc\""][..], true),
            (&["W/\"abc\""], true),
            (&["\"x\", \"abc\""], true),
            (&["\"x\"", "\"abc\""], true),
            (&["*"], true),
            (&["\"x\""], false),
            (&["abc"], false),
            (&[], false),
        ] {
            let headers = with(header::IF_NONE_MATCH, values);
            assert_eq!(has(&headers, tag), is_known, "{values:?}");
        }
    }

    #[test]
    fn a_wait_is_read_among_other_preferences() {
        for (values, expected) in [
            (&["wait=25"][..], Some(25)),
            (&["respond-async, wait=25"], Some(25)),
            (&["respond-async", "Wait = \"7\"; x=1"], Some(7)),
            (&["wait=0"], Some(0)),
            (&["wait=-1"], None),
            (&["wait"], None),
            (&["waiting=25"], None),
            (&[], None),
        ] {
            let headers = with(PREFER, values);
            let expected = expected.map(Duration::from_secs);
            assert_eq!(wait(&headers), expected, "{values:?}");
        }
    }

    #[test]
    fn a_range_is_cut_at_the_end_and_refused_beyond_it() {
        use Wanted::{Nowhere, Part, Whole};
        for (text, expected) in [
            ("bytes=0-9", Part(0, 10)),
            ("bytes=90-", Part(90, 10)),
            ("bytes=90-900", Part(90, 10)),
            ("bytes=99-99", Part(99, 1)),
            ("bytes=-5", Part(95, 5)),
            ("bytes=-500", Part(0, 100)),
            ("bytes=-0", Nowhere),
            ("bytes=100-", Nowhere),
            ("bytes=99999999999999999999-", Nowhere),
            ("bytes=5-99999999999999999999", Part(5, 95)),
            ("bytes=5-4", Whole),
            ("bytes=0-1,5-6", Whole),
            ("bytes=", Whole),
            ("bytes=-", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=1-x", Whole),
            ("items=0-1", Whole),
        ] {
            let headers = with(header::RANGE, &[text]);
            assert_eq!(wanted(&headers, 100), expected, "{text}");
        }
        assert_eq!(wanted(&HeaderMap::new(), 100), Whole);
        let empty = with(header::RANGE, &["bytes=0-0"]);
        assert_eq!(wanted(&empty, 0), Nowhere);
        let two = with(header::RANGE, &["bytes=0-1", "bytes=0-1"]);
        assert_eq!(wanted(&two, 100), Whole);
    }
}
