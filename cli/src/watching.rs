//! Runs until it is stopped: `push --watch` and `publish --watch`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::source::Source;

/// Set by SIGINT and SIGTERM, which no longer end the process.
pub(crate) struct Stop(Arc<AtomicBool>);

/// Registers for the signals. Fails if the source cannot be watched.
pub(crate) fn watching(source: &Source) -> Result<Stop> {
    if source.path() == Path::new("-") {
        bail!("--watch follows files, and standard input is not a file");
    }
    let is_over = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&is_over))?;
    }
    Ok(Stop(is_over))
}

impl Stop {
    /// Calls `look` after each pause until a signal arrives.
    pub(crate) fn until(&self, pause: Duration, mut look: impl FnMut()) {
        while !self.0.load(Ordering::Relaxed) {
            look();
            thread::sleep(pause);
        }
    }
}
