//! Access logs as a stream: [`read`] hands every line that is one of the log's to a closure, file after file, and counts the others with the reason. Files are plain, gzip or zstd, distinguished by their first
//! bytes; `-` is standard input. Memory does not grow with the log: a line has at most 1 MiB, a decoder at most a window of 128 MiB.
//!
//! What a record's texts hold was chosen by clients: they are shown by [`Text::shown`](crate::access_log::Text::shown).

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

/// The files of a log and the time that is looked at.
#[derive(Clone, Debug)]
pub struct Log {
    /// Plain, gzip or zstd; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// Only requests that began in this time, Unix milliseconds.
    pub time: Range<u64>,
    /// Go on with what is added to the last file.
    pub follow: bool,
    /// How the tally shows a file's name, and an error that may repeat it.
    pub shown: fn(&str) -> String,
}

/// Receives the progress of the reading.
pub trait Progress {
    /// So many bytes are to be read; 0 where that is not known.
    fn expect(&self, bytes: u64);
    /// So many more bytes are read.
    fn read(&self, bytes: u64);
    /// That was all.
    fn finish(&self);
}

/// No one.
impl Progress for () {
    fn expect(&self, _bytes: u64) {}
    fn read(&self, _bytes: u64) {}
    fn finish(&self) {}
}

/// Whether more is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// The next record, please.
    On,
    /// No more.
    Stop,
}

/// Hands every record to `each`, in the order of the files, until it says [`Go::Stop`]. An error is a file that cannot be opened, found before anything is read, or an error of `each`.
/// A file that ends or breaks in the middle is read up to there and noted in the tally.
pub fn read(
    log: &Log,
    progress: &dyn Progress,
    each: &mut dyn FnMut(&Record<'_>) -> Result<Go>,
) -> Result<Tally> {
    stream(log, progress, each, &mut || Ok(()))
}

/// The same, and `wait` is called before more of a stream is waited for: of standard input, a pipe, or a file that is followed.
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

/// The same, and a file that cannot be opened is noted in the tally as well.
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

/// Hands every line to `each`, whatever form it has: of logs that are not Envoy's. Errors and the tally are those of [`read`], and a line that is too long is skipped.
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

/// However it ends, the progress does.
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
