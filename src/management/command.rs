//! What someone wants done: one variant for each command of docs/keys.md and docs/key-file.md.

use std::collections::BTreeMap;

use super::grants::Grant;
use super::imported::{ImportedValue, Last4};
use super::policy::Policy;
use super::record::{Account, AccountSettings};
use crate::account::{AccountStatus, Children};
use crate::digest::KeyDigest;
use crate::key::{KeyKind, Livemode};
use crate::snapshot::Enforcement;

/// One change that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make a key.
    CreateKey(CreateKey),
    /// Make a restricted key like another.
    DuplicateKey(DuplicateKey),
    /// Change what a key is called, what it may do, from where and until when.
    EditKey(EditKey),
    /// Replace a key.
    RotateKey(RotateKey),
    /// Say when a key ends.
    ExpireKey(ExpireKey),
    /// End a key and keep its record, so that its users learn why.
    DeleteKey(KeyTarget),
    /// Remove a key: to its users it is unknown.
    PurgeKey(KeyTarget),
    /// Take in a key that exists.
    ImportKey(ImportKey),
    /// Add an account or an organization.
    AddAccount(AddAccount),
    /// Change an account, or put it elsewhere.
    UpdateAccount(UpdateAccount),
    /// Remove an account.
    RemoveAccount {
        /// Its id.
        id: String,
        /// With all its keys. Otherwise it must have none in use.
        with_keys: bool,
    },
    /// Make a grant set, or give it other permissions.
    PutGrantSet {
        /// Its name.
        name: String,
        /// All its permissions.
        grants: Vec<Grant>,
    },
    /// Remove a grant set.
    RemoveGrantSet {
        /// Its name.
        name: String,
    },
    /// Make a policy, or change it.
    PutPolicy {
        /// Its name.
        name: String,
        /// All it says.
        policy: Box<Policy>,
    },
    /// Remove a policy.
    RemovePolicy {
        /// Its name.
        name: String,
    },
}

impl Command {
    /// The key that it names, as it was written. A command that makes a key names none.
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
    /// Its id.
    pub id: String,
}

/// A value that is left as it is, taken away, or set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// As it is.
    #[default]
    Keep,
    /// None any more.
    Clear,
    /// This one.
    Set(T),
}

impl<T: Clone> Patch<T> {
    /// Carries it out.
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
    /// Nothing is said: as its account's policy has it, and never without one.
    #[default]
    Unsaid,
    /// Never.
    Never,
    /// At the first second, Unix time, at which it no longer works.
    At(u64),
}

/// A new key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateKey {
    /// The account it belongs to; for an organization key the organization.
    pub owner: String,
    /// Its kind; restricted unless it is said, and organization for an organization.
    pub kind: Option<KeyKind>,
    /// Its mode.
    pub mode: Livemode,
    /// Where its value comes from.
    pub value: Value,
    /// The id it is to have; a new one unless it is said.
    pub id: Option<String>,
    /// What it may do.
    pub grants: NewGrants,
    /// What it may do on connected accounts.
    pub connect_grants: NewGrants,
    /// What else is said of it.
    pub details: Details,
}

/// Where the value of a new key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// It is made here, and shown once.
    Minted,
    /// The caller made it, and keeps it.
    Digest(KeyDigest),
    /// The same, and the caller says how it ends.
    Ending(KeyDigest, Last4),
}

/// What a new key is granted. Nothing is said where both are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewGrants {
    /// A grant set: the key follows it, or has a copy where `grants` add to it.
    pub set: Option<String>,
    /// Permissions, a later one wins.
    pub grants: Vec<Grant>,
}

/// What can be said of any new key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// For people.
    pub name: Option<String>,
    /// For people.
    pub note: Option<String>,
    /// Free names and texts.
    pub labels: BTreeMap<String, String>,
    /// When it ends.
    pub expires: End,
    /// The first second, Unix time, at which it works.
    pub not_before: Option<u64>,
    /// Addresses and ranges, several in one text where blanks part them.
    pub allowed_ips: Vec<String>,
    /// Whether IPv6 is meant.
    pub ipv6: bool,
    /// Whether its refusals are carried out.
    pub enforcement: Enforcement,
}

