//! Times as the API writes them: RFC 3339 with milliseconds, in UTC. The store keeps whole seconds.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use jiff::Timestamp;

pub(crate) use keyward_files::clock::now;
use keyward_files::clock::since_epoch;

/// The clock at the start of this process. The steady clock is read first, so that it is never behind.
static STARTED: LazyLock<(Duration, Instant)> = LazyLock::new(|| {
    let since = Instant::now();
    (since_epoch(), since)
});

/// The steady clock's time: the time of the start, and the time since then. Whole seconds are counted last, so that both clocks change their second at the same time.
pub(crate) fn steady() -> u64 {
    let (wall, since) = *STARTED;
    wall.saturating_add(since.elapsed()).as_secs()
}

/// The time of what ends now, and of what a proof may count as too old: a clock that jumped ahead must not make it late, or heads look older than they are.
pub(crate) fn at_once() -> u64 {
    now().min(steady())
}

/// `2026-11-29T10:00:00.000Z`.
pub(crate) fn written(seconds: u64) -> String {
    let time = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    format!("{:.3}", time.unwrap_or(Timestamp::MAX))
}

/// Reads a time with its zone. What is below a second is cut off.
pub(crate) fn read(text: &str) -> Option<u64> {
    let time: Timestamp = text.parse().ok()?;
    u64::try_from(time.as_second()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else what lasts exactly as long as it may, by the one clock, is too long by the other.
    #[test]
    fn while_no_clock_jumps_both_count_the_same_second() {
        at_once();
        let mut seconds = std::collections::BTreeSet::new();
        while seconds.len() < 3 {
            let (before, between, after) = (now(), at_once(), now());
            assert!(
                (before..=after).contains(&between),
                "{before} {between} {after}"
            );
            seconds.insert(between);
        }
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        assert_eq!(written(1_795_946_400), "2026-11-29T10:00:00.000Z");
        assert_eq!(read("2026-11-29T10:00:00.000Z"), Some(1_795_946_400));
        assert_eq!(read("2026-11-29T11:00:00.999+01:00"), Some(1_795_946_400));
        for none in [
            "",
            "2026-11-29",
            "2026-11-29T10:00:00",
            "1795946400",
            "1960-01-01T00:00:00Z",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
