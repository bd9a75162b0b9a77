//! Request bodies for records.

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use keyward::account::Children;
use keyward_files::key_file::{Account, Granted, Key, KeyGrants};

/// Returns the body that changes a key from one state to another.
pub(super) fn difference(before: &Key, after: &Key, now: u64) -> Map<String, Json> {
    let (mut body, mut mine) = (Map::new(), Map::new());
    if before.name != after.name {
        body.insert("name".to_owned(), json!(after.name));
    }
    if before.note != after.note {
        body.insert("note".to_owned(), json!(after.note));
    }
    if before.allowed_ips != after.allowed_ips {
        body.insert("ip_allowlist".to_owned(), json!(after.allowed_ips));
        mine.insert("ipv6".to_owned(), json!(has_ipv6(after)));
    }
    if before.expires != after.expires {
        body.insert("expires_at".to_owned(), json!(after.expires.map(time)));
        let is_revived = before.is_expired(now) && !after.is_expired(now);
        mine.insert("revive".to_owned(), json!(is_revived));
    }
    for (own, changed, list, set) in [
        (&before.grants, &after.grants, "permissions", "grant_set"),
        (
            &before.connect_grants,
            &after.connect_grants,
            "connect_permissions",
            "connect_grant_set",
        ),
    ] {
        if own != changed {
            put_grants(changed.as_ref(), (list, &mut body), (set, &mut mine));
            if own.is_none() {
                mine.insert("limit".to_owned(), json!(true));
            }
        }
    }
    if before.enforcement != after.enforcement {
        mine.insert("enforcement".to_owned(), json!(after.enforcement.name()));
    }
    let mut labels = Map::new();
    for (name, text) in &after.labels {
        if before.labels.get(name) != Some(text) {
            labels.insert(name.clone(), json!(text));
        }
    }
    for name in before.labels.keys() {
        if !after.labels.contains_key(name) {
            labels.insert(name.clone(), Json::Null);
        }
    }
    if !labels.is_empty() {
        mine.insert("labels".to_owned(), Json::Object(labels));
    }
    if !mine.is_empty() {
        body.insert("keyward".to_owned(), Json::Object(mine));
    }
    body
}

/// Adds grants, as a list or as the name of a set.
pub(super) fn put_grants(
    grants: Option<&KeyGrants>,
    (list, body): (&str, &mut Map<String, Json>),
    (set, mine): (&str, &mut Map<String, Json>),
) {
    match grants {
        None => {}
        Some(KeyGrants::Set(name)) => {
            mine.insert(set.to_owned(), json!(name));
        }
        Some(KeyGrants::Inline(granted)) => {
            body.insert(list.to_owned(), json!(names(granted)));
        }
    }
}

/// Returns grants as names such as `customer_read`.
pub(super) fn names(granted: &Granted) -> Vec<String> {
    let names = granted.iter();
    names
        .map(|(name, level)| format!("{name}_{}", level.name()))
        .collect()
}

pub(super) fn put(body: &mut Map<String, Json>, name: &str, text: Option<&String>) {
    if let Some(text) = text {
        body.insert(name.to_owned(), json!(text));
    }
}

/// Whether a key has IPv6 addresses. The API wants this confirmed, and the command has already
/// asked.
pub(super) fn has_ipv6(key: &Key) -> bool {
    key.allowed_ips.iter().any(|ip| ip.contains(':'))
}

/// Formats a time as RFC 3339.
pub(super) fn time(seconds: u64) -> String {
    let time = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.unwrap_or(Timestamp::MAX).to_string()
}

pub(super) fn children(account: &Account) -> &'static str {
    match account.children {
        Children::Listed => "listed",
        Children::Any => "any",
    }
}
