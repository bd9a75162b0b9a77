//! What a key may do on the account a request is about.

use crate::key::KeyKind;
use crate::permission::{AccessLevel, Grants, Permission};
use crate::snapshot::KeyRecord;

/// What a key may do on one account.
#[derive(Clone, Copy, Debug)]
pub enum Authority<'a> {
    /// Everything.
    Full,
    /// What it is granted.
    Limited(&'a Grants),
    /// Nothing: the account is a connected one, and the key has no permission on those.
    NotConnected,
}

impl<'a> Authority<'a> {
    /// `connect_grants` decide on connected accounts, `grants` elsewhere.
    #[must_use]
    pub fn of(key: &KeyRecord<'a>, is_connected: bool) -> Self {
        let own = key.grants();
        if !is_connected {
            return match (own, key.kind()) {
                (Some(grants), _) => Self::Limited(grants),
                (None, KeyKind::Secret | KeyKind::Organization) => Self::Full,
                // A snapshot without a restricted key's grants is refused; publishable keys stop at rule 10.
                (None, KeyKind::Restricted | KeyKind::Publishable) => Self::NotConnected,
            };
        }
        match (key.connect_grants(), own, key.kind()) {
            (Some(grants), _, _) if grants.is_empty() => Self::NotConnected,
            (Some(grants), _, _) => Self::Limited(grants),
            (None, Some(grants), KeyKind::Organization) => Self::Limited(grants),
            (None, None, KeyKind::Secret | KeyKind::Organization) => Self::Full,
            (None, _, KeyKind::Secret | KeyKind::Restricted | KeyKind::Publishable) => {
                Self::NotConnected
            }
        }
    }

    /// Whether `permission` is held at `level`.
    #[must_use]
    pub fn grants(&self, permission: Permission, level: AccessLevel) -> bool {
        match self {
            Self::Full => true,
            Self::Limited(grants) => grants.allow(permission, level),
            Self::NotConnected => false,
        }
    }
}
