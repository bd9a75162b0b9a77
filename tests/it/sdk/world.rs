//! The keys and accounts of these tests.

pub use crate::support::world::now;

use keyward::digest::KeyDigest;
use serde_json::{Map, Value, json};

pub const ORGANIZATION: &str = "org_FAKE-6SD";
pub const PLATFORM: &str = "acct_FAKE-platform";
pub const CONNECTED: &str = "acct_FAKE-shop-7";
pub const SMALL: &str = "acct_FAKE-small";

/// The API version of both SDKs.
pub const VERSION: &str = "2026-10-28.endive";

/// Name, prefix, kind, owner.
const KEYS: [(&str, &str, &str, &str); 13] = [
    ("secret", "sk_test_", "secret", PLATFORM),
    ("support", "rk_test_", "restricted", PLATFORM),
    ("reports", "rk_test_", "restricted", PLATFORM),
    ("publishable", "pk_test_", "publishable", PLATFORM),
    ("organization", "sk_org_test_", "organization", ORGANIZATION),
    ("small", "sk_test_", "secret", SMALL),
    ("deleted", "sk_test_", "secret", PLATFORM),
    ("expired", "sk_test_", "secret", PLATFORM),
    ("early", "sk_test_", "secret", PLATFORM),
    ("suspended", "sk_test_", "secret", "acct_FAKE-asleep"),
    ("office", "sk_test_", "secret", PLATFORM),
    ("live", "sk_live_", "secret", PLATFORM),
    // In no snapshot.
    ("nobody", "sk_test_", "secret", PLATFORM),
];

/// Returns the key with this name.
#[track_caller]
pub fn key(name: &str) -> String {
    let (_, prefix, ..) = KEYS
        .iter()
        .find(|(held, ..)| *held == name)
        .unwrap_or_else(|| panic!("no key is named `{name}`"));
    // Looks fake to secret scanners.
    format!("{prefix}FAKE-{}-0001", name.get(..9).unwrap_or(name))
}

/// Returns a key as replies show it: its prefix, stars, and its last four characters.
#[track_caller]
pub fn masked(name: &str) -> String {
    let key = key(name);
    let prefix = KEYS.iter().find(|(held, ..)| *held == name).unwrap().1;
    let stars = key.len() - prefix.len() - 4;
    format!("{prefix}{}{}", "*".repeat(stars), &key[key.len() - 4..])
}

/// Returns all keys by name, for a script.
pub fn keys() -> Map<String, Value> {
    KEYS.iter()
        .map(|(name, ..)| ((*name).to_owned(), json!(key(name))))
        .collect()
}

/// Returns the plugin configuration of a gateway that serves test mode.
pub fn configuration() -> Value {
    json!({"serve_mode": "test", "snapshot": snapshot()})
}

pub fn snapshot() -> Value {
    json!({
        "format": "keyward.snapshot/v1",
        "revision": 1,
        "issued_at": now(),
        "accounts": [
            {"id": ORGANIZATION},
            {"id": PLATFORM, "parent": ORGANIZATION},
            {"id": CONNECTED, "parent": PLATFORM},
            {"id": SMALL, "parent": ORGANIZATION},
            {"id": "acct_FAKE-asleep", "status": "suspended"},
        ],
        "endpoints": [{"method": "POST", "path": "/keyward.test.Echo/Say", "permission": "echo", "label": "Echo"}],
        "keys": KEYS.iter().filter(|(name, ..)| *name != "nobody").map(record).collect::<Vec<_>>(),
    })
}

fn record(&(name, prefix, kind, owner): &(&str, &str, &str, &str)) -> Value {
    let mut record = json!({
        "id": format!("mk_{name}"),
        "sha256": KeyDigest::of(key(name).as_bytes()).to_string(),
        "kind": kind,
        "livemode": prefix.contains("_live_"),
        "owner": owner,
    });
    let more = match name {
        "support" => json!({
            "grants": {"customer": "read", "charge": "write", "product": "write", "plan": "write", "echo": "write"},
            "connect_grants": {"balance": "read"},
        }),
        "reports" => json!({"grants": {"balance": "read"}}),
        "deleted" => json!({"status": "deleted"}),
        "expired" => json!({"expires_at": now() - 3_600}),
        "early" => json!({"not_before": now() + 86_400}),
        "office" => json!({"allowed_ips": ["203.0.113.0/24"]}),
        _ => json!({}),
    };
    record
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    record
}
