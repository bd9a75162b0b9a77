//! Checks a snapshot, a plugin configuration with a snapshot in it, or the result of a key file as
//! a gateway would, and reports all faults at once.

use std::collections::HashMap;

use anyhow::{Result, bail};

use super::pack::Parts;
use crate::configuration::written::{SNAPSHOT, Written};
use crate::key_file::{Issue, KeyFile};
use keyward::configuration::{Configuration, faults};
use keyward::refusal::{Place, Refusal};
use keyward::snapshot::Document;

/// A valid configuration, and what it was read from.
pub struct Checked {
    /// The configuration as a gateway reads it.
    pub configuration: Configuration,
    /// The complete configuration, including the snapshot.
    pub written: Written,
    /// The place of the snapshot in the input.
    pub place: Place,
    /// The key file that made it.
    pub key_file: Option<KeyFile>,
}

impl Checked {
    /// Makes a snapshot from a key file and checks it. A file without keys makes an empty snapshot
    /// only if `issue` allows it.
    pub fn made(name: &str, file: KeyFile, issue: &Issue) -> Result<Self> {
        let written = file.compile(issue);
        if file.keys().next().is_none() && !issue.may_be_empty {
            bail!(
                "`{name}` has no keys, so every request would be refused; make one with `keyward keys create`, or say --allow-empty if that is meant"
            );
        }
        let place = Place::member(SNAPSHOT);
        let configuration = check(name, written.to_string().as_bytes(), &place)?;
        Ok(Self {
            configuration,
            written,
            place,
            key_file: Some(file),
        })
    }

    /// Reads the JSON of a snapshot or of a plugin configuration. Errors call it `name`.
    pub fn read(name: &str, json: &[u8]) -> Result<Self> {
        let json = if json.is_empty() { b"{}" } else { json };
        let parts = match Parts::split(json) {
            Ok(parts) => parts,
            Err(refusal) => bail!("`{name}` is refused: {refusal}"),
        };
        let place = parts.place.clone();
        let configuration = match (&parts.settings, parts.snapshot) {
            (None, Some(snapshot)) => {
                let mut whole = br#"{"snapshot":"#.to_vec();
                whole.extend_from_slice(snapshot);
                whole.push(b'}');
                check(name, &whole, &place)?
            }
            (_, _) => check(name, json, &place)?,
        };
        Ok(Self {
            configuration,
            written: Written::of(&parts)?,
            place,
            key_file: None,
        })
    }

    /// Returns the snapshot in its written form.
    #[must_use]
    pub fn snapshot(&self) -> Option<&Document> {
        self.written.snapshot.as_ref()
    }

    /// Returns the names that people gave to keys and accounts, by id. Only a key file has them.
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

/// Reads a configuration as a gateway does, and reports all faults.
fn check(name: &str, json: &[u8], place: &Place) -> Result<Configuration> {
    let first = match Configuration::from_json(json) {
        Ok(configuration) => return Ok(configuration),
        Err(first) => first,
    };
    let mut refusals = faults(json);
    if !refusals.contains(&first) {
        refusals.insert(0, first);
    }
    let shown: Vec<String> = refusals
        .into_iter()
        .map(|refusal| in_place(refusal, place).to_string())
        .collect();
    bail!("`{name}` is refused: {}", shown.join("\n"))
}

/// Removes `snapshot` from the start of a place if the input is a bare snapshot.
fn in_place(refusal: Refusal, place: &Place) -> Refusal {
    if !place.is_whole() {
        return refusal;
    }
    Refusal {
        place: refusal.place.within(SNAPSHOT),
        ..refusal
    }
}
