//! Times: how far away they are in words, and exactly.

use jiff::Timestamp;
use maud::{Markup, html};

use super::Text;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// From here on a date says more than a number of days.
const LONG: u64 = 90 * DAY;

/// A time of the API (RFC 3339), as words.
pub(crate) fn time(written: &str, now: u64) -> Markup {
    match crate::time::read(written) {
        Some(seconds) => moment(seconds, now),
        None => html! { (Text(written)) },
    }
}

/// A time, as words.
pub(crate) fn moment(seconds: u64, now: u64) -> Markup {
    html! { time datetime=(exact(seconds)) title=(readable(seconds)) { (words(seconds, now)) } }
}

/// A time in full, with the words after it.
pub(crate) fn full(seconds: u64, now: u64) -> Markup {
    html! {
        time datetime=(exact(seconds)) { (readable(seconds)) }
        " " span.soft { "(" (away(seconds, now)) ")" }
    }
}

/// `in 9 days`, `2 min ago`, `27 Feb 2027`.
pub(crate) fn words(seconds: u64, now: u64) -> String {
    match seconds.abs_diff(now) >= LONG {
        true => of(seconds, "%-d %b %Y"),
        false => away(seconds, now),
    }
}

/// `in 366 days`, `2 min ago`.
fn away(seconds: u64, now: u64) -> String {
    let distance = seconds.abs_diff(now);
    if distance < MINUTE {
        return if seconds > now {
            "in a moment"
        } else {
            "just now"
        }
        .to_owned();
    }
    let amount = span(distance);
    if seconds > now {
        format!("in {amount}")
    } else {
        format!("{amount} ago")
    }
}

/// `9 days`, `3 h`, `12 min`: rounded down, so that nothing lasts longer than said.
pub(crate) fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / DAY, seconds / HOUR, seconds / MINUTE);
    match (days, hours) {
        (1, _) => "1 day".to_owned(),
        (2.., _) => format!("{days} days"),
        (0, 1..) => format!("{hours} h"),
        (0, 0) => format!("{minutes} min"),
    }
}

/// `29 Nov 2026, 10:00:00 UTC`.
pub(crate) fn readable(seconds: u64) -> String {
    of(seconds, "%-d %b %Y, %H:%M:%S UTC")
}

fn exact(seconds: u64) -> String {
    of(seconds, "%Y-%m-%dT%H:%M:%SZ")
}

fn of(seconds: u64, format: &str) -> String {
    let time = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or(Timestamp::MAX);
    time.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_946_400;

    #[test]
    fn a_time_is_near_in_words_and_far_as_a_date() {
        for (seconds, expected) in [
            (NOW, "just now"),
            (NOW + 30, "in a moment"),
            (NOW - 61, "1 min ago"),
            (NOW - 3 * HOUR, "3 h ago"),
            (NOW + DAY, "in 1 day"),
            (NOW + 10 * DAY - 1, "in 9 days"),
            (NOW + 90 * DAY, "27 Feb 2027"),
        ] {
            assert_eq!(words(seconds, NOW), expected);
        }
    }

    #[test]
    fn a_time_in_full_says_how_far_it_is_away() {
        let shown = full(NOW + 366 * DAY, NOW).into_string();
        assert!(shown.contains("30 Nov 2027, 10:00:00 UTC"), "{shown}");
        assert!(shown.ends_with("(in 366 days)</span>"), "{shown}");
    }

    #[test]
    fn the_exact_time_is_there_for_machines_and_people() {
        let shown = time("2026-11-29T10:00:00.000Z", NOW).into_string();
        let expected = "<time datetime=\"2026-11-29T10:00:00Z\" title=\"29 Nov 2026, 10:00:00 UTC\">just now</time>";
        assert_eq!(shown, expected);
        assert_eq!(time("<soon>", NOW).into_string(), "&lt;soon&gt;");
    }
}
