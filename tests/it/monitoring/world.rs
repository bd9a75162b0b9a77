//! The keys whose requests are counted.

use keyward::digest::KeyDigest;
use serde_json::json;

pub const FULL: &str = "sk_test_FAKE-full-00000001";
pub const LIMITED: &str = "rk_test_FAKE-limited-0001";
pub const DELETED: &str = "sk_test_FAKE-deleted-0001";
pub const VERIFY: &str = "/v1/keys/verify";

pub fn configuration(revision: u64) -> String {
    let key = |id: &str, key: &str, kind: &str| {
        let sha256 = KeyDigest::of(key.as_bytes()).to_string();
        json!({"id": id, "sha256": sha256, "kind": kind, "livemode": false, "owner": "acct_1"})
    };
    let mut keys = [
        key("mk_full", FULL, "secret"),
        key("mk_limited", LIMITED, "restricted"),
        key("mk_deleted", DELETED, "secret"),
    ];
    keys[1]["grants"] = json!({"customer": "read"});
    keys[1]["enforcement"] = json!("shadow");
    keys[2]["status"] = json!("deleted");
    json!({"verify_path": VERIFY, "snapshot": {
        "format": "keyward.snapshot/v1", "revision": revision, "issued_at": 1_795_194_529,
        "accounts": [{"id": "acct_1"}], "keys": keys,
    }})
    .to_string()
}
