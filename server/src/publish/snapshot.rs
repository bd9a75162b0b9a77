//! The snapshot, as a function of the records, the revision and the time of issue.

use keyward::snapshot::{FORMAT, document};
use keyward_files::key_file::{account_row, key_row, permissions_row};
use serde_json::{Map, Value, json};

use crate::configuration::Group;
use crate::store::lists::KeyFilter;
use crate::store::{DocumentName, Reader, Result, Scope};

/// All that a snapshot is made of, of one state of the store.
pub(super) struct Records {
    /// The last change that is in it.
    pub(super) through: u64,
    accounts: Vec<document::Account>,
    grant_sets: Map<String, Value>,
    keys: Vec<document::Key>,
    /// `api_versions`, `catalogue`, `endpoints`.
    endpoints: Map<String, Value>,
}

impl Records {
    pub(super) fn read(reader: &Reader<'_>) -> Result<Self> {
        let (mut accounts, mut keys) = (Vec::new(), Vec::new());
        reader.each_account(&Scope::everything(), |stored| {
            accounts.push(account_row(&stored.account));
            Ok(())
        })?;
        reader.each_key(&Scope::everything(), &KeyFilter::default(), |stored| {
            keys.push(key_row(&stored.key));
            Ok(())
        })?;
        let sets = reader.grant_sets()?.into_iter();
        let endpoints = reader.document(DocumentName::Endpoints)?;
        let endpoints = endpoints.map(|document| document.body);
        Ok(Self {
            through: reader.head()?.sequence,
            accounts,
            grant_sets: sets
                .map(|set| (set.name, json!(permissions_row(&set.granted))))
                .collect(),
            keys,
            endpoints: endpoints
                .and_then(|body| body.as_object().cloned())
                .unwrap_or_default(),
        })
    }

    pub(super) fn snapshot(&self, group: Group, revision: u64, now: u64) -> Value {
        let mut snapshot = self.endpoints.clone();
        if !group.lists_versions() {
            snapshot.remove("api_versions");
        }
        if group.has_pages() {
            let rows = snapshot
                .entry("endpoints".to_owned())
                .or_insert_with(|| json!([]));
            if let Some(rows) = rows.as_array_mut() {
                rows.extend(page_rows());
            }
        }
        snapshot.insert("format".to_owned(), json!(FORMAT));
        snapshot.insert("revision".to_owned(), json!(revision));
        snapshot.insert("issued_at".to_owned(), json!(now));
        snapshot.insert("accounts".to_owned(), json!(self.accounts));
        if !self.grant_sets.is_empty() {
            snapshot.insert("grant_sets".to_owned(), json!(self.grant_sets));
        }
        if self.keys.is_empty() {
            snapshot.insert("empty".to_owned(), json!(true));
        }
        snapshot.insert("keys".to_owned(), json!(self.keys));
        Value::Object(snapshot)
    }
}

/// The pages, for which nobody has a key. They are on the gateway before this server only: on another one such rows would open paths of the API that it protects.
fn page_rows() -> [Value; 3] {
    [
        ("GET", "/console"),
        ("GET", "/console/{*rest}"),
        ("POST", "/console/{*rest}"),
    ]
    .map(|(method, path)| json!({"method": method, "path": path, "auth": "none"}))
}
