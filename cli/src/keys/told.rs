//! What a command prints at the end. Only the value of a new key goes to standard output, so that a
//! pipe gets nothing else. Everything about the key goes to standard error.

use std::io::Write;

use anyhow::{Context, Result};
use serde_json::{Map, Value as Json, json};
use zeroize::Zeroizing;

use super::view;
use crate::exit::Exit;
use crate::once::Once;
use crate::output::{self, OutputArguments, Tone, toned};
use crate::records::{Outcome, Records, Seen, Step};
use crate::rules;
use keyward::invariant::Held;
use keyward::management::Command;
use keyward_files::key_file::{Key, KeyFile};

/// Carries out a command that makes a key, and shows its value. The key is only kept if a reader
/// has received the value.
pub(super) fn make(records: &Records, once: Once, step: &Step<'_>) -> Result<Exit> {
    let output = once.output();
    let told = |outcome: &Outcome<'_>| {
        let told = Told::of_outcome(outcome, step.now)?;
        let value = outcome
            .value
            .context("no value was made; please report this")?;
        let value = told.with_value(value, output)?;
        Ok((told, value, notes(outcome, step.now, records)))
    };
    let (told, _, notes) = records.make(step, told, |(_, value, _)| once.show(value))?;
    told.say_made(&notes, records);
    Ok(Exit::Good)
}

/// Carries out commands that each make a key, and shows all values at once, one JSON object per
/// line. Returns the number of keys.
pub(super) fn make_all(
    records: &Records,
    once: &Once,
    name: &str,
    seen: &Seen,
    commands: &[Command],
    now: u64,
) -> Result<usize> {
    let told = |outcome: &Outcome<'_>| {
        let told = Told::of_outcome(outcome, now)?;
        let value = outcome
            .value
            .context("no value was made; please report this")?;
        let line = output::json_line(&Json::Object(told.json_with(value)))?;
        Ok(Zeroizing::new(line))
    };
    let show = |lines: &[Zeroizing<String>]| {
        let mut text = Zeroizing::new(String::with_capacity(
            lines.iter().map(|line| line.len()).sum(),
        ));
        lines.iter().for_each(|line| text.push_str(line));
        once.show(&text)
    };
    let made = records.make_all(name, seen, commands, now, told, show)?;
    Ok(made.len())
}

/// Carries out a command on a key, and returns a report of the result.
pub(super) fn change(records: &Records, step: &Step<'_>) -> Result<(Told, Vec<String>)> {
    records.change(step, |outcome| {
        let told = Told::of_outcome(outcome, step.now)?;
        Ok((told, notes(outcome, step.now, records)))
    })
}

/// Returns the notes about a change.
pub(super) fn notes(outcome: &Outcome<'_>, now: u64, records: &Records) -> Vec<String> {
    let id = outcome.key.held("a change of a key names it");
    let notes = outcome.notes.iter();
    notes
        .map(|note| rules::note(note, id, now, records.at_once()))
        .collect()
}

/// A key after a command, for people and programs.
pub(super) struct Told {
    id: String,
    summary: String,
    json: Map<String, Json>,
}

impl Told {
    /// Describes a key in the file.
    pub(super) fn of(file: &KeyFile, key: &Key, now: u64) -> Self {
        let mut summary = format!(
            "{}, {} mode, {}, permissions: {}",
            key.kind.name(),
            key.mode.name(),
            key.owner,
            view::permissions(key, file),
        );
        if key.expires.is_some() {
            summary.push_str(&format!(", ends {}", view::expiry(key, now).1));
        }
        if !key.allowed_ips.is_empty() {
            summary.push_str(&format!(", from {}", key.allowed_ips.join(" ")));
        }
        Self {
            id: key.id.clone(),
            summary,
            json: view::json(key, file, now),
        }
    }

    /// Describes the key that a command was about.
    fn of_outcome(outcome: &Outcome<'_>, now: u64) -> Result<Self> {
        let key = outcome.key.and_then(|id| outcome.file.key(id));
        let key = key.context("the key is not there; please report this")?;
        Ok(Self::of(outcome.file, key, now))
    }

    /// Returns the output for a new key: its value, or an object that contains the value.
    fn with_value(&self, value: &str, output: OutputArguments) -> Result<Zeroizing<String>> {
        if output.json {
            let json = self.json_with(value);
            return output::json(&Json::Object(json)).map(Zeroizing::new);
        }
        Ok(Zeroizing::new(format!("{value}\n")))
    }

    fn json_with(&self, value: &str) -> Map<String, Json> {
        let mut json = self.json.clone();
        json.remove("public_value");
        json.insert("value".to_owned(), json!(value));
        json
    }

    /// Prints the rest about a new key. The key exists and its value was shown, so a failure to
    /// print this is ignored.
    fn say_made(&self, notes: &[String], records: &Records) {
        let mut err = output::stderr();
        let id = toned(Tone::Good, &self.id);
        let _ = writeln!(err, "made {id}: {}", self.summary);
        let _ = writeln!(
            err,
            "its value is on standard output, and is not shown again: it is kept nowhere else"
        );
        for note in notes {
            let _ = writeln!(err, "{}", toned(Tone::Warning, note));
        }
        let _ = writeln!(err, "{}", records.next());
    }

    /// Shows the result for a key.
    pub(super) fn show(
        self,
        did: &str,
        notes: &[String],
        records: &Records,
        output: OutputArguments,
    ) -> Result<Exit> {
        if output.json {
            let mut json = self.json;
            json.insert("did".to_owned(), json!(did));
            output::print_json(&Json::Object(json))?;
        } else {
            let id = toned(Tone::Good, &self.id);
            writeln!(output::stdout(), "{did} {id}: {}", self.summary)?;
        }
        let mut err = output::stderr();
        for note in notes {
            writeln!(err, "{}", toned(Tone::Warning, note))?;
        }
        writeln!(err, "{}", records.next())?;
        Ok(Exit::Good)
    }
}
