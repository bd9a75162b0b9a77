//! Two snapshots, in files, that differ in everything that `keyward replay` reports.

use std::path::Path;
use std::process::Output;

use keyward::digest::KeyDigest;
use serde_json::{Value, json};

use crate::command::command;
use crate::process::Folder;

pub const FULL: &str = "sk_test_FAKE-full-00000001";
pub const SHRUNK: &str = "rk_test_FAKE-shrunk-00001";
pub const GROWN: &str = "rk_test_FAKE-grown-000001";
pub const REVOKED: &str = "sk_test_FAKE-revoked-0001";
pub const RESTORED: &str = "sk_test_FAKE-restored-001";
pub const ROTATED: &str = "sk_test_FAKE-rotated-0001";
pub const RENAMED: &str = "sk_test_FAKE-renamed-0001";
pub const FENCED: &str = "sk_test_FAKE-fenced-00001";
pub const ORGANIZATION: &str = "sk_org_FAKE-org-000000001";
pub const SHADOWED: &str = "rk_test_FAKE-shadowed-001";
pub const NARROWED: &str = "sk_test_FAKE-narrowed-001";
pub const STRANGER: &str = "sk_test_FAKE-stranger-001";
pub const VERIFY: &str = "/v1/keys/verify";

fn key(id: &str, key: &str, kind: &str, owner: &str, more: Value) -> Value {
    let sha256 = KeyDigest::of(key.as_bytes()).to_string();
    let mut all =
        json!({"id": id, "sha256": sha256, "kind": kind, "livemode": false, "owner": owner});
    let (Value::Object(all_members), Value::Object(more)) = (&mut all, more) else {
        panic!("two objects")
    };
    all_members.extend(more);
    all
}

/// Returns the configuration that is served, and the one that is to be pushed.
pub fn sides() -> (Value, Value) {
    let old = json!({"verify_path": VERIFY, "snapshot": {
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1_795_194_529, "api_versions": ["2026-10-28.endive", "2026-01-28.clover"],
        "endpoints": [{"method": "GET", "path": "/v1/widgets/{id}", "permission": "customer"}],
        "accounts": [
            {"id": "org_1"}, {"id": "acct_1", "parent": "org_1"}, {"id": "acct_2", "parent": "acct_1"}, {"id": "acct_3"},
        ],
        "keys": [
            key("mk_full", FULL, "secret", "acct_1", json!({})),
            key("mk_shrunk", SHRUNK, "restricted", "acct_1", json!({"grants": {"customer": "write", "charge": "read"}, "connect_grants": {"balance": "read"}})),
            key("mk_grown", GROWN, "restricted", "acct_1", json!({"grants": {"customer": "read"}})),
            key("mk_revoked", REVOKED, "secret", "acct_1", json!({})),
            key("mk_restored", RESTORED, "secret", "acct_1", json!({"status": "deleted"})),
            key("mk_rotated", ROTATED, "secret", "acct_1", json!({})),
            key("mk_renamed", RENAMED, "secret", "acct_1", json!({})),
            key("mk_fenced", FENCED, "secret", "acct_1", json!({"allowed_ips": ["127.0.0.1"]})),
            key("mk_org", ORGANIZATION, "organization", "org_1", json!({})),
            key("mk_shadowed", SHADOWED, "restricted", "acct_1", json!({"grants": {"customer": "read"}, "enforcement": "shadow"})),
            key("mk_narrowed", NARROWED, "secret", "acct_3", json!({})),
        ],
    }});
    let mut new = old.clone();
    let snapshot = &mut new["snapshot"];
    snapshot["revision"] = json!(8);
    snapshot["endpoints"] = json!([{"method": "GET", "path": "/v1/widgets/{id}", "auth": "none"}]);
    snapshot["accounts"][2]["status"] = json!("suspended");
    let keys = snapshot["keys"].as_array_mut().unwrap();
    let mut change = |id: &str, member: &str, value: Value| {
        let key = keys.iter_mut().find(|key| key["id"] == id).unwrap();
        key[member] = value;
    };
    change("mk_shrunk", "grants", json!({"customer": "read"}));
    change(
        "mk_grown",
        "grants",
        json!({"customer": "read", "charge": "read"}),
    );
    change("mk_revoked", "status", json!("deleted"));
    change("mk_restored", "status", json!("active"));
    change(
        "mk_rotated",
        "sha256",
        json!(KeyDigest::of(b"sk_test_FAKE-rotated-0002").to_string()),
    );
    change("mk_fenced", "allowed_ips", json!(["203.0.113.7"]));
    change("mk_shadowed", "enforcement", json!("enforce"));
    change("mk_narrowed", "grants", json!({"customer": "read"}));
    change("mk_renamed", "id", json!("mk_renamed_since"));
    (old, new)
}

pub fn replay(arguments: &[&str], files: &[&Path]) -> Output {
    command()
        .arg("replay")
        .args(arguments)
        .args(files)
        .output()
        .unwrap()
}

/// Writes both configurations into files.
pub fn written(folder: &Folder, (old, new): &(Value, Value)) -> (String, String) {
    let write = |name: &str, side: &Value| {
        let path = folder.path().join(name);
        std::fs::write(&path, side.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    (write("old.json", old), write("new.json", new))
}
