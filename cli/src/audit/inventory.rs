//! The keys there are, used or not, and what they are granted as it is written: from the key file, or from a configuration.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::source::Source;
use keyward::configuration::Configuration;
use keyward::endpoint::EndpointCatalogue;
use keyward::key::{KeyKind, Livemode};
use keyward::mask::KnownPrefixes;
use keyward::permission::{AccessLevel, PermissionRegistry};
use keyward::profile::Profile;
use keyward_files::key_file::{Granted, Issue, KeyFile};
use keyward_files::store::Store;

/// One key as it is written down.
#[derive(Clone, Debug)]
pub(super) struct KnownKey {
    pub(super) name: Option<String>,
    pub(super) kind: KeyKind,
    pub(super) mode: Livemode,
    pub(super) owner: String,
    pub(super) is_deleted: bool,
    pub(super) not_before: Option<u64>,
    pub(super) expires: Option<u64>,
    pub(super) created: Option<u64>,
    pub(super) replaced_by: Option<String>,
    /// `None`: every permission, for kinds that may have that.
    pub(super) grants: Option<Granted>,
    pub(super) connect_grants: Option<Granted>,
    /// Whether grants come from a set that other keys may share.
    pub(super) has_set: bool,
}

impl KnownKey {
    /// Whether it has ended at `now`, Unix seconds.
    pub(super) fn has_ended(&self, now: u64) -> bool {
        self.is_deleted || self.expires.is_some_and(|expires| expires <= now)
    }
}

/// All keys, and the API they are for.
pub(super) struct Inventory {
    pub(super) keys: HashMap<String, KnownKey>,
    pub(super) endpoints: EndpointCatalogue,
    /// The snapshot's own endpoints, as `GET /v1/widgets`.
    pub(super) own: Vec<String>,
    pub(super) permissions: PermissionRegistry,
    pub(super) prefixes: KnownPrefixes,
    /// Whether there is a source of keys at all.
    pub(super) is_given: bool,
    /// Whether that is a key file, which `keyward keys` edits.
    pub(super) is_key_file: bool,
}

#[derive(Deserialize)]
struct Written {
    snapshot: Option<WrittenSnapshot>,
}

#[derive(Deserialize)]
struct WrittenSnapshot {
    #[serde(default)]
    grant_sets: BTreeMap<String, BTreeMap<String, Level>>,
    #[serde(default)]
    keys: Vec<WrittenKey>,
    #[serde(default)]
    endpoints: Vec<WrittenEndpoint>,
}

#[derive(Deserialize)]
struct WrittenEndpoint {
    method: String,
    path: String,
}

#[derive(Deserialize)]
struct WrittenKey {
    id: String,
    kind: String,
    livemode: bool,
    owner: String,
    status: Option<String>,
    not_before: Option<Value>,
    expires_at: Option<Value>,
    grants: Option<WrittenGrants>,
    connect_grants: Option<WrittenGrants>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenGrants {
    Set(String),
    Inline(BTreeMap<String, Level>),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Read,
    Write,
}

impl Inventory {
    /// Without a source: Stripe's API, and no keys.
    pub(super) fn empty() -> Self {
        Self {
            keys: HashMap::new(),
            endpoints: EndpointCatalogue::stripe(),
            own: Vec::new(),
            permissions: PermissionRegistry::stripe(),
            prefixes: Profile::stripe().known_prefixes().clone(),
            is_given: false,
            is_key_file: false,
        }
    }

    /// What a source says at `now`, Unix seconds.
    pub(super) fn of(source: &Source, now: u64) -> Result<Self> {
        let issue = Issue {
            revision: now,
            issued_at: now,
            may_be_empty: true,
        };
        let (built, file) = match source {
            Source::Keys(path) => (
                source.build(Some(&issue))?,
                Some(Store::open(path)?.read()?),
            ),
            Source::Configuration(_) => (source.build(None)?, None),
        };
        // It was checked before, so it can be read as it is meant.
        let written: Written = serde_json::from_str(&built.json)
            .ok()
            .context("the configuration cannot be read again; please report this")?;
        let mut inventory = Self::around(&built.configuration);
        inventory.is_key_file = file.is_some();
        if let Some(snapshot) = written.snapshot {
            let own = snapshot.endpoints.iter();
            inventory.own = own
                .map(|endpoint| format!("{} {}", endpoint.method, endpoint.path))
                .collect();
            inventory.keys = snapshot.keys(&inventory.permissions);
        }
        if let Some(file) = &file {
            inventory.name(file);
        }
        Ok(inventory)
    }

    fn around(configuration: &Configuration) -> Self {
        let empty = Self {
            is_given: true,
            prefixes: configuration.profile().known_prefixes().clone(),
            ..Self::empty()
        };
        match configuration.snapshot() {
            Some(snapshot) => Self {
                endpoints: snapshot.endpoints().clone(),
                permissions: snapshot.permissions().clone(),
                ..empty
            },
            None => empty,
        }
    }

    /// What the key file alone knows.
    fn name(&mut self, file: &KeyFile) {
        for key in file.keys() {
            if let Some(known) = self.keys.get_mut(&key.id) {
                known.name.clone_from(&key.name);
                known.created = key.created;
                known.replaced_by.clone_from(&key.replaced_by);
            }
        }
    }
}

impl WrittenSnapshot {
    fn keys(self, permissions: &PermissionRegistry) -> HashMap<String, KnownKey> {
        let sets = &self.grant_sets;
        let granted = |grants: &WrittenGrants| {
            let levels = match grants {
                WrittenGrants::Set(name) => sets.get(name),
                WrittenGrants::Inline(levels) => Some(levels),
            };
            levels.map(|levels| canonical(levels, permissions))
        };
        let is_set = |grants: &Option<WrittenGrants>| matches!(grants, Some(WrittenGrants::Set(_)));
        let key = |key: WrittenKey| {
            let kind = KeyKind::ALL
                .into_iter()
                .find(|kind| kind.name() == key.kind)?;
            let known = KnownKey {
                name: None,
                kind,
                mode: key.livemode.into(),
                owner: key.owner,
                is_deleted: key.status.as_deref() == Some("deleted"),
                not_before: key.not_before.as_ref().and_then(seconds),
                expires: key.expires_at.as_ref().and_then(seconds),
                created: None,
                replaced_by: None,
                grants: key.grants.as_ref().and_then(granted),
                connect_grants: key.connect_grants.as_ref().and_then(granted),
                has_set: is_set(&key.grants) || is_set(&key.connect_grants),
            };
            Some((key.id, known))
        };
        self.keys.into_iter().filter_map(key).collect()
    }
}

/// Permissions under the names that the log has.
fn canonical(levels: &BTreeMap<String, Level>, permissions: &PermissionRegistry) -> Granted {
    levels
        .iter()
        .map(|(name, level)| {
            let found = permissions.find(name);
            let name = found.map_or(name.as_str(), |permission| permissions.name(permission));
            let level = match level {
                Level::Read => AccessLevel::Read,
                Level::Write => AccessLevel::Write,
            };
            (name.to_owned(), level)
        })
        .collect()
}

/// An integer, also where it is written as a double.
fn seconds(value: &Value) -> Option<u64> {
    let double = || format!("{:.0}", value.as_f64()?).parse().ok();
    value.as_u64().or_else(double)
}
