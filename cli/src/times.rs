//! Times as people write and read them: `90d` or a date with its zone as input, `in 3 days` as
//! output.

use jiff::{Span, SpanRelativeTo};

use keyward_files::key_file::instant;

/// The expected form of a length of time, for errors.
const LENGTH: &str =
    "a length of time in whole seconds, such as `90d`, `12h`, `30m` or `1w2d`, and more than none";

/// A time in an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// This many seconds from now, or before now if a command looks back.
    Distance(u64),
    /// A fixed time in Unix seconds.
    Fixed(u64),
}

impl Moment {
    /// Returns Unix seconds. A distance is counted forward from `now`.
    pub(crate) fn ahead_of(self, now: u64) -> u64 {
        match self {
            Self::Distance(seconds) => now.saturating_add(seconds),
            Self::Fixed(at) => at,
        }
    }

    /// Returns Unix seconds. A distance is counted back from `now`.
    pub(crate) fn before(self, now: u64) -> u64 {
        match self {
            Self::Distance(seconds) => now.saturating_sub(seconds),
            Self::Fixed(at) => at,
        }
    }
}

/// Parses `90d` or `2026-11-20T10:00:00Z`.
pub(crate) fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(seconds) = length(text) {
        return Ok(Moment::Distance(seconds));
    }
    instant::parse(text).map(Moment::Fixed).ok_or_else(|| {
        format!("expected {LENGTH}; or a time with its zone, such as `2026-11-20T10:00:00Z`")
    })
}

/// Parses `2026-11-20T10:00:00Z` to Unix seconds.
pub(crate) fn time(text: &str) -> Result<u64, String> {
    instant::parse(text)
        .ok_or_else(|| "expected a time with its zone, such as `2026-11-20T10:00:00Z`".to_owned())
}

/// Parses `90d` to seconds. A day has 24 hours. Months and years vary in length, so they are
/// rejected.
pub(crate) fn length(text: &str) -> Result<u64, String> {
    let read = || {
        let span: Span = text.parse().ok()?;
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
        let is_whole = length.subsec_nanos() == 0;
        u64::try_from(length.as_secs())
            .ok()
            .filter(|seconds| is_whole && *seconds > 0)
    };
    read().ok_or_else(|| format!("expected {LENGTH}"))
}

/// Returns `in 3 days` or `2 hours ago`.
pub(crate) fn relative(at: u64, now: u64) -> String {
    match at.checked_sub(now) {
        Some(0) => "now".to_owned(),
        Some(ahead) => format!("in {}", length_in_words(ahead)),
        None => format!("{} ago", length_in_words(now.saturating_sub(at))),
    }
}

/// Returns `3 days`: at least two of the largest possible unit, rounded down.
pub(crate) fn length_in_words(seconds: u64) -> String {
    let units = [
        (86_400, "days"),
        (3_600, "hours"),
        (60, "minutes"),
        (1, "seconds"),
    ];
    let found = units
        .into_iter()
        .map(|(length, name)| (seconds / length, name))
        .find(|(count, _)| *count >= 2);
    match found {
        Some((count, name)) => format!("{count} {name}"),
        None => format!("{seconds} second"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_in_whole_seconds_and_more_than_none() {
        assert_eq!(length("2s"), Ok(2));
        assert_eq!(length("90d"), Ok(90 * 86_400));
        assert_eq!(length("1w2d"), Ok(9 * 86_400));
        assert_eq!(length("24h"), Ok(86_400));
        for text in ["", "90", "0s", "-1d", "1d ago", "1.5s", "1mo", "1y", "soon"] {
            assert!(length(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_is_ahead_or_behind_or_fixed() {
        assert_eq!(moment("2d").unwrap().ahead_of(1_000_000), 1_172_800);
        assert_eq!(moment("2d").unwrap().before(1_000_000), 827_200);
        let fixed = moment("2026-11-20T10:00:00Z").unwrap();
        assert_eq!(fixed, Moment::Fixed(1_795_168_800));
        assert_eq!(fixed.ahead_of(5), fixed.before(5));
        for text in ["2026-11-20", "2026-11-20T10:00:00", "tomorrow"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn distances_are_said_in_one_unit() {
        assert_eq!(relative(100, 100), "now");
        assert_eq!(relative(101, 100), "in 1 second");
        assert_eq!(relative(100 + 90, 100), "in 90 seconds");
        assert_eq!(relative(100 + 7_300, 100), "in 2 hours");
        assert_eq!(relative(0, 86_400 * 3 + 5), "3 days ago");
    }
}
