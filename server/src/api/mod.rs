//! One file for each resource: from a request to a command, and from its outcome to an object.

pub(crate) mod account;
pub(crate) mod account_policy;
pub(crate) mod accounts;
pub(crate) mod activity_logs;
pub(crate) mod answers;
pub(crate) mod api_keys;
pub(crate) mod bodies;
pub(crate) mod changes;
pub(crate) mod console_sessions;
pub(crate) mod edit_key;
pub(crate) mod endpoints;
pub(crate) mod exported_file;
pub(crate) mod gateways;
pub(crate) mod grant_sets;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod key_file;
pub(crate) mod key_policies;
pub(crate) mod list_keys;
pub(crate) mod lookup;
mod named;
pub(crate) mod new_key;
pub(crate) mod permissions;
pub(crate) mod portal_sessions;
pub(crate) mod preview;
pub(crate) mod preview_set;
pub(crate) mod profile;
mod reason;
pub(crate) mod requests;
pub(crate) mod revoke;
mod sent_file;
mod sessions;

#[cfg(test)]
mod tests;
