//! Times: Unix seconds inside, RFC 3339 in files and on screens.

use jiff::Timestamp;

/// Unix seconds at or above this are milliseconds by mistake, as in snapshots.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;

/// The text of a fault for a time that cannot be read.
pub(super) const EXPECTED: &str =
    "a time with its zone and without fractions, such as 2026-11-20T10:00:00Z, or Unix seconds";

/// Parses RFC 3339 with a zone: `2026-11-20T10:00:00Z`. `None` for anything else, for times before
/// 1970 and for fractions of a second.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let timestamp: Timestamp = text.parse().ok()?;
    if timestamp.subsec_nanosecond() != 0 {
        return None;
    }
    from_seconds(timestamp.as_second())
}

/// Returns Unix seconds from a file, or `None` if they are negative or milliseconds.
pub(super) fn from_seconds(seconds: i64) -> Option<u64> {
    u64::try_from(seconds)
        .ok()
        .filter(|seconds| *seconds < FIRST_MILLISECONDS)
}

/// Formats a time as RFC 3339 in UTC: `2026-11-20T10:00:00Z`.
#[must_use]
pub fn show(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map_or_else(|| seconds.to_string(), |timestamp| timestamp.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_and_shown_in_utc() {
        assert_eq!(parse("2026-11-20T10:00:00Z"), Some(1_795_168_800));
        assert_eq!(parse("2026-11-20T11:00:00+01:00"), Some(1_795_168_800));
        assert_eq!(show(1_795_168_800), "2026-11-20T10:00:00Z");
    }

    #[test]
    fn a_time_with_two_readings_is_none() {
        for text in [
            "2026-11-20",
            "2026-11-20T10:00:00",
            "2026-11-20T10:00:00.5Z",
            "1969-12-31T23:59:59Z",
            "tomorrow",
            "",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(from_seconds(1_795_168_800_000), None);
        assert_eq!(from_seconds(-1), None);
    }
}
