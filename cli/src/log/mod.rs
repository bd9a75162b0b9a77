//! Access logs as a stream: [`read`] hands every line that is one of the log's to a closure, file after file, and counts the others with the reason. Files are plain, gzip or zstd, told apart by their first
//! bytes; `-` is standard input. Memory does not grow with the log: a line has at most 1 MiB, a decoder at most a window of 128 MiB.
//!
//! A command takes [`LogArguments`] (the files, `--since`, `--until`) by `#[command(flatten)]`, and asks for what it needs of each [`Record`]:
//!
//! ```ignore
//! let mut calls = 0_u64;
//! let tally = log::read(&arguments.log, now, &Progress::shown(), &mut |record| {
//!     calls += u64::from(record.state.is_some_and(|state| state.verdict.passed()));
//!     Ok(Go::On)
//! })?;
//! tally.tell(&mut output::stderr())?;      // `3 lines were skipped: 2 torn, 1 foreign`
//! ```
//!
//! What a record's texts hold was chosen by clients: they go to a terminal through `Text::shown`, into JSON through [`ascii_json`].

mod bytes;
mod choice;
mod lines;
mod progress;
mod tally;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::Result;

use super::keys::times::{self, Moment};
use super::output::escaped_json;
use bytes::Input;
pub(super) use choice::{Choice, ChoiceArguments};
use keyward_files::access_log::{Line, Skip};
pub(super) use keyward_files::access_log::{Named, Record, State, Text, Verdict};
use lines::{Lines, Next};
pub(super) use progress::Progress;
pub(super) use tally::Tally;

/// The files of a log and the time that is looked at.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct LogArguments {
    /// Access logs: plain, gzip or zstd; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Only requests that began at this time or later: `2026-11-20T10:00:00Z`, or `2d` for so long ago
    #[arg(long, value_name = "WHEN", value_parser = times::moment)]
    since: Option<Moment>,
    /// Only requests that began before this time
    #[arg(long, value_name = "WHEN", value_parser = times::moment)]
    until: Option<Moment>,
}

/// Whether more is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Go {
    /// The next record, please.
    On,
    /// No more.
    Stop,
}

/// Hands every record to `each`, in the order of the files, until it says [`Go::Stop`]. `now` is Unix seconds. An error is a file that cannot be opened, found before anything is read, or an error of `each`.
/// A file that ends or breaks in the middle is read up to there and noted in the tally.
pub(super) fn read(
    arguments: &LogArguments,
    now: u64,
    progress: &Progress,
    each: &mut dyn FnMut(&Record<'_>) -> Result<Go>,
) -> Result<Tally> {
    let files = arguments.files.iter();
    let inputs: Result<Vec<Input>> = files.map(|path| Input::new(path)).collect();
    read_inputs(arguments, inputs?, Tally::default(), now, progress, each)
}

/// The same, and a file that cannot be opened is noted in the tally, too.
pub(super) fn read_what_there_is(
    arguments: &LogArguments,
    now: u64,
    progress: &Progress,
    each: &mut dyn FnMut(&Record<'_>) -> Result<Go>,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut inputs = Vec::with_capacity(arguments.files.len());
    for path in &arguments.files {
        match Input::new(path) {
            Ok(input) => inputs.push(input),
            Err(error) => tally.closed(&path.display().to_string(), &error),
        }
    }
    read_inputs(arguments, inputs, tally, now, progress, each)
}

fn read_inputs(
    arguments: &LogArguments,
    inputs: Vec<Input>,
    mut tally: Tally,
    now: u64,
    progress: &Progress,
    each: &mut dyn FnMut(&Record<'_>) -> Result<Go>,
) -> Result<Tally> {
    let milliseconds = |moment: Moment| moment.before(now).saturating_mul(1000);
    let since = arguments.since.map_or(0, milliseconds);
    let until = arguments.until.map_or(u64::MAX, milliseconds);
    progress.expect(inputs.iter().map(Input::size).sum());
    for input in inputs {
        let name = input.name().to_owned();
        let mut lines = Lines::new(input.decoded(progress.clone()));
        loop {
            let line = match lines.next() {
                Ok(Some(Next::Line(line))) => line,
                Ok(Some(Next::TooLong)) => {
                    tally.skip(Skip::TooLong);
                    continue;
                }
                Ok(None) => break,
                Err(error) => {
                    tally.broken(&name, &error);
                    break;
                }
            };
            if line.trim_ascii().is_empty() {
                continue;
            }
            let parsed = Line::parse(line);
            match parsed.as_ref().map_err(|skip| *skip).and_then(Line::record) {
                Ok(record) if (since..until).contains(&record.at) => {
                    tally.read();
                    if each(&record)? == Go::Stop {
                        return Ok(tally);
                    }
                }
                Ok(_) => tally.outside(),
                Err(skip) => tally.skip(skip),
            }
        }
    }
    progress.finish();
    Ok(tally)
}

/// A value as one line of JSON in ASCII: what a client sent reaches no terminal as it is.
pub(super) fn ascii_json(value: &serde_json::Value) -> String {
    escaped_json(&value.to_string(), |c| !c.is_ascii() || c == '\u{7f}')
}
