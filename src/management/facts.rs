//! What a store reads for a command.

use std::sync::Arc;

use super::api::Api;
use super::policy::NamedPolicy;
use super::record::{Account, AccountSettings, Granted, Key, KeyGrants};
use crate::digest::KeyDigest;
use crate::key::Livemode;

/// Everything that a decision is based on. Whatever is missing here does not exist: a store leaves
/// out what its caller may not see.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The profile and the permissions.
    pub api: Arc<Api>,
    /// The accounts that [`Needs`](super::Needs) names, the owners of the keys below, and all
    /// accounts above these.
    pub accounts: Vec<AccountFact>,
    /// The keys, each once.
    pub keys: Vec<KeyFact>,
    /// The needed grant sets, and those that the keys above follow.
    pub grant_sets: Vec<GrantSetFact>,
    /// Which key has each of the needed digests.
    pub digests: Vec<(KeyDigest, Holder)>,
    /// Which account has each of the needed external ids, if any.
    pub external_ids: Vec<(String, String)>,
    /// The needed policies, and how many accounts have each.
    pub policies: Vec<(NamedPolicy, u64)>,
}

/// An account, and counts about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFact {
    /// The record.
    pub account: Account,
    /// The settings that are stored with the record.
    pub settings: AccountSettings,
    /// The file that owns the record, if any. The record is changed there.
    pub file: Option<String>,
    /// Its keys that are neither deleted nor expired.
    pub keys: KeyCounts,
    /// An account directly below it, if any.
    pub child: Option<String>,
    /// The policy that applies to it: its own, or that of the nearest account above it.
    pub policy: Option<Arc<NamedPolicy>>,
}

impl AccountFact {
    /// Creates the fact for a store that keeps nothing but records.
    #[must_use]
    pub fn of(account: Account) -> Self {
        Self {
            account,
            settings: AccountSettings::default(),
            file: None,
            keys: KeyCounts::default(),
            child: None,
            policy: None,
        }
    }
}

/// How many keys an account has in each mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyCounts {
    /// Live keys.
    pub live: u64,
    /// Test keys.
    pub test: u64,
}

impl KeyCounts {
    /// Returns the count for one mode.
    #[must_use]
    pub fn of(self, mode: Livemode) -> u64 {
        match mode {
            Livemode::Live => self.live,
            Livemode::Test => self.test,
        }
    }
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFact {
    /// The record.
    pub key: Key,
    /// The file that owns the record, if any. The record is changed there, but the key may be ended
    /// anywhere.
    pub file: Option<String>,
}

impl KeyFact {
    /// Creates the fact for a store whose records no other file owns.
    #[must_use]
    pub fn of(key: Key) -> Self {
        Self { key, file: None }
    }
}

/// A grant set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantSetFact {
    /// The set's name.
    pub name: String,
    /// The set's permissions.
    pub granted: Granted,
    /// The file that owns the record, if any.
    pub file: Option<String>,
    /// A key that follows the set, possibly a deleted one. Read only if the set itself is to
    /// change.
    pub user: Option<String>,
    /// The policies of the accounts whose keys follow the set, without duplicates: those of keys
    /// that follow it on their own account, and those of keys that follow it on connected accounts.
    /// Also read only if the set is to change.
    pub policies: [Vec<Arc<NamedPolicy>>; 2],
}

/// The key that has a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A key that the caller may see.
    Key(String),
    /// A key that the caller may not see.
    Hidden,
    /// A key that has ended and was removed. It must not come back.
    Ended,
}

impl Facts {
    /// Returns facts that contain only the API: every id is free, and no account exists.
    #[must_use]
    pub fn new(api: Arc<Api>) -> Self {
        Self {
            api,
            accounts: Vec::new(),
            keys: Vec::new(),
            grant_sets: Vec::new(),
            digests: Vec::new(),
            external_ids: Vec::new(),
            policies: Vec::new(),
        }
    }

    /// Returns the key with that id.
    #[must_use]
    pub fn key(&self, id: &str) -> Option<&KeyFact> {
        self.keys.iter().find(|fact| fact.key.id == id)
    }

    /// Returns the account with that id.
    #[must_use]
    pub fn account(&self, id: &str) -> Option<&AccountFact> {
        self.accounts.iter().find(|fact| fact.account.id == id)
    }

    /// Returns the grant set with that name.
    #[must_use]
    pub fn grant_set(&self, name: &str) -> Option<&GrantSetFact> {
        self.grant_sets.iter().find(|fact| fact.name == name)
    }

    /// Resolves grants to permissions: those of the set that the grants name, or the listed ones.
    #[must_use]
    pub fn granted<'a>(&'a self, grants: &'a KeyGrants) -> Option<&'a Granted> {
        match grants {
            KeyGrants::Set(name) => self.grant_set(name).map(|fact| &fact.granted),
            KeyGrants::Inline(granted) => Some(granted),
        }
    }

    /// Returns which key has that digest, if any.
    pub(super) fn holder(&self, digest: &KeyDigest) -> Option<&Holder> {
        let mut digests = self.digests.iter();
        digests
            .find(|(of, _)| of == digest)
            .map(|(_, holder)| holder)
    }
}
