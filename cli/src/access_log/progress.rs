//! Shows the progress of reading, only on a terminal.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use keyward_files::log_files::Progress;

/// A progress bar on standard error, or nothing if that is not a terminal.
#[derive(Clone, Debug)]
pub(crate) struct ProgressLine(ProgressBar);

impl ProgressLine {
    /// Shows the bar on a terminal, independently of standard output.
    pub(crate) fn shown() -> Self {
        if !io::stderr().is_terminal() {
            return Self::hidden();
        }
        Self(ProgressBar::with_draw_target(
            None,
            ProgressDrawTarget::stderr(),
        ))
    }

    /// Shows no bar.
    pub(crate) fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// Hides the bar while `write` runs.
    pub(crate) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }
}

impl Progress for ProgressLine {
    fn expect(&self, bytes: u64) {
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

    fn read(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    fn finish(&self) {
        self.0.finish_and_clear();
    }
}
