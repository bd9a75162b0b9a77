//! From the key file to the plugin configuration and the snapshot in it, as JSON.

use serde_json::{Map, Value as Json, json};

use super::{Account, Granted, Key, KeyFile, KeyGrants};
use keyward::account::{AccountStatus, Children};
use keyward::snapshot::{self, Enforcement};

/// What a snapshot says that the key file does not: which revision it is, and of when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The revision.
    pub revision: u64,
    /// When it is issued, Unix seconds.
    pub issued_at: u64,
    /// Whether a file without keys makes a snapshot that says so (`"empty": true`). Otherwise it makes one that is refused.
    pub may_be_empty: bool,
}

impl KeyFile {
    /// The plugin configuration with the snapshot in it.
    #[must_use]
    pub fn compile(&self, issue: &Issue) -> Json {
        let settings = self.single("configuration").and_then(Json::as_object);
        let mut configuration = settings.cloned().unwrap_or_default();
        configuration.insert("snapshot".to_owned(), self.snapshot(issue));
        Json::Object(configuration)
    }

    /// The snapshot alone.
    #[must_use]
    pub fn snapshot(&self, issue: &Issue) -> Json {
        let mut snapshot = Map::new();
        snapshot.insert("format".to_owned(), json!(snapshot::FORMAT));
        snapshot.insert("revision".to_owned(), json!(issue.revision));
        snapshot.insert("issued_at".to_owned(), json!(issue.issued_at));
        for name in ["api_versions", "catalogue"] {
            if let Some(value) = self.single(name) {
                snapshot.insert(name.to_owned(), value.clone());
            }
        }
        let accounts: Vec<Json> = self.accounts().map(account_row).collect();
        snapshot.insert("accounts".to_owned(), Json::Array(accounts));
        let sets: Map<String, Json> = self
            .grant_sets()
            .map(|(name, granted)| (name.to_owned(), permissions_row(granted)))
            .collect();
        if !sets.is_empty() {
            snapshot.insert("grant_sets".to_owned(), Json::Object(sets));
        }
        let endpoints: Vec<Json> = self.endpoints.iter().map(|(row, _)| row.clone()).collect();
        if !endpoints.is_empty() {
            snapshot.insert("endpoints".to_owned(), Json::Array(endpoints));
        }
        let keys: Vec<Json> = self.keys().map(key_row).collect();
        if keys.is_empty() && issue.may_be_empty {
            snapshot.insert("empty".to_owned(), json!(true));
        }
        snapshot.insert("keys".to_owned(), Json::Array(keys));
        Json::Object(snapshot)
    }

    pub(super) fn single(&self, name: &str) -> Option<&Json> {
        let mut single = self.single.iter();
        single
            .find(|(of, _, _)| *of == name)
            .map(|(_, value, _)| value)
    }
}

/// Puts a member into an object that `json!` made.
fn put(object: &mut Json, name: &str, value: Json) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// An account's row in a snapshot.
#[must_use]
pub fn account_row(account: &Account) -> Json {
    let mut json = json!({"id": account.id});
    if let Some(parent) = &account.parent {
        put(&mut json, "parent", json!(parent));
    }
    if account.children == Children::Any {
        put(&mut json, "children", json!("any"));
    }
    if account.status == AccountStatus::Suspended {
        put(&mut json, "status", json!("suspended"));
    }
    json
}

/// Permissions, as a snapshot's rows and grant sets have them.
#[must_use]
pub fn permissions_row(granted: &Granted) -> Json {
    let members = granted.iter();
    Json::Object(
        members
            .map(|(name, level)| (name.clone(), json!(level.name())))
            .collect(),
    )
}

fn grants(grants: &KeyGrants) -> Json {
    match grants {
        KeyGrants::Set(name) => json!(name),
        KeyGrants::Inline(granted) => permissions_row(granted),
    }
}

/// A key's row in a snapshot.
#[must_use]
pub fn key_row(key: &Key) -> Json {
    let mut json = json!({
        "id": key.id,
        "sha256": key.digest.to_string(),
        "kind": key.kind.name(),
        "livemode": key.mode.is_live(),
        "owner": key.owner,
    });
    if key.is_deleted() {
        put(&mut json, "status", json!("deleted"));
    }
    if let Some(seconds) = key.not_before {
        put(&mut json, "not_before", json!(seconds));
    }
    if let Some(seconds) = key.expires {
        put(&mut json, "expires_at", json!(seconds));
    }
    if !key.allowed_ips.is_empty() {
        put(&mut json, "allowed_ips", json!(key.allowed_ips));
    }
    if key.enforcement == Enforcement::Shadow {
        put(&mut json, "enforcement", json!("shadow"));
    }
    if let Some(given) = &key.grants {
        put(&mut json, "grants", grants(given));
    }
    if let Some(given) = &key.connect_grants {
        put(&mut json, "connect_grants", grants(given));
    }
    if !key.labels.is_empty() {
        put(&mut json, "annotations", json!(key.labels));
    }
    json
}
