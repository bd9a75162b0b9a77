//! The records as rows: keys, accounts, grant sets, policies, documents.

pub(super) mod accounts;
pub(super) mod documents;
pub(super) mod gateways;
pub(super) mod granted;
pub(super) mod key_changes;
pub(super) mod keys;
pub(super) mod policies;
pub(super) mod policy_body;
pub(super) mod sessions;
pub(super) mod sets;

/// The stored source of a record, which determines who may change it: `api`, `console`, `portal`,
/// `import` or `file:NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The source of new records.
    pub source: &'a str,
    /// The actor who makes them.
    pub by: Option<&'a str>,
    /// The time, in Unix seconds.
    pub at: u64,
}

/// Returns the file that owns a record from this source, if it is a file's.
pub(super) fn file_of(source: &str) -> Option<String> {
    source.strip_prefix("file:").map(str::to_owned)
}
