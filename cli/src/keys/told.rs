//! What a command says when it is done. The value of a new key goes to standard output, alone, so that a pipe gets it and nothing else; everything about it goes to standard error.

use std::io::Write;

use anyhow::{Context, Result};
use serde_json::{Map, Value as Json, json};
use zeroize::Zeroizing;

use super::view;
use crate::exit::Exit;
use crate::once::Once;
use crate::output::{self, OutputArguments, Tone, toned};
use crate::rules;
use keyward::management::{Command, Decision, Secret};
use keyward_files::key_file::{Key, KeyFile};
use keyward_files::store::Store;

/// Said of every change.
pub(crate) const NEXT_PUSH: &str = "it takes effect with the next `keyward push`";

/// Carries out a command that makes a key, shows its value, and writes the file once that was taken.
/// `seen` is what the person agreed to change, if they were asked; `place` the file that it goes into.
pub(super) fn make(
    store: &Store,
    name: &str,
    seen: Option<&KeyFile>,
    once: Once,
    now: u64,
    command: &Command,
    place: Option<&str>,
) -> Result<Exit> {
    let output = once.output();
    let edit = |file: &mut KeyFile| {
        let mut decision = rules::carry_out(file, command, place, now)?;
        let secret = decision
            .take_minted()
            .context("no key was made; please report this")?;
        let told = Told::of_decision(file, &decision, now)?;
        Ok((told, secret, notes(&decision, now)))
    };
    let (told, _, notes) = store.edit_and_show(name, seen, edit, |(told, secret, _)| {
        once.show(&told.with_value(secret, output)?)
    })?;
    told.say_made(&notes);
    Ok(Exit::Good)
}

/// Carries out a command on a key, and says what was done to it. `seen` as for [`make`].
pub(super) fn change(
    store: &Store,
    name: &str,
    seen: Option<&KeyFile>,
    now: u64,
    command: &Command,
) -> Result<(Told, Vec<String>)> {
    let edit = |file: &mut KeyFile| {
        let decision = rules::carry_out(file, command, None, now)?;
        let told = Told::of_decision(file, &decision, now)?;
        Ok((told, notes(&decision, now)))
    };
    match seen {
        Some(seen) => store.edit_seen(name, seen, edit),
        None => store.edit(name, edit),
    }
}

/// What else is to be known of a decision.
pub(super) fn notes(decision: &Decision, now: u64) -> Vec<String> {
    let id = decision.key().unwrap_or_default();
    let notes = decision.notes().iter();
    notes.map(|note| rules::note(note, id, now)).collect()
}

/// A key as it was left by a command, for people and for programs.
pub(super) struct Told {
    id: String,
    summary: String,
    json: Map<String, Json>,
}

impl Told {
    /// A key as it stands in the file.
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

    /// The key that a decision is about.
    pub(super) fn of_decision(file: &KeyFile, decision: &Decision, now: u64) -> Result<Self> {
        let key = decision.key().and_then(|id| file.key(id));
        let key = key.context("the key is not there; please report this")?;
        Ok(Self::of(file, key, now))
    }

    /// What standard output gets of a new key: its value, or an object with it.
    fn with_value(&self, secret: &Secret, output: OutputArguments) -> Result<Zeroizing<String>> {
        if output.json {
            let mut json = self.json.clone();
            json.remove("public_value");
            json.insert("value".to_owned(), json!(secret.expose()));
            return output::json(&Json::Object(json)).map(Zeroizing::new);
        }
        Ok(Zeroizing::new(format!("{}\n", secret.expose())))
    }

    /// Says what else is to be known of a new key. The key is there and its value was shown: where nobody can be told the rest, it is no failure.
    fn say_made(&self, notes: &[String]) {
        let mut err = output::stderr();
        let id = toned(Tone::Good, &self.id);
        let _ = writeln!(err, "made {id}: {}", self.summary);
        let _ = writeln!(
            err,
            "its value stands on standard output, this once: it is kept nowhere else"
        );
        for note in notes {
            let _ = writeln!(err, "{}", toned(Tone::Warning, note));
        }
        let _ = writeln!(err, "{NEXT_PUSH}");
    }

    /// Shows what was done to a key.
    pub(super) fn show(self, did: &str, notes: &[String], output: OutputArguments) -> Result<Exit> {
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
        writeln!(err, "{NEXT_PUSH}")?;
        Ok(Exit::Good)
    }
}
