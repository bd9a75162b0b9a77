//! What a caller wants to do: one variant for each command of docs/keys.md and docs/key-file.md.

use std::collections::BTreeMap;

use super::grants::Grant;
use super::imported::{ImportedValue, Last4};
use super::policy::Policy;
use super::record::{Account, AccountSettings};
use crate::account::{AccountStatus, Children};
use crate::digest::KeyDigest;
use crate::key::{KeyKind, Livemode};
use crate::snapshot::Enforcement;

/// A requested change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Creates a key.
    CreateKey(CreateKey),
    /// Creates a restricted key like another.
    DuplicateKey(DuplicateKey),
    /// Changes a key's name, what it may do, from where and until when.
    EditKey(EditKey),
    /// Replaces a key.
    RotateKey(RotateKey),
    /// Sets the time at which a key ends.
    ExpireKey(ExpireKey),
    /// Ends a key and keeps its record, so that its users learn why it fails.
    DeleteKey(KeyTarget),
    /// Removes a key. To its users it is unknown.
    PurgeKey(KeyTarget),
    /// Imports an existing key.
    ImportKey(ImportKey),
    /// Adds an account or an organization.
    AddAccount(AddAccount),
    /// Changes or moves an account.
    UpdateAccount(UpdateAccount),
    /// Removes an account.
    RemoveAccount {
        /// The account's id.
        id: String,
        /// Whether to remove all its keys as well. Otherwise it must have no keys in use.
        with_keys: bool,
    },
    /// Creates a grant set, or changes its permissions.
    PutGrantSet {
        /// The set's name.
        name: String,
        /// All permissions of the set.
        grants: Vec<Grant>,
    },
    /// Removes a grant set.
    RemoveGrantSet {
        /// The set's name.
        name: String,
    },
    /// Creates or changes a policy.
    PutPolicy {
        /// The policy's name.
        name: String,
        /// The whole policy.
        policy: Box<Policy>,
    },
    /// Removes a policy.
    RemovePolicy {
        /// The policy's name.
        name: String,
    },
}

impl Command {
    /// Returns the id of the existing key that the command is about, as the caller wrote it.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::DuplicateKey(duplicate) => Some(&duplicate.id),
            Self::EditKey(edit) => Some(&edit.id),
            Self::RotateKey(rotate) => Some(&rotate.id),
            Self::ExpireKey(expire) => Some(&expire.id),
            Self::DeleteKey(target) | Self::PurgeKey(target) => Some(&target.id),
            Self::CreateKey(_)
            | Self::ImportKey(_)
            | Self::AddAccount(_)
            | Self::UpdateAccount(_)
            | Self::RemoveAccount { .. }
            | Self::PutGrantSet { .. }
            | Self::RemoveGrantSet { .. }
            | Self::PutPolicy { .. }
            | Self::RemovePolicy { .. } => None,
        }
    }
}

/// A key that a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyTarget {
    /// The key's id.
    pub id: String,
}

/// A change of an optional value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Leaves the value unchanged.
    #[default]
    Keep,
    /// Removes the value.
    Clear,
    /// Sets this value.
    Set(T),
}

impl<T: Clone> Patch<T> {
    /// Applies the change to `value`.
    pub(super) fn apply(&self, value: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *value = None,
            Self::Set(new) => *value = Some(new.clone()),
        }
    }
}

/// When a key ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// Not given: as the account's policy sets it, or never without a policy.
    #[default]
    Unsaid,
    /// The key never ends.
    Never,
    /// The first second, in Unix time, at which the key no longer works.
    At(u64),
}

/// A new key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateKey {
    /// The account that owns the key, or for an organization key, the organization.
    pub owner: String,
    /// The key's kind. The default is restricted, and for an organization's key, organization.
    pub kind: Option<KeyKind>,
    /// The key's mode.
    pub mode: Livemode,
    /// The source of the key's value.
    pub value: Value,
    /// The id of the new key. The default is a random id.
    pub id: Option<String>,
    /// What the key may do.
    pub grants: NewGrants,
    /// What the key may do on connected accounts.
    pub connect_grants: NewGrants,
    /// Other details of the key.
    pub details: Details,
}

/// The source of a new key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// keyward generates the value, and shows it once.
    Minted,
    /// The caller generated the value, and keeps it.
    Digest(KeyDigest),
    /// Like `Digest`, and the caller also gives the value's last characters.
    Ending(KeyDigest, Last4),
}

/// The grants of a new key. If both members are empty, none are given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewGrants {
    /// A grant set. The key follows the set, or gets a copy if `grants` add to it.
    pub set: Option<String>,
    /// Permissions. A later entry overrides an earlier one.
    pub grants: Vec<Grant>,
}

/// Details that any new key may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// A display name.
    pub name: Option<String>,
    /// A note for people.
    pub note: Option<String>,
    /// Custom names with texts.
    pub labels: BTreeMap<String, String>,
    /// When the key ends.
    pub expires: End,
    /// The first second, in Unix time, at which the key works.
    pub not_before: Option<u64>,
    /// Addresses and ranges. One text may contain several, separated by blanks.
    pub allowed_ips: Vec<String>,
    /// Whether the caller intends IPv6 addresses.
    pub ipv6: bool,
    /// Whether keyward enforces denials of the key.
    pub enforcement: Enforcement,
}

