//! What the doctor found: each check by its name, good or not, with the place, what follows from it, and what mends it.

use std::io::{self, Write};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Good to know.
    Note,
    /// A safeguard is missing, or Envoy does not do what one would expect of it.
    Warn,
    /// Requests pass unchecked, or may; or keys leak.
    Fail,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

/// One thing that is not as it should be.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) level: Level,
    pub(super) check: &'static str,
    pub(super) place: String,
    pub(super) what: String,
    pub(super) mend: &'static str,
}

/// All findings, and the checks that found nothing.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
    good: Vec<&'static str>,
}

impl Report {
    /// A check that found something.
    pub(super) fn found(
        &mut self,
        level: Level,
        check: &'static str,
        place: &str,
        what: impl Into<String>,
        mend: &'static str,
    ) {
        self.findings.push(Finding {
            level,
            check,
            place: place.to_owned(),
            what: what.into(),
            mend,
        });
    }

    /// A check that was made, whatever it finds.
    pub(super) fn made(&mut self, check: &'static str) {
        self.good.push(check);
    }

    /// The worst there is.
    pub(super) fn worst(&self) -> Option<Level> {
        self.findings.iter().map(|finding| finding.level).max()
    }

    /// The worst first, then the names of the checks that found nothing worse than a note.
    pub(super) fn print(mut self, out: &mut impl Write) -> io::Result<()> {
        self.findings
            .sort_by_key(|finding| std::cmp::Reverse(finding.level));
        for finding in &self.findings {
            let (level, check) = (finding.level.word(), finding.check);
            writeln!(out, "{level}  {check} at {}", finding.place)?;
            writeln!(out, "      {}", finding.what)?;
            if !finding.mend.is_empty() {
                writeln!(out, "      → {}", finding.mend)?;
            }
        }
        let bad: Vec<&str> = self
            .findings
            .iter()
            .filter(|finding| finding.level > Level::Note)
            .map(|finding| finding.check)
            .collect();
        self.good.retain(|check| !bad.contains(check));
        self.good.sort_unstable();
        self.good.dedup();
        if !self.good.is_empty() {
            writeln!(out, "good  {}", self.good.join(", "))?;
        }
        let count = |level| {
            let of = self.findings.iter().filter(|found| found.level == level);
            of.count()
        };
        writeln!(
            out,
            "{} failures, {} warnings, {} notes",
            count(Level::Fail),
            count(Level::Warn),
            count(Level::Note)
        )
    }
}
