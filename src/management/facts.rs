//! What was read for a command, by whichever store.

use std::sync::Arc;

use super::api::Api;
use super::policy::NamedPolicy;
use super::record::{Account, AccountSettings, Granted, Key, KeyGrants};
use crate::digest::KeyDigest;
use crate::key::Livemode;

/// Everything that a decision rests on. What is not in it, is not there: a store leaves out what
/// its caller may not see.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Profile and permissions.
    pub api: Arc<Api>,
    /// The accounts that [`Needs`](super::Needs) name, the owners of the keys below, and all
    /// accounts above these.
    pub accounts: Vec<AccountFact>,
    /// The keys, each once.
    pub keys: Vec<KeyFact>,
    /// The grant sets that are needed, and those that the keys below follow.
    pub grant_sets: Vec<GrantSetFact>,
    /// Who has each of the digests that are needed.
    pub digests: Vec<(KeyDigest, Holder)>,
    /// Which account has each of the external ids that are needed, where one has it.
    pub external_ids: Vec<(String, String)>,
    /// The policies that are needed by name, and how many accounts have each.
    pub policies: Vec<(NamedPolicy, u64)>,
}

/// An account, and what is counted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFact {
    /// The record.
    pub account: Account,
    /// What is kept next to it.
    pub settings: AccountSettings,
    /// The file that owns the record, where one does: it is changed there.
    pub file: Option<String>,
    /// Its keys that are neither deleted nor expired.
    pub keys: KeyCounts,
    /// Some account right below it.
    pub child: Option<String>,
    /// The policy that holds for it: its own, or that of the nearest account above it.
    pub policy: Option<Arc<NamedPolicy>>,
}

impl AccountFact {
    /// An account of a store that has nothing but records.
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
    /// Live ones.
    pub live: u64,
    /// Test ones.
    pub test: u64,
}

impl KeyCounts {
    /// Those of one mode.
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
    /// The file that owns the record, where one does: it is changed there, and ended anywhere.
    pub file: Option<String>,
}

impl KeyFact {
    /// A key of a store whose records no other file owns.
    #[must_use]
    pub fn of(key: Key) -> Self {
        Self { key, file: None }
    }
}

/// A grant set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantSetFact {
    /// Its name.
    pub name: String,
    /// Its permissions.
    pub granted: Granted,
    /// The file that owns the record, where one does.
    pub file: Option<String>,
    /// Some key that follows it, deleted ones too. Read where the set itself is to change.
    pub user: Option<String>,
    /// The policies of the accounts whose keys follow it, each once. Read in the same way.
    pub policies: Vec<Arc<NamedPolicy>>,
}

/// Who has a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A key that the caller may see.
    Key(String),
    /// A key that the caller may not see.
    Hidden,
    /// No key any more: one had it that has ended, and it must not come back.
    Ended,
}

impl Facts {
    /// Nothing but the API: every id is free, and no account is there.
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

    /// The key of that id.
    #[must_use]
    pub fn key(&self, id: &str) -> Option<&KeyFact> {
        self.keys.iter().find(|fact| fact.key.id == id)
    }

    /// The account of that id.
    #[must_use]
    pub fn account(&self, id: &str) -> Option<&AccountFact> {
        self.accounts.iter().find(|fact| fact.account.id == id)
    }

    /// The grant set of that name.
    #[must_use]
    pub fn grant_set(&self, name: &str) -> Option<&GrantSetFact> {
        self.grant_sets.iter().find(|fact| fact.name == name)
    }

    /// The permissions that `grants` come to: those of the set it names, or its own.
    #[must_use]
    pub fn granted<'a>(&'a self, grants: &'a KeyGrants) -> Option<&'a Granted> {
        match grants {
            KeyGrants::Set(name) => self.grant_set(name).map(|fact| &fact.granted),
            KeyGrants::Inline(granted) => Some(granted),
        }
    }

    /// Who has that digest, where it is not free.
    pub(super) fn holder(&self, digest: &KeyDigest) -> Option<&Holder> {
        let mut digests = self.digests.iter();
        digests
            .find(|(of, _)| of == digest)
            .map(|(_, holder)| holder)
    }
}
