//! What a store writes, once a command is decided.

use super::mint::Secret;
use super::policy::Policy;
use super::record::{Account, AccountSettings, Granted, Key, Side};

/// What is to be written, all of it or nothing. Only [`decide`](super::decide) makes one.
#[derive(Debug)]
pub struct Decision {
    pub(super) changes: Vec<RecordChange>,
    pub(super) key: Option<String>,
    pub(super) minted: Option<Secret>,
    pub(super) notes: Vec<Note>,
}

impl Decision {
    pub(super) fn of(changes: Vec<RecordChange>) -> Self {
        Self {
            changes,
            key: None,
            minted: None,
            notes: Vec::new(),
        }
    }

    /// The changes, to be made in this order.
    #[must_use]
    pub fn changes(&self) -> &[RecordChange] {
        &self.changes
    }

    /// The id of the key to report to the caller: the new one, or the one it named.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// What else is to be known.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The value that was made, to be shown once, after the changes are on the disk.
    pub fn take_minted(&mut self) -> Option<Secret> {
        self.minted.take()
    }
}

/// A change of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordChange {
    /// A new key.
    AddKey {
        /// The record.
        key: Box<Key>,
        /// The key whose file it goes into, where files matter; otherwise its owner's.
        beside: Option<String>,
    },
    /// Another state of a key. Id, kind, mode, owner, digest and value are the same.
    PutKey {
        /// As it was.
        before: Box<Key>,
        /// As it is from now on.
        after: Box<Key>,
    },
    /// A key that goes.
    RemoveKey {
        /// As it was.
        key: Box<Key>,
    },
    /// A new account.
    AddAccount {
        /// The record.
        account: Account,
        /// What is kept next to it.
        settings: AccountSettings,
    },
    /// Another state of an account. Its id is the same.
    PutAccount {
        /// As it was.
        before: (Account, AccountSettings),
        /// As it is from now on.
        after: (Account, AccountSettings),
    },
    /// An account that goes. Its keys went before.
    RemoveAccount {
        /// As it was.
        account: Account,
    },
    /// A grant set, new or with other permissions.
    PutGrantSet {
        /// Its name.
        name: String,
        /// What it had, where it was there.
        before: Option<Granted>,
        /// What it has from now on.
        after: Granted,
    },
    /// A grant set that goes.
    RemoveGrantSet {
        /// Its name.
        name: String,
    },
    /// A policy, new or changed.
    PutPolicy {
        /// Its name.
        name: String,
        /// What it said, where it was there.
        before: Option<Box<Policy>>,
        /// What it says from now on.
        after: Box<Policy>,
    },
    /// A policy that goes.
    RemovePolicy {
        /// Its name.
        name: String,
    },
}

impl RecordChange {
    /// The key that it adds.
    #[must_use]
    pub fn added_key(&self) -> Option<&Key> {
        self.key_states()
            .and_then(|(before, after)| if before.is_none() { after } else { None })
    }

    /// The key that it is about: as it is from now on, or as it was where it goes.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        self.key_states()
            .and_then(|(before, after)| after.or(before))
    }

    /// A key before and after it. One that is new has no state before, and one that goes has none after.
    #[must_use]
    pub fn key_states(&self) -> Option<(Option<&Key>, Option<&Key>)> {
        match self {
            Self::AddKey { key, .. } => Some((None, Some(key))),
            Self::PutKey { before, after } => Some((Some(before), Some(after))),
            Self::RemoveKey { key } => Some((Some(key), None)),
            Self::AddAccount { .. }
            | Self::PutAccount { .. }
            | Self::RemoveAccount { .. }
            | Self::PutGrantSet { .. }
            | Self::RemoveGrantSet { .. }
            | Self::PutPolicy { .. }
            | Self::RemovePolicy { .. } => None,
        }
    }
}

/// What else is to be known of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The key followed a grant set and has a copy from now on.
    NoLongerFollows {
        /// On which side.
        side: Side,
        /// The set.
        set: String,
    },
    /// The key worked from everywhere, and works from the added addresses only.
    FirstLimit,
    /// The duplicate does not have the other key's addresses.
    IpsLeftBehind(Vec<String>),
    /// The duplicate does not have the other key's end.
    ExpiryLeftBehind,
    /// The old key ends at this time, Unix seconds.
    OldKeyEnds {
        /// Its id.
        id: String,
        /// When.
        at: u64,
    },
    /// The rotation of a key was taken back, because its replacement is gone.
    RotationTakenBack {
        /// Its id.
        id: String,
        /// Its end, which nothing prolongs by itself.
        expires: Option<u64>,
    },
    /// The imported key can be guessed.
    ShortKey,
}
