//! The arguments of commands that read access logs: [`LogArguments`] (the files, `--since`,
//! `--until`), for `#[command(flatten)]`, and the choice of requests.
//!
//! Clients chose the texts of a record: print them to a terminal with `Text::shown`, and as JSON
//! with [`ascii_json`].

mod choice;
mod progress;

use std::path::PathBuf;

use super::arguments;
use super::output::escaped_json;
use super::times::{self, Moment};
use keyward_files::log_files::Log;

pub(super) use choice::{Choice, ChoiceArguments};
pub(super) use progress::ProgressLine;

/// The files of a log and the time that is looked at.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct LogArguments {
    /// Access logs: plain, gzip or zstd; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only requests that began at this time or later: `2026-11-20T10:00:00Z`, or `2d` for so long ago
    #[arg(long, value_name = "WHEN", value_parser = times::moment)]
    since: Option<Moment>,
    /// Only requests that began before this time
    #[arg(long, value_name = "WHEN", value_parser = times::moment)]
    until: Option<Moment>,
}

impl LogArguments {
    /// Returns the log that the arguments name. `now` is in Unix seconds.
    pub(super) fn log(&self, now: u64) -> Log {
        let milliseconds = |moment: Moment| moment.before(now).saturating_mul(1000);
        let since = self.since.map_or(0, milliseconds);
        let until = self.until.map_or(u64::MAX, milliseconds);
        Log {
            files: self.files.clone(),
            time: since..until,
            follow: false,
            // If an argument contains a key instead of a file, it is masked.
            shown: arguments::shown,
        }
    }
}

/// Formats a value as one line of JSON in ASCII, so that no text from a client reaches a terminal
/// unescaped.
pub(super) fn ascii_json(value: &serde_json::Value) -> String {
    escaped_json(&value.to_string(), |c| !c.is_ascii() || c == '\u{7f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_from_now_or_fixed_and_open_where_nothing_is_said() {
        let arguments = |since, until| LogArguments {
            files: Vec::new(),
            since,
            until,
        };
        let now = 1_795_168_825;
        let log = arguments(
            Some(Moment::Fixed(1_795_168_810)),
            Some(Moment::Distance(5)),
        )
        .log(now);
        assert_eq!(log.time, 1_795_168_810_000..1_795_168_820_000);
        assert_eq!(arguments(None, None).log(now).time, 0..u64::MAX);
    }

    #[test]
    fn json_for_a_terminal_is_ascii() {
        let value = serde_json::json!({"path": "a\u{202e}\u{1b}\u{7f}\u{1f600}"});
        let json = ascii_json(&value);
        assert_eq!(json, "{\"path\":\"a\\u202e\\u001b\\u007f\\ud83d\\ude00\"}");
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read, value);
    }
}
