//! Verification in a real Envoy: the facts about a good credential, the same answer to all others,
//! and nothing that reaches the upstream.

mod answers;
mod host;
mod refusals;
mod report;
mod timing;
mod usage;

use keyward::digest::KeyDigest;
use serde_json::{Value, json};

use crate::support::http::Response;
use crate::support::world::merge;
use crate::support::{BOUND, Envoy, eventually};

pub const FULL: &str = "sk_test_FAKE-full-00000001";
pub const LIMITED: &str = "rk_test_FAKE-limited-0001";
pub const PUBLISHABLE: &str = "pk_test_FAKE-open-00000001";
pub const ORGANIZATION: &str = "sk_org_FAKE-org-00000001";
pub const LIVE: &str = "sk_live_FAKE-live-0000001";
pub const DELETED: &str = "sk_test_FAKE-deleted-0001";
pub const EXPIRED: &str = "sk_test_FAKE-expired-0001";
pub const LATER: &str = "sk_test_FAKE-later-000001";
pub const SUSPENDED: &str = "sk_test_FAKE-suspended-01";
pub const ELSEWHERE: &str = "sk_test_FAKE-elsewhere-01";
pub const STRANGER: &str = "sk_test_FAKE-stranger-001";

pub const PATH: &str = "/v1/keys/verify";

/// Returns the configuration of these tests, with other settings next to its snapshot.
pub fn configuration(settings: Value) -> Value {
    let key = |id: &str, key: &str, kind: &str, owner: &str, more: Value| {
        let mut all = json!({"id": id, "sha256": KeyDigest::of(key.as_bytes()).to_string(), "kind": kind, "livemode": false, "owner": owner});
        merge(&mut all, more);
        all
    };
    let mut all = json!({"verify_path": PATH, "serve_mode": "test", "snapshot": {
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1_795_194_529,
        // The public row shows that verification takes precedence over it.
        "endpoints": [{"method": "GET", "path": PATH, "auth": "none"}],
        "accounts": [
            {"id": "org_1"}, {"id": "acct_1", "parent": "org_1"}, {"id": "acct_2", "parent": "acct_1"},
            {"id": "acct_3"}, {"id": "acct_4", "status": "suspended"},
        ],
        "keys": [
            key("mk_full", FULL, "secret", "acct_1", json!({"annotations": {"user_id": "kp_1234567890", "team": "billing"}})),
            key("mk_limited", LIMITED, "restricted", "acct_3", json!({"grants": {"customer": "write", "balance": "read"}, "expires_at": 4_000_000_000_u64})),
            key("mk_open", PUBLISHABLE, "publishable", "acct_1", json!({})),
            key("mk_org", ORGANIZATION, "organization", "org_1", json!({"grants": {"charge": "read"}})),
            key("mk_live", LIVE, "secret", "acct_1", json!({"livemode": true})),
            key("mk_deleted", DELETED, "secret", "acct_1", json!({"status": "deleted"})),
            key("mk_expired", EXPIRED, "secret", "acct_1", json!({"expires_at": 1_700_000_000})),
            key("mk_later", LATER, "secret", "acct_1", json!({"not_before": 4_000_000_000_u64})),
            key("mk_suspended", SUSPENDED, "secret", "acct_4", json!({})),
            key("mk_elsewhere", ELSEWHERE, "secret", "acct_1", json!({"allowed_ips": ["203.0.113.7"]})),
        ],
    }});
    merge(&mut all, settings);
    all
}

pub fn bearer(key: &str) -> [(&'static str, String); 1] {
    [("authorization", format!("Bearer {key}"))]
}

pub fn verify(envoy: &Envoy, key: &str) -> Response {
    envoy.get(PATH, &bearer(key))
}
