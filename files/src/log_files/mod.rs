//! Access logs as a stream: [`read`] passes every line that belongs to the log to a closure, file
//! after file, and counts the others with the reason. Files are plain, gzip or zstd, distinguished
//! by their first bytes; `-` is standard input. Memory does not grow with the log: a line has at
//! most 1 MiB, a decoder a window of at most 128 MiB.
//!
//! Clients chose the texts of a record: show them with
//! [`Text::shown`](crate::access_log::Text::shown).

mod input;
mod lines;
mod tally;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::PathBuf;

use anyhow::Result;

use crate::access_log::{Line, Record, Skip};
use input::Input;
use lines::{Lines, Next};

pub use tally::Tally;

/// The files of a log, and which of their requests to read.
#[derive(Clone, Debug)]
pub struct Log {
    /// Plain, gzip or zstd; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// Only requests that began in this range, in Unix milliseconds.
    pub time: Range<u64>,
    /// Whether to continue with data that is appended to the last file.
    pub follow: bool,
    /// How the tally shows a file's name, or an error that may contain it.
    pub shown: fn(&str) -> String,
}

/// Receives the progress of reading.
pub trait Progress {
    /// The number of bytes to read, or 0 if unknown.
    fn expect(&self, bytes: u64);
    /// This many more bytes were read.
    fn read(&self, bytes: u64);
    /// Called at the end.
    fn finish(&self);
}

/// Receives no progress.
impl Progress for () {
    fn expect(&self, _bytes: u64) {}
    fn read(&self, _bytes: u64) {}
    fn finish(&self) {}
}

/// Whether to continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// Continue with the next record.
    On,
    /// Stop reading.
    Stop,
}

/// Passes every record to `each`, in the order of the files, until it returns [`Go::Stop`]. Fails
/// before reading anything if a file cannot be opened, and if `each` fails. If a file ends or
/// breaks in the middle, it is read up to there, and the tally notes it.
pub fn read(
    log: &Log,
    progress: &dyn Progress,
    each: &mut dyn FnMut(&Record<'_>) -> Result<Go>,
) -> Result<Tally> {
    stream(log, progress, each, &mut || Ok(()))
}

/// Like [`read`], but calls `wait` before it waits for more of a stream: standard input, a pipe, or
/// a followed file.
pub fn stream(
    log: &Log,
    progress: &dyn Progress,
    each: &mut dyn FnMut(&Record<'_>) -> Result<Go>,
    wait: &mut dyn FnMut() -> Result<()>,
) -> Result<Tally> {
    let files = log.files.iter();
    let inputs: Result<Vec<Input>> = files.map(|path| Input::new(path)).collect();
    let mut inputs = inputs?;
    if let (Some(last), true) = (inputs.last_mut(), log.follow) {
        last.follow()?;
    }
    read_inputs(log, inputs, Tally::new(log.shown), progress, each, wait)
}

/// Like [`read`], but if a file cannot be opened, the tally notes it.
pub fn read_what_there_is(
    log: &Log,
    progress: &dyn Progress,
    each: &mut dyn FnMut(&Record<'_>) -> Result<Go>,
) -> Result<Tally> {
    let mut tally = Tally::new(log.shown);
    let mut inputs = Vec::with_capacity(log.files.len());
    for path in &log.files {
        match Input::new(path) {
            Ok(input) => inputs.push(input),
            Err(error) => tally.closed(&path.display().to_string(), &error),
        }
    }
    read_inputs(log, inputs, tally, progress, each, &mut || Ok(()))
}

/// Passes every line to `each`, whatever its form, for logs that are not Envoy's. Errors and the
/// tally are those of [`read`]. A line that is too long is skipped.
pub fn lines(
    files: &[PathBuf],
    shown: fn(&str) -> String,
    each: &mut dyn FnMut(&[u8]),
) -> Result<Tally> {
    let inputs: Result<Vec<Input>> = files.iter().map(|path| Input::new(path)).collect();
    let mut tally = Tally::new(shown);
    for input in inputs? {
        let name = input.name().to_owned();
        let mut lines = Lines::new(input.decoded(&()));
        loop {
            match lines.next() {
                Ok(Some(Next::Line(line))) => {
                    tally.read();
                    each(line);
                }
                Ok(Some(Next::TooLong)) => tally.skip(Skip::TooLong),
                Ok(None) => break,
                Err(error) => {
                    tally.broken(&name, &error);
                    break;
                }
            }
        }
    }
    Ok(tally)
}

/// Reads the inputs, and ends the progress even after an error.
fn read_inputs(
    log: &Log,
    inputs: Vec<Input>,
    mut tally: Tally,
    progress: &dyn Progress,
    each: &mut dyn FnMut(&Record<'_>) -> Result<Go>,
    wait: &mut dyn FnMut() -> Result<()>,
) -> Result<Tally> {
    progress.expect(inputs.iter().map(Input::size).sum());
    let read = read_each(log, inputs, &mut tally, progress, each, wait);
    progress.finish();
    read.map(|()| tally)
}

fn read_each(
    log: &Log,
    inputs: Vec<Input>,
    tally: &mut Tally,
    progress: &dyn Progress,
    each: &mut dyn FnMut(&Record<'_>) -> Result<Go>,
    wait: &mut dyn FnMut() -> Result<()>,
) -> Result<()> {
    for input in inputs {
        let (name, is_stream) = (input.name().to_owned(), input.is_stream());
        let mut lines = Lines::new(input.decoded(progress));
        loop {
            if is_stream && !lines.has_line() {
                wait()?;
            }
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
                Ok(record) if log.time.contains(&record.at) => {
                    tally.read();
                    if each(&record)? == Go::Stop {
                        return Ok(());
                    }
                }
                Ok(_) => tally.outside(),
                Err(skip) => tally.skip(skip),
            }
        }
    }
    Ok(())
}
