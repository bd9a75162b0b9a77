//! The doctor's findings: each check by name, whether good or bad, with the place, the consequence,
//! and how to fix it.

use std::io::{self, Write};

use crate::counted::counted;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Good to know.
    Note,
    /// A safeguard is missing, or Envoy behaves in an unexpected way.
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

/// The checks. Their names are printed, and docs/hardening.md explains each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(test, derive(clap::ValueEnum))]
pub(super) enum Check {
    AccessLog,
    Admin,
    ClientAddress,
    Clusters,
    Code,
    Configuration,
    Discovery,
    EnvoyVersion,
    FailurePolicy,
    Feed,
    Filter,
    FilterState,
    Framing,
    Interlock,
    Listeners,
    LogLevel,
    Neighbours,
    Paths,
    Routes,
    Runtime,
    Server,
    Stats,
    Tap,
    Tracing,
    Underscores,
    Unread,
    Upgrades,
    Workers,
}

impl Check {
    fn name(self) -> &'static str {
        match self {
            Self::AccessLog => "access-log",
            Self::Admin => "admin",
            Self::ClientAddress => "client-address",
            Self::Clusters => "clusters",
            Self::Code => "code",
            Self::Configuration => "configuration",
            Self::Discovery => "discovery",
            Self::EnvoyVersion => "envoy-version",
            Self::FailurePolicy => "failure-policy",
            Self::Feed => "feed",
            Self::Filter => "filter",
            Self::FilterState => "filter-state",
            Self::Framing => "framing",
            Self::Interlock => "interlock",
            Self::Listeners => "listeners",
            Self::LogLevel => "log-level",
            Self::Neighbours => "neighbours",
            Self::Paths => "paths",
            Self::Routes => "routes",
            Self::Runtime => "runtime",
            Self::Server => "server",
            Self::Stats => "stats",
            Self::Tap => "tap",
            Self::Tracing => "tracing",
            Self::Underscores => "underscores",
            Self::Unread => "unread",
            Self::Upgrades => "upgrades",
            Self::Workers => "workers",
        }
    }
}

/// Something that is not as it should be.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) level: Level,
    pub(super) check: Check,
    pub(super) place: String,
    pub(super) what: String,
    pub(super) mend: &'static str,
}

/// All findings, and the checks without any.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
    good: Vec<Check>,
}

impl Report {
    /// Adds a finding of a check.
    pub(super) fn found(
        &mut self,
        level: Level,
        check: Check,
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

    /// Records that a check was made, whether it finds anything or not.
    pub(super) fn made(&mut self, check: Check) {
        self.good.push(check);
    }

    /// Returns the worst level of all findings.
    pub(super) fn worst(&self) -> Option<Level> {
        self.findings.iter().map(|finding| finding.level).max()
    }

    /// Prints the findings, the worst first, then the names of the checks that found nothing worse
    /// than a note.
    pub(super) fn print(mut self, out: &mut impl Write) -> io::Result<()> {
        self.findings
            .sort_by_key(|finding| std::cmp::Reverse(finding.level));
        for finding in &self.findings {
            let (level, check) = (finding.level.word(), finding.check.name());
            writeln!(out, "{level}  {check} at {}", finding.place)?;
            writeln!(out, "      {}", finding.what)?;
            if !finding.mend.is_empty() {
                writeln!(out, "      → {}", finding.mend)?;
            }
        }
        let bad: Vec<Check> = self
            .findings
            .iter()
            .filter(|finding| finding.level > Level::Note)
            .map(|finding| finding.check)
            .collect();
        self.good.retain(|check| !bad.contains(check));
        self.good.sort_unstable();
        self.good.dedup();
        if !self.good.is_empty() {
            let names: Vec<&str> = self.good.iter().map(|check| check.name()).collect();
            writeln!(out, "good  {}", names.join(", "))?;
        }
        let count = |level, one, many| {
            let of = self.findings.iter().filter(|found| found.level == level);
            counted(of.count(), one, many)
        };
        writeln!(
            out,
            "{}, {}, {}",
            count(Level::Fail, "failure", "failures"),
            count(Level::Warn, "warning", "warnings"),
            count(Level::Note, "note", "notes")
        )
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    /// docs/hardening.md has a row for each check.
    #[test]
    fn every_check_is_documented() {
        let page = include_str!("../../../docs/hardening.md");
        for check in Check::value_variants() {
            let name = format!("`{}`", check.name());
            let in_table = |line: &str| line.starts_with('|') && line.contains(&name);
            assert!(page.lines().any(in_table), "{name}");
        }
    }
}
