//! What a command says when it is done. The value of a new key goes to standard output, alone, so that a pipe gets it and nothing else; everything about it goes to standard error.

use std::io::Write;

use anyhow::{Context, Result};
use serde_json::{Map, Value as Json, json};

use super::view;
use crate::cli::exit::Exit;
use crate::cli::output::{self, OutputArguments, Tone, toned};
use crate::cli::secret::Secret;
use crate::key_file::{Key, KeyFile};

/// Said of every change.
pub(super) const NEXT_PUSH: &str = "it takes effect with the next `keyward push`";

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

    /// Shows the value of a key that was just made, this once; `did` says what was done, `notes` what else is to be known.
    pub(super) fn show_value(
        self,
        secret: &Secret,
        did: &str,
        notes: &[String],
        output: OutputArguments,
    ) -> Result<Exit> {
        self.write_value(secret, output).with_context(|| {
            format!(
                "`{0}` was made and its value could not be shown, so nobody has it: take it out again with `keyward keys delete {0} --purge --yes`",
                self.id
            )
        })?;
        let mut err = output::stderr();
        let id = toned(Tone::Good, &self.id);
        writeln!(err, "{did} {id}: {}", self.summary)?;
        writeln!(
            err,
            "its value stands on standard output, this once: it is kept nowhere else"
        )?;
        for note in notes {
            writeln!(err, "{}", toned(Tone::Warning, note))?;
        }
        writeln!(err, "{NEXT_PUSH}")?;
        Ok(Exit::Good)
    }

    fn write_value(&self, secret: &Secret, output: OutputArguments) -> Result<()> {
        if output.json {
            let mut json = self.json.clone();
            json.remove("public_value");
            json.insert("value".to_owned(), json!(secret.expose()));
            return output::print_json(&Json::Object(json));
        }
        let mut out = output::stdout();
        writeln!(out, "{}", secret.expose())?;
        out.flush()?;
        Ok(())
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
