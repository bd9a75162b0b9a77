//! The progress while waiting: on a terminal one line that changes, elsewhere a line for each
//! change.

use std::io::{IsTerminal, Write};

use anyhow::Result;

use super::target::Target;
use super::verdict::Verdict;
use crate::output;
use keyward::snapshot::Revision;

/// Moves to the start of the line and clears it.
const CLEAR: &str = "\r\u{1b}[2K";

/// The maximum length of a line, which fits on most terminals.
const LONGEST_LINE: usize = 100;

pub(super) struct Progress {
    revision: Revision,
    on_terminal: bool,
    last: String,
}

impl Progress {
    pub(super) fn new(revision: Revision) -> Self {
        Self {
            revision,
            on_terminal: std::io::stderr().is_terminal(),
            last: String::new(),
        }
    }

    /// Shows the progress if it has changed.
    pub(super) fn show(&mut self, targets: &[&Target], verdicts: &[Verdict]) -> Result<()> {
        let serving = verdicts
            .iter()
            .filter(|verdict| matches!(verdict, Verdict::Serves(_)))
            .count();
        let mut line = format!(
            "revision {}: served by {serving} of {}",
            self.revision.number(),
            verdicts.len()
        );
        let first = targets
            .iter()
            .zip(verdicts)
            .find_map(|(target, verdict)| match verdict {
                Verdict::Waiting(why) | Verdict::Refused(why) => Some((target.url(), why)),
                Verdict::Serves(_) => None,
            });
        if let Some((url, why)) = first {
            line += &format!("; {url}: {why}");
        }
        if line == self.last {
            return Ok(());
        }
        let mut out = output::stderr();
        if self.on_terminal {
            let short: String = line.chars().take(LONGEST_LINE).collect();
            write!(out, "{CLEAR}{short}")?;
            out.flush()?;
        } else {
            writeln!(out, "{line}")?;
        }
        self.last = line;
        Ok(())
    }

    /// Removes the line.
    pub(super) fn end(&self) {
        if self.on_terminal && !self.last.is_empty() {
            // If standard error is closed, there is nowhere to report it.
            let _ = write!(output::stderr(), "{CLEAR}");
        }
    }
}
