//! The bodies of requests, under the names that the OpenAPI description uses.

pub(crate) use super::accounts::{AccountUpdate, NewAccount, Suspension};
pub(crate) use super::console_sessions::NewConsoleSession;
pub(crate) use super::edit_key::{Duplicate, Ending, Rotation, Update};
pub(crate) use super::endpoints::Endpoints;
pub(crate) use super::grant_sets::{GrantSet, NewGrantSet};
pub(crate) use super::import::Import;
pub(crate) use super::key_file::{FileToApply, FileToPlan};
pub(crate) use super::key_policies::PolicyMembers;
pub(crate) use super::lookup::Lookup;
pub(crate) use super::new_key::NewKey;
pub(crate) use super::portal_sessions::NewPortalSession;
pub(crate) use super::revoke::Revocation;
