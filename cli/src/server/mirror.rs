//! What the server has shown so far: records, and the version of each.

use std::collections::HashMap;

use anyhow::Result;

use super::wire::{AccountObject, ApiKey, GrantSetObject, granted};
use keyward::account::AccountStatus;
use keyward::digest::KeyDigest;
use keyward::permission::AccessLevel;
use keyward::profile::Profile;
use keyward_files::key_file::{Account, Granted, KeyFile, Records};

/// Records that a person has seen, or on which a command is decided.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    file: KeyFile,
    mirror: Mirror,
}

impl Seen {
    /// Returns the records in the form of a key file.
    pub(crate) fn file(&self) -> &KeyFile {
        &self.file
    }

    pub(super) fn mirror(&self) -> &Mirror {
        &self.mirror
    }
}

/// The kind of a record.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(super) enum What {
    Key,
    Account,
    GrantSet,
}

/// The records that have been requested so far.
#[derive(Clone, Debug)]
pub(super) struct Mirror {
    records: Records,
    versions: HashMap<(What, String), u64>,
}

impl Mirror {
    /// Creates an empty mirror, for an API with the names and prefixes of `profile`.
    pub(super) fn of(profile: Profile) -> Self {
        Self {
            records: Records::of(profile),
            versions: HashMap::new(),
        }
    }

    pub(super) fn into_seen(self) -> Seen {
        Seen {
            file: self.file(),
            mirror: self,
        }
    }

    pub(super) fn file(&self) -> KeyFile {
        KeyFile::of_records(self.records.clone())
    }

    /// Returns the version of a record, if it was shown.
    pub(super) fn version(&self, what: What, id: &str) -> Option<u64> {
        self.versions.get(&(what, id.to_owned())).copied()
    }

    pub(super) fn has_key(&self, id: &str) -> bool {
        self.versions.contains_key(&(What::Key, id.to_owned()))
    }

    pub(super) fn has_account(&self, id: &str) -> bool {
        self.records.accounts.iter().any(|known| known.id == id)
    }

    /// Adds the present state of a key, with what it reveals about its owner and its grant sets.
    pub(super) fn put_key(&mut self, key: &ApiKey) -> Result<()> {
        let record = key.record()?;
        self.versions
            .insert((What::Key, key.id.clone()), key.keyward.version);
        let mut keys = self.records.keys.iter_mut();
        match keys.find(|known| known.id == key.id) {
            Some(known) => *known = record,
            None => self.records.keys.push(record),
        }
        self.assume_account(&key.keyward.owner);
        if key.is_suspended() {
            let accounts = self.records.accounts.iter_mut();
            for owner in accounts.filter(|account| account.id == key.keyward.owner) {
                owner.status = AccountStatus::Suspended;
            }
        }
        for (name, granted) in key.sets()? {
            self.assume_set(&name, granted);
        }
        Ok(())
    }

    /// Sets the digest that led to a key.
    pub(super) fn put_digest(&mut self, id: &str, digest: KeyDigest) {
        let keys = self.records.keys.iter_mut();
        for key in keys.filter(|key| key.id == id) {
            key.digest = digest;
        }
    }

    /// Adds an account that is assumed to exist: a key's owner, or one that the caller may not see.
    pub(super) fn assume_account(&mut self, id: &str) {
        if !self.records.accounts.iter().any(|known| known.id == id) {
            self.records.accounts.push(Account::new(id));
        }
    }

    /// Adds a grant set that is assumed to exist, with what is known about it.
    pub(super) fn assume_set(&mut self, name: &str, granted: Granted) {
        let mut sets = self.records.grant_sets.iter();
        if !sets.any(|(known, _)| known == name) {
            self.records.grant_sets.push((name.to_owned(), granted));
        }
    }

    pub(super) fn put_account(&mut self, account: &AccountObject) {
        self.versions
            .insert((What::Account, account.id.clone()), account.version);
        self.records.accounts.retain(|known| known.id != account.id);
        self.records.accounts.push(account.record());
    }

    pub(super) fn put_set(&mut self, set: &GrantSetObject) -> Result<()> {
        self.versions
            .insert((What::GrantSet, set.name.clone()), set.version);
        let granted = granted(&set.permissions)?;
        let mut sets = self.records.grant_sets.iter_mut();
        match sets.find(|(name, _)| *name == set.name) {
            Some((_, known)) => *known = granted,
            None => self.records.grant_sets.push((set.name.clone(), granted)),
        }
        Ok(())
    }

    /// Sets the permissions that may be granted, each with its levels.
    pub(super) fn put_permissions(&mut self, permissions: Vec<(String, Vec<AccessLevel>)>) {
        self.records.permissions = Some(permissions);
    }
}
