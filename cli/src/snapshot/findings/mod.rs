//! What an operator should know about a valid snapshot: rows that no request reaches, grants that
//! have no effect. A finding names its place, and shows nothing that looks like a key.

mod endpoints;
mod feed;
mod grants;
mod links;
mod reach;
mod replaced;
mod risks;

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::output::{Tone, toned};
pub(super) use feed::check as of_feed;
use keyward::mask::echo;
use keyward::profile::Profile;
use keyward::refusal::Place;
use keyward::snapshot::document::Key;
use keyward::snapshot::{Document, Snapshot};
use keyward_files::key_file::KeyFile;
pub(super) use risks::Policy;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// It may be intended.
    Note,
    /// It cannot be intended.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    level: Level,
    place: String,
    text: String,
}

impl Finding {
    pub(super) fn note(place: Place, text: String) -> Self {
        Self::new(Level::Note, place, text)
    }

    pub(super) fn warning(place: Place, text: String) -> Self {
        Self::new(Level::Warning, place, text)
    }

    fn new(level: Level, place: Place, text: String) -> Self {
        let place = place.to_string();
        Self { level, place, text }
    }

    /// Returns the finding as JSON, for programs.
    pub(super) fn json(&self) -> Value {
        let level = match self.level {
            Level::Note => "note",
            Level::Warning => "warning",
        };
        json!({"level": level, "place": self.place, "text": self.text})
    }

    pub(super) fn is_warning(&self) -> bool {
        self.level == Level::Warning
    }
}

/// A snapshot and the document from which it was read. Places refer to the document, whose grants
/// do not include what they imply.
pub(super) struct Subject<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) written: &'a Document,
    pub(super) profile: &'a Profile,
    /// The place of the snapshot in the file.
    pub(super) place: Place,
}

impl<'a> Subject<'a> {
    /// Returns the keys of the snapshot, each with its place.
    fn keys(&self) -> impl Iterator<Item = (Place, &'a Key)> + use<'a> {
        let place = self.place.then("keys");
        let keys = self.written.keys().iter().enumerate();
        keys.map(move |(index, key)| (place.at(index), key))
    }

    /// Returns an operator's name or template, with everything that looks like a key masked.
    fn masked(&self, text: &str) -> String {
        echo(text.as_bytes(), self.profile.known_prefixes())
    }

    /// Like [`Self::masked`], in backticks.
    fn shown(&self, text: &str) -> String {
        format!("`{}`", self.masked(text))
    }
}

/// Returns all findings, in the order of the checks.
pub(super) fn of(subject: &Subject<'_>) -> Vec<Finding> {
    let rows = endpoints::in_force(subject);
    let mut findings = Vec::new();
    reach::check(subject, &rows, &mut findings);
    replaced::check(subject, &rows, &mut findings);
    grants::check(subject, &rows, &mut findings);
    findings
}

/// Returns the risks of keys. Only a key file knows how old they are and which key replaces which.
pub(super) fn risks(
    subject: &Subject<'_>,
    file: Option<&KeyFile>,
    policy: &Policy,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    risks::check(subject, file, policy, &mut findings);
    if let Some(file) = file {
        links::check(subject, file, &mut findings);
    }
    findings
}

pub(super) fn print(findings: &[Finding], out: &mut impl Write) -> io::Result<()> {
    for finding in findings {
        let level = match finding.level {
            Level::Note => toned(Tone::Dim, "note"),
            Level::Warning => toned(Tone::Warning, "warning"),
        };
        writeln!(out, "{level}: {}: {}", finding.place, finding.text)?;
    }
    Ok(())
}
