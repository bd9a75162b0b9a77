//! Tests of every refusal of a snapshot, in its exact words. The expected texts contain only fixed
//! words and the names of keyward's members: a refusal never quotes content.

mod content;
mod json;
mod lookups;
mod members;

use super::*;
use crate::permission::AccessLevel;

/// A valid snapshot where every string occurs once, so that a test can replace it.
pub(super) const VALID: &str = r#"{
    "format": "keyward.snapshot/v1",
    "revision": 7,
    "issued_at": 1795194529,
    "api_versions": ["2026-10-28.endive", "2020-08-27"],
    "accounts": [
        {"id": "org_1"},
        {"id": "acct_1", "parent": "org_1", "children": "listed", "status": "active"},
        {"id": "acct_2", "parent": "acct_1", "children": "any"}
    ],
    "grant_sets": {"helpdesk": {"customer": "read", "charge": "write"}},
    "catalogue": "stripe",
    "endpoints": [
        {"method": "POST", "path": "/v1/widgets/search", "permission": "widget", "access": "read", "label": "Widgets"},
        {"method": "GET", "path": "/healthz", "auth": "none"},
        {"method": "PUT", "path": "/any", "any_of": ["gadget", "coupon"], "publishable": true}
    ],
    "empty": false,
    "keys": [
        {
            "id": "mk_1", "sha256": "0000000000000000000000000000000000000000000000000000000000000001",
            "kind": "restricted", "livemode": false, "owner": "acct_1", "status": "active",
            "not_before": 1795000000, "expires_at": 1795800000,
            "allowed_ips": ["100.10.38.0/24", "203.0.113.7"], "enforcement": "enforce",
            "grants": "helpdesk", "connect_grants": {"balance": "read"},
            "annotations": {"team": ["billing", {"deep": null}], "since": 2.5}
        },
        {
            "id": "mk_2", "sha256": "0000000000000000000000000000000000000000000000000000000000000002",
            "kind": "organization", "livemode": true, "owner": "org_1"
        },
        {
            "id": "mk_3", "sha256": "0000000000000000000000000000000000000000000000000000000000000003",
            "kind": "publishable", "livemode": true, "owner": "acct_2"
        }
    ]
}"#;

fn read(json: &str) -> Result<Snapshot, Refusal> {
    Snapshot::from_json(json.as_bytes(), &Profile::stripe())
}

/// Returns the valid snapshot after replacing a text.
#[track_caller]
fn changed(from: &str, to: &str) -> String {
    assert_eq!(VALID.matches(from).count(), 1, "`{from}` stands once");
    VALID.replace(from, to)
}

#[track_caller]
fn assert_text_refused(json: &str, expected: &str) {
    assert_eq!(read(json).map(|_| ()).unwrap_err().to_string(), expected);
}

#[track_caller]
fn assert_refused(from: &str, to: &str, expected: &str) {
    assert_text_refused(&changed(from, to), expected);
}

#[track_caller]
fn assert_taken(from: &str, to: &str) -> Snapshot {
    read(&changed(from, to)).unwrap()
}

#[test]
fn the_contracts_example_is_taken() {
    let snapshot = read(VALID).unwrap();
    assert_eq!(snapshot.revision().number(), 7);
    assert_eq!(snapshot.issued_at(), 1_795_194_529);
    assert_eq!(snapshot.key_count(), 3);
    assert_eq!(snapshot.accounts().len(), 3);
    assert!(snapshot.serves_version("2020-08-27"));
    assert!(!snapshot.serves_version("2020-08-28"));
    assert!(snapshot.endpoints().has_public());
    let digest = KeyDigest::from_hex(&format!("{:064}", 1)).unwrap();
    let key = snapshot.key(&digest).unwrap();
    assert_eq!((key.id(), key.is_deleted()), ("mk_1", false));
    assert_eq!(key.not_before(), Some(1_795_000_000));
    assert_eq!(key.expires_at(), Some(1_795_800_000));
    let charge = snapshot.permissions().find("charge").unwrap();
    assert!(key.grants().unwrap().allow(charge, AccessLevel::Write));
    assert!(
        !key.connect_grants()
            .unwrap()
            .allow(charge, AccessLevel::Read)
    );
}
