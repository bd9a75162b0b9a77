//! The records that operators keep: accounts, grants and keys, well formed each on its own. The key
//! file and the server's store hold the same ones.

use std::collections::BTreeMap;

use crate::account::{AccountStatus, Children};
use crate::digest::KeyDigest;
use crate::key::{KeyKind, Livemode};
use crate::mask::{KnownPrefixes, Masked};
use crate::permission::AccessLevel;
use crate::snapshot::{Enforcement, KeyStatus};

/// On which accounts permissions count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// On the key's own account.
    Own,
    /// On accounts connected to it.
    Connected,
}

/// An account or an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// `acct_…` or `org_…`, or as the profile spells them.
    pub id: String,
    /// For people.
    pub name: Option<String>,
    /// The account above it.
    pub parent: Option<String>,
    /// Which ids are accepted below it.
    pub children: Children,
    /// Whether it is in use.
    pub status: AccountStatus,
}

impl Account {
    /// An account in use, without a name, at the root.
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

    /// Whether it is suspended.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.status == AccountStatus::Suspended
    }
}

impl Account {
    /// The members that differ from `other`, by the names they have in a key
    /// file.
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

/// What a store keeps of an account next to its record, which is what a snapshot is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountSettings {
    /// The id that the account has in someone else's system. No two accounts have the same.
    pub external_id: Option<String>,
    /// The policy it has itself; without one that of the account above it holds.
    pub policy: Option<String>,
    /// Why it is suspended.
    pub suspended_reason: Option<String>,
}

/// Permissions by name, each with its level.
pub type Granted = BTreeMap<String, AccessLevel>;

/// The grants of a key: the name of a set, or the permissions themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyGrants {
    /// A grant set, by its name.
    Set(String),
    /// its own Permissions.
    Inline(Granted),
}

impl KeyGrants {
    /// How many its own permissions a key has.
    #[must_use]
    pub fn inline_len(&self) -> usize {
        match self {
            Self::Set(_) => 0,
            Self::Inline(granted) => granted.len(),
        }
    }
}

/// One key. Its value is known only by its digest, but for a publishable key, whose value is public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// `mk_` and something random: `[A-Za-z0-9_.-]{1,64}`.
    pub id: String,
    /// For people.
    pub name: Option<String>,
    /// For people.
    pub note: Option<String>,
    /// Free names and texts; they are the snapshot's annotations.
    pub labels: BTreeMap<String, String>,
    /// When it was made, Unix seconds.
    pub created: Option<u64>,
    /// Who made it.
    pub created_by: Option<String>,
    /// Its kind; never changes.
    pub kind: KeyKind,
    /// Its mode; never changes.
    pub mode: Livemode,
    /// The account it belongs to; for an organization key the organization.
    pub owner: String,
    /// What it may do, if that is limited.
    pub grants: Option<KeyGrants>,
    /// What it may do on connected accounts, if that is said apart.
    pub connect_grants: Option<KeyGrants>,
    /// Addresses and ranges it may be used from; everywhere if the list is empty.
    pub allowed_ips: Vec<String>,
    /// The first second, Unix time, at which it no longer works.
    pub expires: Option<u64>,
    /// The first second, Unix time, at which it works.
    pub not_before: Option<u64>,
    /// Whether it was deleted.
    pub status: KeyStatus,
    /// Whether its verdicts are carried out.
    pub enforcement: Enforcement,
    /// The id of the key that this one replaces.
    pub replaces: Option<String>,
    /// The id of the key that replaces this one.
    pub replaced_by: Option<String>,
    /// The digest of its value; never changes.
    pub digest: KeyDigest,
    /// Its last four characters, as masked keys show them; fewer of a short key. Not known of keys
    /// that were made before it was kept.
    pub last4: Option<String>,
    /// The value of a publishable key.
    pub value: Option<String>,
}

impl Key {
    /// A key in use, with nothing said about it but what every key has. A restricted key has no
    /// permissions yet.
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

    /// The same, of a key whose value is at hand: its digest and its end are kept of it.
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

    /// A publishable key in use. Its value is public, so it is kept.
    #[must_use]
    pub fn publishable(id: &str, mode: Livemode, owner: &str, value: &str) -> Self {
        let digest = KeyDigest::of(value.as_bytes());
        Self {
            value: Some(value.to_owned()),
            ..Self::new(id, KeyKind::Publishable, mode, owner, digest)
        }
    }

    /// Whether it was deleted.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.status == KeyStatus::Deleted
    }

    /// Whether it has expired at `now`, Unix seconds.
    #[must_use]
    pub fn is_expired(&self, now: u64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Whether a request with it may pass at `now`, if its owner is not suspended.
    #[must_use]
    pub fn is_live_at(&self, now: u64) -> bool {
        let is_early = self.not_before.is_some_and(|first| now < first);
        !self.is_deleted() && !self.is_expired(now) && !is_early
    }
}

impl Key {
    /// The members that differ from `other`, by the names they have in a key file.
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
