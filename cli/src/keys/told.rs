//! What a command says when it is done. The value of a new key goes to standard output, alone, so that a pipe gets it and nothing else; everything about it goes to standard error.

use std::io::Write;

use anyhow::{Context, Result};
use serde_json::{Map, Value as Json, json};
use zeroize::Zeroizing;

use super::view;
use crate::exit::Exit;
use crate::once::Once;
use crate::output::{self, OutputArguments, Tone, toned};
use keyward_files::key_file::{Key, KeyFile};
use keyward_files::secret::Secret;
use keyward_files::store::Store;

/// Said of every change.
pub(crate) const NEXT_PUSH: &str = "it takes effect with the next `keyward push`";

/// A key that an edit made.
pub(super) struct Made {
    pub(super) id: String,
    pub(super) secret: Secret,
    /// What else is to be known.
    pub(super) notes: Vec<String>,
}

/// Lets `edit` make a key, shows its value, and writes the file once that was taken. `seen` is what the person agreed to change, if they were asked.
pub(super) fn make(
    store: &Store,
    command: &str,
    seen: Option<&KeyFile>,
    once: Once,
    now: u64,
    edit: impl FnOnce(&mut KeyFile) -> Result<Made>,
) -> Result<Exit> {
    let output = once.output();
    let edit = |file: &mut KeyFile| {
        let made = edit(file)?;
        let key = file
            .key(&made.id)
            .context("the key was not added; please report this")?;
        Ok((Told::of(file, key, now), made))
    };
    let (told, made) = store.edit_and_show(command, seen, edit, |(told, made)| {
        once.show(&told.with_value(&made.secret, output)?)
    })?;
    told.say_made(&made.notes);
    Ok(Exit::Good)
}

/// A key as it was left by a command, for people and for programs.
pub(super) struct Told {
    pub(super) id: String,
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
