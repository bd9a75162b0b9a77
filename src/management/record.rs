//! The records that operators keep: accounts, grants and keys. Each is well-formed by itself. The
//! key file and the server's store contain the same records.

use std::collections::BTreeMap;

use crate::account::{AccountStatus, Children};
use crate::digest::KeyDigest;
use crate::key::{KeyKind, Livemode};
use crate::mask::{KnownPrefixes, Masked};
use crate::permission::AccessLevel;
use crate::snapshot::{Enforcement, KeyStatus};

/// On which accounts permissions apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The key's own account.
    Own,
    /// Accounts connected to it.
    Connected,
}

/// An account or an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account's id: `acct_…` or `org_…`, or as the profile spells it.
    pub id: String,
    /// A display name.
    pub name: Option<String>,
    /// The account above.
    pub parent: Option<String>,
    /// Which ids keyward accepts below the account.
    pub children: Children,
    /// Whether the account is active.
    pub status: AccountStatus,
}

impl Account {
    /// Creates an active account without a name, at the root.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: None,
            parent: None,
            children: Children::Listed,
            status: AccountStatus::Active,
        }
    }

    /// Returns whether the account is suspended.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.status == AccountStatus::Suspended
    }
}

impl Account {
    /// Returns the members that differ from `other`, by their names in a key file.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let Self {
            id,
            name,
            parent,
            children,
            status,
        } = self;
        differing([
            ("id", *id != other.id),
            ("name", *name != other.name),
            ("parent", *parent != other.parent),
            ("children", *children != other.children),
            ("status", *status != other.status),
        ])
    }
}

/// What a store keeps of an account in addition to its record. Only the record goes into a
/// snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountSettings {
    /// The account's id in another system. No two accounts have the same one.
    pub external_id: Option<String>,
    /// The account's own policy. Without one, the policy of the account above applies.
    pub policy: Option<String>,
    /// Why the account is suspended.
    pub suspended_reason: Option<String>,
}

/// Permissions by name, each with its level.
pub type Granted = BTreeMap<String, AccessLevel>;

/// The grants of a key: the name of a set, or the permissions themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyGrants {
    /// A grant set's name.
    Set(String),
    /// The key's own permissions.
    Inline(Granted),
}

impl KeyGrants {
    /// Returns how many permissions the key itself lists.
    #[must_use]
    pub fn inline_len(&self) -> usize {
        match self {
            Self::Set(_) => 0,
            Self::Inline(granted) => granted.len(),
        }
    }
}

/// A key. Only the digest of its value is known, except for a publishable key, whose value is
/// public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key's id: `mk_` and a random part, `[A-Za-z0-9_.-]{1,64}`.
    pub id: String,
    /// A display name.
    pub name: Option<String>,
    /// A note for people.
    pub note: Option<String>,
    /// Custom names with texts. They are the snapshot's annotations.
    pub labels: BTreeMap<String, String>,
    /// When the key was created, in Unix seconds.
    pub created: Option<u64>,
    /// Who created the key.
    pub created_by: Option<String>,
    /// The key's kind. It never changes.
    pub kind: KeyKind,
    /// The key's mode. It never changes.
    pub mode: Livemode,
    /// The account that owns the key, or for an organization key, the organization.
    pub owner: String,
    /// What the key may do, if that is limited.
    pub grants: Option<KeyGrants>,
    /// What the key may do on connected accounts, if the key states that separately.
    pub connect_grants: Option<KeyGrants>,
    /// Addresses and ranges from which the key may be used. It works from everywhere if the list is
    /// empty.
    pub allowed_ips: Vec<String>,
    /// The first second, in Unix time, at which the key no longer works.
    pub expires: Option<u64>,
    /// The first second, in Unix time, at which the key works.
    pub not_before: Option<u64>,
    /// Whether the key was deleted.
    pub status: KeyStatus,
    /// Whether keyward enforces the key's verdicts.
    pub enforcement: Enforcement,
    /// The id of the key that this one replaces.
    pub replaces: Option<String>,
    /// The id of the key that replaces this one.
    pub replaced_by: Option<String>,
    /// The digest of the key's value. It never changes.
    pub digest: KeyDigest,
    /// The value's last four characters, as masked keys show them, or fewer of a short key. Unknown
    /// for keys that were created before keyward recorded it.
    pub last4: Option<String>,
    /// The value of a publishable key.
    pub value: Option<String>,
}

