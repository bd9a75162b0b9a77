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

/// Where a record came from and who changes it, as it is stored: `api`, `console`, `portal`,
/// `import` or `file:NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// What new records say of their source.
    pub source: &'a str,
    /// Who makes them.
    pub by: Option<&'a str>,
    /// When, Unix seconds.
    pub at: u64,
}

/// The file that owns a record of that source, where one does.
pub(super) fn file_of(source: &str) -> Option<String> {
    source.strip_prefix("file:").map(str::to_owned)
}
