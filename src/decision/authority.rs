//! What a key may do on the account that a request is about.

use super::trace::Needed;
use crate::permission::{AccessLevel, Grants, Permission};
use crate::reason::DenyReason;
use crate::snapshot::{KeyRecord, Reach};

/// What a key may do on one account.
#[derive(Clone, Copy, Debug)]
pub enum Authority<'a> {
    /// The key may do everything.
    Full,
    /// The key may do what it is granted.
    Limited(&'a Grants),
    /// The key may do what it is granted on a connected account of Stripe's. Direct permissions do
    /// not apply there.
    Connected(&'a Grants),
    /// The key may do nothing: the account is connected, and the key has no permission on connected
    /// accounts.
    NotConnected,
}

impl<'a> Authority<'a> {
    /// Returns the authority of `key`: `connect_grants` decide on connected accounts, `grants`
    /// elsewhere. Only Stripe's catalogue has direct permissions.
    #[must_use]
    pub fn of(key: &KeyRecord<'a>, is_connected: bool, are_stripes: bool) -> Self {
        match Reach::of(key, is_connected) {
            Reach::Full => Self::Full,
            Reach::Nothing => Self::NotConnected,
            Reach::Granted(grants) if is_connected && are_stripes => Self::Connected(grants),
            Reach::Granted(grants) => Self::Limited(grants),
        }
    }

    /// Returns the grants that limit the key, if it is limited and has any.
    #[must_use]
    pub fn limits(&self) -> Option<&'a Grants> {
        match self {
            Self::Limited(grants) | Self::Connected(grants) => Some(grants),
            Self::Full | Self::NotConnected => None,
        }
    }

    /// Returns whether `permission` applies to the account, held or not.
    #[must_use]
    pub fn serves(&self, permission: Permission) -> bool {
        match self {
            Self::Connected(_) => !permission.is_direct(),
            Self::Full | Self::Limited(_) | Self::NotConnected => true,
        }
    }

    /// Returns whether the key has `permission` at `level`.
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

    /// Returns the first of `permissions` that the key has at `level`.
    pub(super) fn held(
        &self,
        permissions: &[Permission],
        level: AccessLevel,
    ) -> Option<Permission> {
        let mut held = permissions.iter().copied();
        held.find(|permission| self.grants(*permission, level))
    }

    /// Returns the first of `permissions` that would apply to the account, or if none would, the
    /// first of all.
    pub(super) fn servable(&self, permissions: &[Permission]) -> Option<Permission> {
        let mut servable = permissions.iter().copied();
        let first = permissions.first().copied();
        servable
            .find(|permission| self.serves(*permission))
            .or(first)
    }

    /// Returns the reason if the key has none of `permissions`.
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

    /// Returns what a rule reports after it asked for one of `permissions`.
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
