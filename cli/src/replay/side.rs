//! One of the two snapshots. A log names keys by their ids, and a decision begins with a raw key, which nobody has: so every key of the old snapshot is given a stand-in of its own, and both
//! snapshots hold the digests of these. What is a key's in both is told by its true digest, whatever its id.

use std::collections::HashMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Given;
use super::outcome::Outcome;
use super::question::Question;
use keyward::configuration::Configuration;
use keyward::digest::KeyDigest;
use keyward::endpoint::{Endpoint, Method, PlainPath, ROWS, Row, Rule};
use keyward::judge::judge;
use keyward::key::KeyKind;
use keyward::permission::{AccessLevel, Permission};
use keyward::request::RequestHead;
use keyward_files::snapshot::Checked;

/// Made-up raw keys in place of those that clients have.
pub(super) struct StandIns {
    by_id: HashMap<String, String>,
    by_digest: HashMap<String, String>,
    version: String,
}

/// A well-formed version, for keys that need one where the old snapshot lists none.
const SOME_VERSION: &str = "2026-10-28.endive";

impl StandIns {
    pub(super) fn of(old: &Checked, new: &Checked) -> Self {
        let served = versions(&old.written);
        let by_both = served
            .iter()
            .find(|version| versions(&new.written).contains(version));
        let version = by_both.or(served.first()).copied().unwrap_or(SOME_VERSION);
        let profile = old.configuration.profile();
        let (mut by_id, mut by_digest) = (HashMap::new(), HashMap::new());
        for key in keys(&old.written) {
            let text = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default();
            let digest = text("sha256").to_ascii_lowercase();
            let kind = KeyKind::ALL.iter().find(|kind| kind.name() == text("kind"));
            // The kind that the client's key has is the old snapshot's: under another kind its beginning may be wrong.
            let prefix = kind.and_then(|kind| profile.key_prefixes(*kind).next());
            let stand_in = format!("{}{digest}", prefix.unwrap_or_default());
            by_id.insert(text("id").to_owned(), stand_in.clone());
            by_digest.insert(digest, stand_in);
        }
        Self {
            by_id,
            by_digest,
            version: version.to_owned(),
        }
    }

    /// A version that clients may send: one of the old snapshot's, and of both if there is one.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// The stand-in of the key that a log names.
    pub(super) fn of_key(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(String::as_str)
    }
}

fn versions(written: &Value) -> Vec<&str> {
    let listed = written.pointer("/snapshot/api_versions");
    let listed = listed.and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(Value::as_str).collect()
}

fn keys(written: &Value) -> impl Iterator<Item = &Value> {
    let keys = written.pointer("/snapshot/keys").and_then(Value::as_array);
    keys.into_iter().flatten()
}

/// A snapshot and its settings, with stand-ins for its keys.
pub(super) struct Side {
    pub(super) configuration: Configuration,
    /// The versions that requests may name; every one where none is listed.
    versions: Vec<String>,
    /// The paths of its own endpoints.
    own_paths: Vec<String>,
}

impl Side {
    pub(super) fn new(source: &Checked, stand_ins: &StandIns) -> Result<Self> {
        let mut written = source.written.clone();
        if let Some(settings) = written.as_object_mut() {
            // How old a snapshot is when a request comes is no matter of the snapshot.
            settings.remove("max_snapshot_age");
        }
        let keys = written.pointer_mut("/snapshot/keys");
        for key in keys.and_then(Value::as_array_mut).into_iter().flatten() {
            let digest = key
                .get("sha256")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let stand_in = stand_ins.by_digest.get(&digest.to_ascii_lowercase());
            if let (Some(stand_in), Some(members)) = (stand_in, key.as_object_mut()) {
                let digest = KeyDigest::of(stand_in.as_bytes()).to_string();
                members.insert("sha256".to_owned(), json!(digest));
            }
        }
        let endpoints = written.pointer("/snapshot/endpoints");
        let own_paths = endpoints
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|row| {
                row.get("path")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect();
        let configuration = Configuration::from_json(written.to_string().as_bytes())
            .context("a snapshot with stand-ins for its keys is refused")?;
        let versions = versions(&written).into_iter().map(str::to_owned);
        Ok(Self {
            versions: versions.collect(),
            configuration,
            own_paths,
        })
    }

    pub(super) fn revision(&self) -> Option<u64> {
        let snapshot = self.configuration.snapshot();
        snapshot.map(|snapshot| snapshot.revision().number())
    }

    /// The versions that requests may name by `self` and no longer by `new`, if there are any.
    pub(super) fn versions_lost_in(&self, new: &Self) -> Option<String> {
        if new.versions.is_empty() {
            return None;
        }
        if self.versions.is_empty() {
            return Some("some version".to_owned());
        }
        let lost = self
            .versions
            .iter()
            .filter(|version| !new.versions.contains(version));
        let lost: Vec<String> = lost.map(|version| format!("`{version}`")).collect();
        (!lost.is_empty()).then(|| lost.join(", "))
    }

    /// What becomes of the request, as the filter judges it.
    pub(super) fn judge(&self, question: &Question, given: &Given) -> Outcome {
        let head = RequestHead::read(
            self.configuration.profile(),
            self.configuration.identity_names(),
            question
                .headers
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_bytes())),
            false,
        );
        Outcome::of(&judge(&self.configuration, &head, given))
    }

    /// Whether the endpoint at this path asks for this permission, at this level.
    pub(super) fn asks_for(
        &self,
        method: &str,
        path: &str,
        name: &str,
        level: AccessLevel,
    ) -> bool {
        let Some(snapshot) = self.configuration.snapshot() else {
            return false;
        };
        match self.found(method, path).map(|endpoint| endpoint.rule) {
            Some(Rule::Key {
                permissions,
                access,
                publishable: _,
            }) => {
                let names = snapshot.permissions();
                let is_one = |permission: &Permission| names.name(*permission) == name;
                access == level && permissions.iter().any(is_one)
            }
            Some(Rule::Public) | None => false,
        }
    }

    fn found(&self, method: &str, path: &str) -> Option<Endpoint<'_>> {
        let method = Method::of_request(method.as_bytes())?;
        let path = PlainPath::parse(path.as_bytes())?;
        self.configuration
            .snapshot()?
            .endpoints()
            .find(method, path)
    }

    /// The endpoint's template, for a path that has one.
    pub(super) fn endpoint(&self, method: &str, path: &str) -> Option<String> {
        Some(match self.found(method, path)?.row {
            Row::Builtin(row) => ROWS.get(usize::from(row))?.path.to_owned(),
            Row::Own(row) => self.own_paths.get(row)?.clone(),
        })
    }
}
