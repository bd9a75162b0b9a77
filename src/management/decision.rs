//! What a store writes after a command is decided.

use super::mint::Secret;
use super::policy::Policy;
use super::record::{Account, AccountSettings, Granted, Key, Side};

/// The records to write, all or none. Only [`decide`](super::decide) creates a decision.
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

    /// Returns the changes, which must be made in this order.
    #[must_use]
    pub fn changes(&self) -> &[RecordChange] {
        &self.changes
    }

    /// Returns the id of the key to report to the caller: the new one, or the one that the command
    /// named.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns notes for the caller.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Returns the new key's value, to show once, after the changes are on disk.
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
        /// The key whose file it goes into, if records are in files. Otherwise, it goes into its
        /// owner's file.
        beside: Option<String>,
    },
    /// A new state of a key. Its id, kind, mode, owner, digest and value stay the same.
    PutKey {
        /// The previous state.
        before: Box<Key>,
        /// The new state.
        after: Box<Key>,
    },
    /// A removed key.
    RemoveKey {
        /// The previous state.
        key: Box<Key>,
    },
    /// A new account.
    AddAccount {
        /// The record.
        account: Account,
        /// The settings that are stored with the record.
        settings: AccountSettings,
    },
    /// A new state of an account. Its id stays the same.
    PutAccount {
        /// The previous state.
        before: (Account, AccountSettings),
        /// The new state.
        after: (Account, AccountSettings),
    },
    /// A removed account. Its keys were removed before.
    RemoveAccount {
        /// The previous state.
        account: Account,
    },
    /// A new or changed grant set.
    PutGrantSet {
        /// The set's name.
        name: String,
        /// The previous permissions, if the set existed.
        before: Option<Granted>,
        /// The new permissions.
        after: Granted,
    },
    /// A removed grant set.
    RemoveGrantSet {
        /// The set's name.
        name: String,
    },
    /// A new or changed policy.
    PutPolicy {
        /// The policy's name.
        name: String,
        /// The previous policy, if it existed.
        before: Option<Box<Policy>>,
        /// The new policy.
        after: Box<Policy>,
    },
    /// A removed policy.
    RemovePolicy {
        /// The policy's name.
        name: String,
    },
}

impl RecordChange {
    /// Returns the key that the change adds.
    #[must_use]
    pub fn added_key(&self) -> Option<&Key> {
        self.key_states()
            .and_then(|(before, after)| if before.is_none() { after } else { None })
    }

    /// Returns the key that the change is about: its new state, or the last one if the key is
    /// removed.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        self.key_states()
            .and_then(|(before, after)| after.or(before))
    }

    /// Returns a key before and after the change. A new key has no state before, and a removed one
    /// has none after.
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

/// A note about a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The key followed a grant set, and now has a copy of it.
    NoLongerFollows {
        /// The side of the grants.
        side: Side,
        /// The set.
        set: String,
    },
    /// The key worked from everywhere, and now works only from the added addresses.
    FirstLimit,
    /// The duplicate does not have the other key's addresses.
    IpsLeftBehind(Vec<String>),
    /// The duplicate does not have the other key's end.
    ExpiryLeftBehind,
    /// The old key ends at this time, Unix seconds.
    OldKeyEnds {
        /// The key's id.
        id: String,
        /// The time.
        at: u64,
    },
    /// The rotation of a key was undone, because its replacement is gone.
    RotationTakenBack {
        /// The key's id.
        id: String,
        /// The key's end, which stays as it is.
        expires: Option<u64>,
    },
    /// The imported key is easy to guess.
    ShortKey,
}
