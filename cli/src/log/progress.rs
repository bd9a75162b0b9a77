//! How far the reading is, on a terminal alone.

use std::io::{self, IsTerminal, Read};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error, or nothing where that is no terminal.
#[derive(Clone, Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// On a terminal, whatever standard output is.
    pub(crate) fn shown() -> Self {
        if !io::stderr().is_terminal() {
            return Self::hidden();
        }
        Self(ProgressBar::with_draw_target(
            None,
            ProgressDrawTarget::stderr(),
        ))
    }

    /// Nowhere.
    pub(crate) fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// How many bytes there are to be read; 0 where that is not known.
    pub(super) fn expect(&self, bytes: u64) {
        let template = if bytes == 0 {
            "{spinner} {binary_bytes} read, {binary_bytes_per_sec}"
        } else {
            self.0.set_length(bytes);
            "{wide_bar} {percent}% of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style);
        }
    }

    /// Counts what is read.
    pub(super) fn of(&self, source: Box<dyn Read>) -> impl Read + use<> {
        self.0.wrap_read(source)
    }

    /// Writes without the bar in between.
    pub(crate) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
