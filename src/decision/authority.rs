//! What a key may do on the account a request is about.

use super::trace::Needed;
use crate::permission::{AccessLevel, Grants, Permission};
use crate::reason::DenyReason;
use crate::snapshot::{KeyRecord, Reach};

/// What a key may do on one account.
#[derive(Clone, Copy, Debug)]
pub enum Authority<'a> {
    /// Everything.
    Full,
    /// What it is granted.
    Limited(&'a Grants),
    /// What it is granted on a connected account of Stripe's: direct permissions serve no call there.
    Connected(&'a Grants),
    /// Nothing: the account is a connected one, and the key has no permission on those.
    NotConnected,
}

impl<'a> Authority<'a> {
    /// `connect_grants` decide on connected accounts, `grants` elsewhere. Under another catalogue than Stripe's no permission is direct.
    #[must_use]
    pub fn of(key: &KeyRecord<'a>, is_connected: bool, are_stripes: bool) -> Self {
        match Reach::of(key, is_connected) {
            Reach::Full => Self::Full,
            Reach::Nothing => Self::NotConnected,
            Reach::Granted(grants) if is_connected && are_stripes => Self::Connected(grants),
            Reach::Granted(grants) => Self::Limited(grants),
        }
    }

    /// The grants that limit it, if it is limited and has any.
    #[must_use]
    pub fn limits(&self) -> Option<&'a Grants> {
        match self {
            Self::Limited(grants) | Self::Connected(grants) => Some(grants),
            Self::Full | Self::NotConnected => None,
        }
    }

    /// Whether `permission` counts on the account at all, held or not.
    #[must_use]
    pub fn serves(&self, permission: Permission) -> bool {
        match self {
            Self::Connected(_) => !permission.is_direct(),
            Self::Full | Self::Limited(_) | Self::NotConnected => true,
        }
    }

    /// Whether `permission` is held at `level`.
    #[must_use]
    pub fn grants(&self, permission: Permission, level: AccessLevel) -> bool {
        match self {
            Self::Full => true,
            Self::Limited(grants) | Self::Connected(grants) => {
                self.serves(permission) && grants.allow(permission, level)
            }
            Self::NotConnected => false,
        }
    }

    /// The first of `permissions` that is held at `level`.
    pub(super) fn held(
        &self,
        permissions: &[Permission],
        level: AccessLevel,
    ) -> Option<Permission> {
        let mut held = permissions.iter().copied();
        held.find(|permission| self.grants(*permission, level))
    }

    /// The first of `permissions` that would serve; the first of all where none would.
    pub(super) fn servable(&self, permissions: &[Permission]) -> Option<Permission> {
        let mut servable = permissions.iter().copied();
        let first = permissions.first().copied();
        servable
            .find(|permission| self.serves(*permission))
            .or(first)
    }

    /// The reason where none of `permissions` is held.
    pub(super) fn lack_of(&self, permissions: &[Permission]) -> DenyReason {
        let would_serve = permissions
            .iter()
            .any(|permission| self.serves(*permission));
        if matches!(self, Self::NotConnected) || !would_serve {
            DenyReason::NoConnectPermission
        } else {
            DenyReason::InsufficientPermission
        }
    }

    /// What a rule reports of having asked for one of `permissions`.
    pub(super) fn needed(&self, permissions: &'a [Permission], access: AccessLevel) -> Needed<'a> {
        match self {
            Self::Full => Needed::Everything,
            Self::NotConnected => Needed::NotConnected,
            Self::Limited(_) | Self::Connected(_) => Needed::OneOf {
                permissions,
                access,
                held: self.held(permissions, access),
                is_connected: matches!(self, Self::Connected(_)),
            },
        }
    }
}
