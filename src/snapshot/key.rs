//! What a snapshot says about a key.

use crate::account::AccountIndex;
use crate::address::AllowedIps;
use crate::id::Id;
use crate::key::{KeyKind, Livemode};
use crate::permission::Grants;
use crate::word::words;

words! {
    /// Whether keyward enforces a verdict.
    #[derive(Default)]
    pub enum Enforcement {
        /// keyward blocks a request that may not pass.
        #[default]
        Enforce = "enforce",
        /// keyward records that a request may not pass, and lets it pass.
        Shadow = "shadow",
    }
}

words! {
    /// Whether a key was deleted.
    #[derive(Default)]
    pub enum KeyStatus {
        /// The key is in use.
        #[default]
        Active = "active",
        /// The key was deleted. It stays listed so that its last users learn why it no longer
        /// works.
        Deleted = "deleted",
    }
}

/// One key, known only by its digest. This is a view into the snapshot.
#[derive(Clone, Copy, Debug)]
pub struct KeyRecord<'a> {
    pub(super) id: Id,
    pub(super) kind: KeyKind,
    pub(super) livemode: Livemode,
    pub(super) owner: AccountIndex,
    pub(super) status: KeyStatus,
    pub(super) not_before: Option<u64>,
    pub(super) expires_at: Option<u64>,
    pub(super) allowed_ips: Option<AllowedIps<'a>>,
    pub(super) enforcement: Enforcement,
    pub(super) grants: Option<&'a Grants>,
    pub(super) connect_grants: Option<&'a Grants>,
}

impl<'a> KeyRecord<'a> {
    /// Returns a record that may outlive the snapshot. It has the key's owner, but not what the key
    /// may do.
    #[must_use]
    pub fn named(&self) -> KeyRecord<'static> {
        KeyRecord {
            id: self.id,
            kind: self.kind,
            livemode: self.livemode,
            owner: self.owner,
            status: self.status,
            not_before: self.not_before,
            expires_at: self.expires_at,
            allowed_ips: None,
            enforcement: self.enforcement,
            grants: None,
            connect_grants: None,
        }
    }

    /// Returns the key's id: `mk_…`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// Returns the key's kind.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Returns the key's mode.
    #[must_use]
    pub fn livemode(&self) -> Livemode {
        self.livemode
    }

    /// Returns the account that owns the key. An organization key's owner is the organization.
    #[must_use]
    pub fn owner(&self) -> AccountIndex {
        self.owner
    }

    /// Returns whether the key was deleted.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.status == KeyStatus::Deleted
    }

    /// Returns the first second, in Unix time, at which the key works.
    #[must_use]
    pub fn not_before(&self) -> Option<u64> {
        self.not_before
    }

    /// Returns the first second, in Unix time, at which the key no longer works.
    #[must_use]
    pub fn expires_at(&self) -> Option<u64> {
        self.expires_at
    }

    /// Returns the addresses from which the key may be used, if they are limited.
    #[must_use]
    pub fn allowed_ips(&self) -> Option<AllowedIps<'a>> {
        self.allowed_ips
    }

    /// Returns whether keyward enforces the verdicts of rules 7 to 11.
    #[must_use]
    pub fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// Returns what the key may do, if that is limited.
    #[must_use]
    pub fn grants(&self) -> Option<&'a Grants> {
        self.grants
    }

    /// Returns what the key may do on connected accounts, if the key states that separately.
    #[must_use]
    pub fn connect_grants(&self) -> Option<&'a Grants> {
        self.connect_grants
    }
}