/// A restricted key like another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateKey {
    /// The key to start from.
    pub id: String,
    /// The live key of a test key. Otherwise the mode stays.
    pub live: bool,
    /// What is said of the new key. Its name is that of the other unless one is said.
    pub details: Details,
}

/// Changes of a key. Its kind, mode, owner and value never change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EditKey {
    /// The key.
    pub id: String,
    /// Its name.
    pub name: Patch<String>,
    /// Its note.
    pub note: Patch<String>,
    /// Labels to add or to change.
    pub labels: Vec<(String, String)>,
    /// Labels to take away.
    pub unlabels: Vec<String>,
    /// Whether its refusals are carried out.
    pub enforcement: Option<Enforcement>,
    /// What it may do.
    pub grants: GrantsChange,
    /// What it may do on connected accounts.
    pub connect_grants: GrantsChange,
    /// Whether a key that may do everything is to be limited to what is granted here.
    pub limit: bool,
    /// From where it works.
    pub ips: Option<IpChange>,
    /// Until when it works; [`End::Unsaid`] leaves it as it is.
    pub expires: End,
    /// Whether a key that has ended is to work again.
    pub revive: bool,
}

/// A change of permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GrantsChange {
    /// None.
    #[default]
    Keep,
    /// Some are added and some taken away. A set comes first, in the place of what was granted.
    Edit {
        /// A grant set.
        set: Option<String>,
        /// Permissions to add, or to take away by their level.
        grants: Vec<Grant>,
        /// Permissions to take away, which must be there.
        revoked: Vec<String>,
    },
    /// These and no others.
    Replace(Vec<Grant>),
}

/// A change of the addresses that a key works from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpChange {
    /// What to do with them.
    pub action: IpAction,
    /// Addresses and ranges, several in one text where blanks part them.
    pub texts: Vec<String>,
    /// Whether IPv6 is meant.
    pub ipv6: bool,
}

/// What to do with addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpAction {
    /// Let the key work from these as well.
    Add,
    /// No longer from these.
    Remove,
    /// From these only.
    Set,
    /// From everywhere.
    Clear,
}

/// A replacement of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotateKey {
    /// The key to replace.
    pub id: String,
    /// For how many seconds the old key goes on.
    pub keep_for: u64,
    /// When the replacement ends. It must be said where the old key has an end.
    pub expires: End,
    /// Where the new value comes from.
    pub value: Value,
}

/// The end of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpireKey {
    /// The key.
    pub id: String,
    /// When it ends, Unix seconds; `None` is never.
    pub end: Option<u64>,
    /// Whether a key that has ended is to work again.
    pub revive: bool,
}

/// A key that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportKey {
    /// The account it belongs to; for an organization key the organization.
    pub owner: String,
    /// What is kept of its value.
    pub value: ImportedValue,
    /// The id it is to have; a new one unless it is said.
    pub id: Option<String>,
    /// Take it in although it can be guessed.
    pub allow_short: bool,
    /// What it may do.
    pub grants: NewGrants,
    /// What it may do on connected accounts.
    pub connect_grants: NewGrants,
    /// What else is said of it.
    pub details: Details,
    /// When it was made, Unix seconds; now unless it is said.
    pub created: Option<u64>,
}

/// A new account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddAccount {
    /// The record.
    pub account: Account,
    /// What is kept next to it.
    pub settings: AccountSettings,
}

/// Changes of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateAccount {
    /// The account.
    pub id: String,
    /// Its name.
    pub name: Patch<String>,
    /// The account above it.
    pub parent: Patch<String>,
    /// Which ids are accepted below it.
    pub children: Option<Children>,
    /// Whether it is in use.
    pub status: Option<AccountStatus>,
    /// Why it is suspended.
    pub reason: Patch<String>,
    /// Its policy.
    pub policy: Patch<String>,
    /// Its id elsewhere.
    pub external_id: Patch<String>,
}

impl UpdateAccount {
    /// No change of that account yet.
    #[must_use]
    pub fn of(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..Self::default()
        }
    }
}

/// The keys an account starts with, as Stripe's accounts do: a secret and a publishable one for
/// each mode. Each is its own command, decided after the one before was carried out.
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
