//! All keys, used or not, with their grants as written in the key file or in a configuration.

use std::collections::HashMap;

use anyhow::Result;

use crate::source::Source;
use keyward::configuration::Configuration;
use keyward::endpoint::EndpointCatalogue;
use keyward::key::{KeyKind, Livemode};
use keyward::mask::KnownPrefixes;
use keyward::permission::{AccessLevel, PermissionRegistry};
use keyward::profile::Profile;
use keyward::snapshot::Granting;
use keyward::snapshot::document::{Document, Grants, Key, KeyIn};
use keyward_files::key_file::{Granted, Issue, KeyFile};
use keyward_files::snapshot::Written;
use keyward_files::snapshot::pack::Parts;
use keyward_files::store::Store;

/// One key as it is written.
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
    /// `None` means every permission, for kinds that may have it.
    pub(super) grants: Option<Granted>,
    pub(super) connect_grants: Option<Granted>,
    /// Whether grants come from a set that other keys may share.
    pub(super) has_set: bool,
}

impl KnownKey {
    /// Whether the key has ended at the time `now`, in Unix seconds.
    pub(super) fn has_ended(&self, now: u64) -> bool {
        self.is_deleted || self.expires.is_some_and(|expires| expires <= now)
    }
}

/// All keys, and the API to which they belong.
pub(super) struct Inventory {
    pub(super) keys: HashMap<String, KnownKey>,
    pub(super) endpoints: EndpointCatalogue,
    /// The snapshot's custom endpoints, such as `GET /v1/widgets`.
    pub(super) own: Vec<String>,
    pub(super) permissions: PermissionRegistry,
    pub(super) prefixes: KnownPrefixes,
    /// Whether there is a source of keys at all.
    pub(super) is_given: bool,
    /// Whether the source is a key file, which `keyward keys` edits.
    pub(super) is_key_file: bool,
}

impl Inventory {
    /// Returns the inventory without a source: Stripe's API and no keys.
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

    /// Reads a source at the time `now`, in Unix seconds.
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
        let written = Written::of(&Parts::split(built.json.as_bytes())?)?;
        let mut inventory = Self::around(&built.configuration);
        inventory.is_key_file = file.is_some();
        if let Some(snapshot) = &written.snapshot {
            let own = snapshot.endpoints().iter();
            inventory.own = own
                .map(|endpoint| format!("{} {}", endpoint.method, endpoint.path))
                .collect();
            let keys = snapshot.keys().iter();
            inventory.keys = keys
                .map(|key| {
                    let known = KnownKey::of(snapshot, key, &inventory.permissions);
                    (key.id.clone(), known)
                })
                .collect();
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

    /// Adds what only the key file contains.
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

impl KnownKey {
    fn of(document: &Document, key: &Key, permissions: &PermissionRegistry) -> Self {
        let key_in = KeyIn { document, key };
        let named = |granted| canonical(granted, permissions);
        let is_set = |grants: &Option<Grants>| matches!(grants, Some(Grants::Set(_)));
        Self {
            name: None,
            kind: key.kind,
            mode: key.mode(),
            owner: key.owner.clone(),
            is_deleted: key.is_deleted(),
            not_before: key.not_before.map(|at| at.0),
            expires: key.expires_at.map(|at| at.0),
            created: None,
            replaced_by: None,
            grants: key_in.own_grants().map(named),
            connect_grants: key_in.connect_grants().map(named),
            has_set: is_set(&key.grants) || is_set(&key.connect_grants),
        }
    }
}

impl<'a> Granting for &'a KnownKey {
    type Grants = &'a Granted;

    fn kind(&self) -> KeyKind {
        self.kind
    }

    fn own_grants(&self) -> Option<&'a Granted> {
        self.grants.as_ref()
    }

    fn connect_grants(&self) -> Option<&'a Granted> {
        self.connect_grants.as_ref()
    }

    fn is_nothing(grants: &'a Granted) -> bool {
        grants.is_empty()
    }
}

/// Returns permissions by the names that the log uses.
fn canonical(levels: &[(String, AccessLevel)], permissions: &PermissionRegistry) -> Granted {
    levels
        .iter()
        .map(|(name, level)| {
            let found = permissions.find(name);
            let name = found.map_or(name.as_str(), |permission| permissions.name(permission));
            (name.to_owned(), *level)
        })
        .collect()
}
