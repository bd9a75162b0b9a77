//! What commands on snapshots are given: a snapshot, a plugin configuration with one in it, or a key file that one is made from. Whatever it is, it is checked as a push would check
//! it, and all that is wrong is said at once.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::build::Issuing;
use super::unpack;
use crate::input;
use crate::store::Store;
use keyward::configuration::Configuration;
use keyward::refusal::{Place, Refusal};
use keyward_files::key_file::{KeyFile, every_refusal};

/// A good configuration, and the JSON it was read from.
pub(crate) struct Source {
    pub(crate) configuration: Configuration,
    /// The JSON of the whole configuration, the snapshot in it.
    pub(crate) written: Value,
    /// Where in what was given the snapshot stands.
    pub(crate) place: Place,
    /// The key file that it was made from.
    pub(crate) key_file: Option<KeyFile>,
}

impl Source {
    /// Reads JSON, the packed form, or a key file: a folder, or a file that ends in `.toml`.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let is_key_file = path.extension().is_some_and(|ending| ending == "toml");
        if is_key_file || path.is_dir() {
            let file = Store::open(path)?.read()?;
            let name = path.display().to_string();
            return Self::made(&name, file, &Issuing::default());
        }
        let json = unpack::to_json(input::read(path)?)
            .with_context(|| format!("`{}` is refused", path.display()))?;
        Self::read(&path.display().to_string(), &json)
    }

    /// What a key file makes. An empty one makes an empty snapshot only if that was asked for.
    pub(crate) fn made(name: &str, file: KeyFile, issuing: &Issuing) -> Result<Self> {
        let written = file.compile(&issuing.issue(input::now()));
        if file.keys().next().is_none() && !issuing.empty {
            bail!(
                "`{name}` has no keys, so every request would be refused; make one with `keyward keys create`, or say --empty if that is meant"
            );
        }
        let place = Place::member("snapshot");
        Self::checked(name, written, None, place, Some(file))
    }

    pub(crate) fn read(name: &str, json: &[u8]) -> Result<Self> {
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
            return Self::checked(name, written, Some(&whole), Place::default(), None);
        }
        let place = Place::member("snapshot");
        Self::checked(name, value, Some(json), place, None)
    }

    /// `json` is the text that `written` was read from, in which an object may have a member twice.
    fn checked(
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
    pub(crate) fn snapshot(&self) -> Option<&Value> {
        self.written.get("snapshot")
    }

    /// The names that people gave to keys and accounts, by id; a key file alone has them.
    pub(crate) fn names(&self) -> HashMap<&str, &str> {
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
