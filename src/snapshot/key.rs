//! What a snapshot says of one key.

use crate::account::AccountIndex;
use crate::address::AllowedIps;
use crate::id::Id;
use crate::key::{KeyKind, Livemode};
use crate::permission::Grants;
use crate::word::words;

words! {
    /// Whether a verdict is carried out.
    #[derive(Default)]
    pub enum Enforcement {
        /// What may not pass does not pass.
        #[default]
        Enforce = "enforce",
        /// What may not pass is noted, and passes.
        Shadow = "shadow",
    }
}

words! {
    /// Whether a key was deleted.
    #[derive(Default)]
    pub enum KeyStatus {
        /// In use.
        #[default]
        Active = "active",
        /// Deleted: it is listed so that its last users see why it no longer works.
        Deleted = "deleted",
    }
}

/// One key, known only by its digest. A view: what it says is in the snapshot.
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
    /// Whose it is, for longer than the snapshot is borrowed: without what it may do.
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

    /// `mk_…`
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Its mode.
    #[must_use]
    pub fn livemode(&self) -> Livemode {
        self.livemode
    }

    /// The account that owns it; for an organization key the organization.
    #[must_use]
    pub fn owner(&self) -> AccountIndex {
        self.owner
    }

    /// Whether it was deleted.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.status == KeyStatus::Deleted
    }

    /// The first second, Unix time, at which it works.
    #[must_use]
    pub fn not_before(&self) -> Option<u64> {
        self.not_before
    }

    /// The first second, Unix time, at which it no longer works.
    #[must_use]
    pub fn expires_at(&self) -> Option<u64> {
        self.expires_at
    }

    /// Where it may be used from, if that is limited.
    #[must_use]
    pub fn allowed_ips(&self) -> Option<AllowedIps<'a>> {
        self.allowed_ips
    }

    /// Whether verdicts of rules 7 to 11 are carried out.
    #[must_use]
    pub fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// What it may do, if that is limited.
    #[must_use]
    pub fn grants(&self) -> Option<&'a Grants> {
        self.grants
    }

    /// What it may do on connected accounts, if that is said apart.
    #[must_use]
    pub fn connect_grants(&self) -> Option<&'a Grants> {
        self.connect_grants
    }
}
