//! What can be chosen for a new key.

use crate::pages::bounds::Bounds;
use crate::pages::objects::{Account, GrantSet};
use crate::pages::parts::matrix::Permission;

/// The choices of the form.
pub(super) struct Choices {
    /// In a portal, the limits of the account's policy.
    pub(super) bounds: Option<Bounds>,
    /// In a portal, the account of the new key.
    pub(super) account: String,
    pub(super) permissions: Vec<Permission>,
    /// On connected accounts.
    pub(super) connected: Vec<Permission>,
    pub(super) accounts: Vec<Account>,
    pub(super) sets: Vec<GrantSet>,
}
