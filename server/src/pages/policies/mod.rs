//! Key policies: what accounts may do with their keys by themselves.

mod edit;
mod fields;
mod list;

use serde::Deserialize;

pub(super) use edit::{ask_to_remove, create, form, remove, save, show};
pub(super) use list::list;

pub(super) const HERE: &str = "/console/policies";

/// `keyward.key_policy`.
#[derive(Clone, Debug, Deserialize)]
struct Policy {
    name: String,
    accounts: u64,
    version: u64,
    kinds: Vec<String>,
    modes: Vec<String>,
    /// None: everything except managing keys.
    permissions: Option<Vec<String>>,
    connect_permissions: Option<Vec<String>>,
    grant_sets: Vec<String>,
    free_choice: bool,
    max_lifetime: Option<String>,
    default_lifetime: Option<String>,
    max_keys: Option<u64>,
    require_ip_allowlist: RequiredIps,
    overlaps: Vec<String>,
    delegation: String,
    allow_delete: bool,
    allow_requests: bool,
    allow_activity: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct RequiredIps {
    live: bool,
    test: bool,
}

impl Policy {
    fn path(&self) -> String {
        format!("{HERE}/{}", self.name)
    }
}