impl Key {
    /// Creates an active key with only what every key has. A restricted key has no permissions yet.
    #[must_use]
    pub fn new(id: &str, kind: KeyKind, mode: Livemode, owner: &str, digest: KeyDigest) -> Self {
        let is_restricted = kind == KeyKind::Restricted;
        Self {
            id: id.to_owned(),
            name: None,
            note: None,
            labels: BTreeMap::new(),
            created: None,
            created_by: None,
            kind,
            mode,
            owner: owner.to_owned(),
            grants: is_restricted.then(|| KeyGrants::Inline(Granted::new())),
            connect_grants: None,
            allowed_ips: Vec::new(),
            expires: None,
            not_before: None,
            status: KeyStatus::Active,
            enforcement: Enforcement::Enforce,
            replaces: None,
            replaced_by: None,
            digest,
            last4: None,
            value: None,
        }
    }

    /// Like [`Self::new`], for a key whose value is at hand. The record keeps its digest and its
    /// last characters.
    #[must_use]
    pub fn of_value(
        id: &str,
        kind: KeyKind,
        mode: Livemode,
        owner: &str,
        value: &str,
        prefixes: &KnownPrefixes,
    ) -> Self {
        let digest = KeyDigest::of(value.as_bytes());
        let end = Masked::new(value, prefixes).end();
        Self {
            last4: Some(end.to_owned()).filter(|end| !end.is_empty()),
            ..Self::new(id, kind, mode, owner, digest)
        }
    }

    /// Creates an active publishable key. The record keeps its value, which is public.
    #[must_use]
    pub fn publishable(id: &str, mode: Livemode, owner: &str, value: &str) -> Self {
        let digest = KeyDigest::of(value.as_bytes());
        Self {
            value: Some(value.to_owned()),
            ..Self::new(id, KeyKind::Publishable, mode, owner, digest)
        }
    }

    /// Returns whether the key was deleted.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.status == KeyStatus::Deleted
    }

    /// Returns whether the key has expired at `now`, in Unix seconds.
    #[must_use]
    pub fn is_expired(&self, now: u64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Returns whether a request with the key may pass at `now`, if its owner is not suspended.
    #[must_use]
    pub fn is_live_at(&self, now: u64) -> bool {
        let is_early = self.not_before.is_some_and(|first| now < first);
        !self.is_deleted() && !self.is_expired(now) && !is_early
    }
}

impl Key {
    /// Returns the members that differ from `other`, by their names in a key file.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let Self {
            id,
            name,
            note,
            labels,
            created,
            created_by,
            kind,
            mode,
            owner,
            grants,
            connect_grants,
            allowed_ips,
            expires,
            not_before,
            status,
            enforcement,
            replaces,
            replaced_by,
            digest,
            last4,
            value,
        } = self;
        differing([
            ("id", *id != other.id),
            ("name", *name != other.name),
            ("note", *note != other.note),
            ("labels", *labels != other.labels),
            ("created", *created != other.created),
            ("created_by", *created_by != other.created_by),
            ("kind", *kind != other.kind),
            ("mode", *mode != other.mode),
            ("owner", *owner != other.owner),
            ("grants", *grants != other.grants),
            ("connect_grants", *connect_grants != other.connect_grants),
            ("allowed_ips", *allowed_ips != other.allowed_ips),
            ("expires", *expires != other.expires),
            ("not_before", *not_before != other.not_before),
            ("status", *status != other.status),
            ("enforcement", *enforcement != other.enforcement),
            ("replaces", *replaces != other.replaces),
            ("replaced_by", *replaced_by != other.replaced_by),
            ("sha256", *digest != other.digest),
            ("last4", *last4 != other.last4),
            ("value", *value != other.value),
        ])
    }
}

fn differing<const N: usize>(members: [(&'static str, bool); N]) -> Vec<&'static str> {
    let differing = members.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(name, _)| name).collect()
}