/// A restricted key like another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateKey {
    /// The key to copy.
    pub id: String,
    /// Whether to create a live key from a test key. Otherwise the mode stays the same.
    pub live: bool,
    /// Details of the new key. Without a name, it gets the name of the other key.
    pub details: Details,
}

/// Changes to a key. Its kind, mode, owner and value never change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EditKey {
    /// The key's id.
    pub id: String,
    /// The key's name.
    pub name: Patch<String>,
    /// The key's note.
    pub note: Patch<String>,
    /// Labels to add or to change.
    pub labels: Vec<(String, String)>,
    /// Labels to remove.
    pub unlabels: Vec<String>,
    /// Whether keyward enforces denials of the key.
    pub enforcement: Option<Enforcement>,
    /// What the key may do.
    pub grants: GrantsChange,
    /// What the key may do on connected accounts.
    pub connect_grants: GrantsChange,
    /// Whether these grants may limit a key that may do everything.
    pub limit: bool,
    /// From where the key works.
    pub ips: Option<IpChange>,
    /// Until when the key works. [`End::Unsaid`] leaves it unchanged.
    pub expires: End,
    /// Whether a key that has ended may work again.
    pub revive: bool,
}

/// A change of permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GrantsChange {
    /// Changes nothing.
    #[default]
    Keep,
    /// Adds and removes permissions. A set is applied first and replaces the previous grants.
    Edit {
        /// A grant set.
        set: Option<String>,
        /// Permissions to add, or to remove if they have no level.
        grants: Vec<Grant>,
        /// Permissions to remove. The key must have them.
        revoked: Vec<String>,
    },
    /// Replaces the permissions with these.
    Replace(Vec<Grant>),
}

/// A change of the addresses from which a key works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpChange {
    /// What to do with the addresses.
    pub action: IpAction,
    /// Addresses and ranges. One text may contain several, separated by blanks.
    pub texts: Vec<String>,
    /// Whether the caller intends IPv6 addresses.
    pub ipv6: bool,
}

/// What to do with addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpAction {
    /// The key also works from these.
    Add,
    /// The key no longer works from these.
    Remove,
    /// The key works only from these.
    Set,
    /// The key works from everywhere.
    Clear,
}

/// A replacement of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotateKey {
    /// The key to replace.
    pub id: String,
    /// How many seconds the old key continues to work.
    pub keep_for: u64,
    /// The time from which these count, in Unix seconds, or `None` for now. Never later than now.
    pub keep_from: Option<u64>,
    /// When the replacement ends. Required if the old key has an end.
    pub expires: End,
    /// The source of the new value.
    pub value: Value,
}

/// The end of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpireKey {
    /// The key's id.
    pub id: String,
    /// When the key ends, in Unix seconds, or `None` for never.
    pub end: Option<u64>,
    /// Whether a key that has ended may work again.
    pub revive: bool,
}

/// An existing key to import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportKey {
    /// The account that owns the key, or for an organization key, the organization.
    pub owner: String,
    /// What a record keeps of the value.
    pub value: ImportedValue,
    /// The id of the new record. The default is a random id.
    pub id: Option<String>,
    /// Whether to import the key even if it is easy to guess.
    pub allow_short: bool,
    /// What the key may do.
    pub grants: NewGrants,
    /// What the key may do on connected accounts.
    pub connect_grants: NewGrants,
    /// Other details of the key.
    pub details: Details,
    /// When the key was made, in Unix seconds. The default is now.
    pub created: Option<u64>,
}

/// A new account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddAccount {
    /// The record.
    pub account: Account,
    /// The settings that are stored with the record.
    pub settings: AccountSettings,
}

/// Changes to an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateAccount {
    /// The account's id.
    pub id: String,
    /// The account's name.
    pub name: Patch<String>,
    /// The account above.
    pub parent: Patch<String>,
    /// Which ids keyward accepts below the account.
    pub children: Option<Children>,
    /// Whether the account is active.
    pub status: Option<AccountStatus>,
    /// Why the account is suspended.
    pub reason: Patch<String>,
    /// The account's policy.
    pub policy: Patch<String>,
    /// The account's id in another system.
    pub external_id: Patch<String>,
}

impl UpdateAccount {
    /// Returns an update that changes nothing about that account yet.
    #[must_use]
    pub fn of(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..Self::default()
        }
    }
}

/// Returns the keys that an account starts with, as Stripe's accounts do: a secret and a
/// publishable one for each mode. Each is a separate command, decided after the previous one was
/// carried out.
#[must_use]
pub fn first_keys(owner: &str) -> Vec<CreateKey> {
    let mut keys = Vec::new();
    for mode in [Livemode::Test, Livemode::Live] {
        for (kind, name) in [
            (KeyKind::Publishable, "Publishable key"),
            (KeyKind::Secret, "Secret key"),
        ] {
            keys.push(CreateKey {
                owner: owner.to_owned(),
                kind: Some(kind),
                mode,
                value: Value::Minted,
                id: None,
                grants: NewGrants::default(),
                connect_grants: NewGrants::default(),
                details: Details {
                    name: Some(name.to_owned()),
                    expires: End::Never,
                    ..Details::default()
                },
            });
        }
    }
    keys
}
