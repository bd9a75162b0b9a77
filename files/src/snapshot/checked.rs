//! A snapshot, or a plugin configuration with one in it, or what a key file makes: checked as a gateway
//! would check it, and all that is wrong is said at once.

use std::collections::HashMap;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::key_file::{Issue, KeyFile, every_refusal};
use keyward::configuration::Configuration;
use keyward::refusal::{Place, Refusal};

/// A good configuration, and the JSON it was read from.
pub struct Checked {
    /// What was read.
    pub configuration: Configuration,
    /// The JSON of the whole configuration, the snapshot in it.
    pub written: Value,
    /// Where in what was given the snapshot stands.
    pub place: Place,
    /// The key file that it was made from.
    pub key_file: Option<KeyFile>,
}

impl Checked {
    /// What a key file makes. An empty one makes an empty snapshot only if that was asked for.
    pub fn made(name: &str, file: KeyFile, issue: &Issue) -> Result<Self> {
        let written = file.compile(issue);
        if file.keys().next().is_none() && !issue.may_be_empty {
            bail!(
                "`{name}` has no keys, so every request would be refused; make one with `keyward keys create`, or say --empty if that is meant"
            );
        }
        let place = Place::member("snapshot");
        Self::check(name, written, None, place, Some(file))
    }

    /// Reads the JSON of a snapshot or of a plugin configuration, which errors call `name`.
    pub fn read(name: &str, json: &[u8]) -> Result<Self> {
        let json = if json.is_empty() { b"{}" } else { json };
        let parsed: Result<Value, _> = serde_json::from_slice(json);
        let Ok(value) = parsed else {
            let Err(refusal) = Configuration::from_json(json) else {
                bail!("`{name}` is refused: expected JSON");
            };
            bail!("`{name}` is refused: {refusal}");
        };
        // Only a snapshot itself has a `format`.
        if value.get("format").is_some() {
            let mut whole = br#"{"snapshot":"#.to_vec();
            whole.extend_from_slice(json);
            whole.push(b'}');
            let written = json!({"snapshot": value});
            return Self::check(name, written, Some(&whole), Place::default(), None);
        }
        let place = Place::member("snapshot");
        Self::check(name, value, Some(json), place, None)
    }

    /// `json` is the text that `written` was read from, in which an object may have a member twice.
    fn check(
        name: &str,
        written: Value,
        json: Option<&[u8]>,
        place: Place,
        key_file: Option<KeyFile>,
    ) -> Result<Self> {
        let text;
        let json = match json {
            Some(json) => json,
            None => {
                text = written.to_string();
                text.as_bytes()
            }
        };
        match Configuration::from_json(json) {
            Ok(configuration) => Ok(Self {
                configuration,
                written,
                place,
                key_file,
            }),
            Err(first) => {
                let mut refusals = every_refusal(&written);
                if !refusals.contains(&first) {
                    refusals.insert(0, first);
                }
                let shown: Vec<String> = refusals
                    .into_iter()
                    .map(|refusal| in_place(refusal, &place).to_string())
                    .collect();
                bail!("`{name}` is refused: {}", shown.join("\n"))
            }
        }
    }

    /// The snapshot's JSON.
    #[must_use]
    pub fn snapshot(&self) -> Option<&Value> {
        self.written.get("snapshot")
    }

    /// The names that people gave to keys and accounts, by id; a key file alone has them.
    #[must_use]
    pub fn names(&self) -> HashMap<&str, &str> {
        let Some(file) = &self.key_file else {
            return HashMap::new();
        };
        let keys = file
            .keys()
            .filter_map(|key| Some((key.id.as_str(), key.name.as_deref()?)));
        let accounts = file
            .accounts()
            .filter_map(|account| Some((account.id.as_str(), account.name.as_deref()?)));
        keys.chain(accounts).collect()
    }
}

/// Of a bare snapshot places are told as they stand in it.
fn in_place(refusal: Refusal, place: &Place) -> Refusal {
    if *place != Place::default() {
        return refusal;
    }
    let inner = refusal.place.strip_prefix("snapshot.");
    let inner = inner.unwrap_or(if refusal.place == "snapshot" {
        ""
    } else {
        &refusal.place
    });
    Refusal {
        place: inner.to_owned(),
        ..refusal
    }
}
