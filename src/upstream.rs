//! What an allowed request looks like to the upstream: which headers are taken off, and which are put on.

use crate::configuration::Configuration;
use crate::decision::Permit;
use crate::request::{RequestHead, Value};

/// One change to a request's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderChange {
    /// Every header of this name is taken off.
    Remove(Vec<u8>),
    /// Every header of this name is replaced by one.
    Set(String, String),
}

/// The changes for an allowed request. Whatever a client sent under an identity header's name, in any spelling, is gone.
#[must_use]
pub fn header_changes(
    configuration: &Configuration,
    request: &RequestHead<'_>,
    permit: &Permit<'_>,
) -> Vec<HeaderChange> {
    let settings = configuration.settings();
    let mut changes = Vec::new();
    if let Some(principal) = permit.identity() {
        if let Some(name) = &settings.principal_header {
            changes.push(HeaderChange::Set(name.to_string(), principal.to_string()));
        }
        for (name, member) in &settings.identity_headers {
            if let Some(value) = principal.plain(*member) {
                changes.push(HeaderChange::Set(name.to_string(), value));
            }
        }
    }
    for forged in &request.forged_identity {
        let name = forged.to_ascii_lowercase();
        let is_done = changes.iter().any(|change| match change {
            HeaderChange::Set(set, _) => set.as_bytes() == name,
            HeaderChange::Remove(removed) => *removed == name,
        });
        if !is_done {
            changes.push(HeaderChange::Remove(name));
        }
    }
    if !settings.forward_credential && request.authorization.value() != Value::Absent {
        changes.push(HeaderChange::Remove(b"authorization".to_vec()));
    }
    changes
}
