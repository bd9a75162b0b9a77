//! The reference's own tests: each rule denies what it should, and the strings are exact.

mod expansions;
mod requests;
mod targets;

use std::collections::BTreeMap;

use crate::sha256;
use serde_json::{Value, json};

use super::{Builtin, Edge, Graph, Request, Row, Verdict, decide};

const NOW: u64 = 1_795_200_000;
const SECRET: &str = "sk_test_0secret";
const RESTRICTED: &str = "rk_test_FAKE-restricted";
const PUBLISHABLE: &str = "pk_test_0publishable";
const ORGANIZATION: &str = "sk_org_0organization";
const CHILD: (&str, &str) = ("stripe-context", "acct_child");

fn configuration() -> Value {
    let key = |id: &str, key: &str, kind: &str, owner: &str| {
        let digest = sha256(key.as_ref());
        json!({"id": id, "sha256": digest, "kind": kind, "livemode": false, "owner": owner})
    };
    let mut configuration = json!({"snapshot": {
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": NOW - 100,
        "accounts": [
            {"id": "org_1"},
            {"id": "acct_platform", "parent": "org_1"},
            {"id": "acct_child", "parent": "acct_platform", "children": "any"},
            {"id": "acct_closed", "parent": "acct_platform", "status": "suspended"},
            {"id": "acct_alone"},
        ],
        "grant_sets": {"support": {"customer": "read", "charge": "write"}},
        "endpoints": [
            {"method": "GET", "path": "/healthz", "auth": "none"},
            {"method": "POST", "path": "/v1/customers/{x}", "permission": "special"},
            {"method": "GET", "path": "/v1/account", "any_of": ["kyc", "charge"]},
            {"method": "GET", "path": "/files/{*rest}", "permission": "charge"},
        ],
        "keys": [
            key("mk_s", SECRET, "secret", "acct_alone"),
            key("mk_r", RESTRICTED, "restricted", "acct_platform"),
            key("mk_p", PUBLISHABLE, "publishable", "acct_platform"),
            key("mk_o", ORGANIZATION, "organization", "org_1"),
        ],
    }});
    configuration["snapshot"]["keys"][1]["grants"] = json!("support");
    configuration["snapshot"]["keys"][1]["connect_grants"] = json!({"balance": "read"});
    configuration
}

fn builtin() -> Builtin {
    let row = |method: &str, path: &str, permission: &str, publishable: bool| Row {
        method: method.to_owned(),
        path: path.to_owned(),
        permissions: vec![permission.to_owned()],
        access: None,
        publishable,
    };
    Builtin {
        rows: vec![
            row("GET", "/v1/customers/{customer}", "customer", false),
            row("GET", "/v1/customers/search", "search", false),
            row("POST", "/v1/customers/{customer}", "customer", false),
            row("POST", "/v1/tokens", "token", true),
        ],
        read: super::Read::default(),
        implied: BTreeMap::from([
            ("token".to_owned(), vec!["customer".to_owned()]),
            ("customer".to_owned(), vec!["special".to_owned()]),
        ]),
        direct: std::iter::once("token".to_owned()).collect(),
        graph: graph(),
    }
}

/// Returns a graph: customers contain a list of charges that can be expanded, and charges contain
/// their customer and a card, which belongs to them.
fn graph() -> Graph {
    let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let edge =
        |object: &str, field: &str, expands: bool, targets: &[&str], instead: &[&str]| Edge {
            object: object.to_owned(),
            field: field.to_owned(),
            expands,
            targets: all(targets),
            instead: all(instead),
        };
    let returns = |path: &str, object: &str| ("GET".to_owned(), path.to_owned(), all(&[object]));
    Graph {
        edges: vec![
            edge("customer", "charges", true, &["list charge"], &[]),
            edge("customer", "card", false, &["customer:card"], &[]),
            edge("customer:card", "file", true, &["file"], &[]),
            edge("charge", "customer", true, &["customer"], &[]),
            edge("charge", "source", true, &["charge"], &[]),
            // The last row of a field counts.
            edge(
                "charge",
                "source",
                true,
                &["customer", "file"],
                &["special"],
            ),
        ],
        objects: vec![
            ("charge".to_owned(), all(&["charge"])),
            ("customer".to_owned(), all(&["customer"])),
            ("file".to_owned(), all(&["file", "balance"])),
        ],
        returns: vec![
            returns("/v1/customers/{customer}", "customer"),
            returns("/v1/customers/search", "list customer"),
        ],
    }
}

fn request(method: &str, path: &str, key: &str, headers: &[(&str, &str)]) -> Request {
    let bearer = format!("Bearer {key}");
    let mut all = vec![("authorization", bearer.as_str())];
    all.retain(|_| !key.is_empty());
    all.extend(headers);
    Request {
        method: method.into(),
        path: path.into(),
        headers: all
            .iter()
            .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
            .collect(),
        has_body: false,
        address: None,
        now: NOW,
    }
}

/// Returns the verdict after a change to the configuration.
fn changed(change: impl Fn(&mut Value), request: &Request) -> Verdict {
    let mut configuration = configuration();
    change(&mut configuration);
    decide(&configuration, &builtin(), request)
}

#[track_caller]
fn assert_reason(expected: &str, request: &Request) {
    assert_reason_with(expected, |_| (), request);
}

/// Asserts the reason, which is `""` for a pass.
#[track_caller]
fn assert_reason_with(expected: &str, change: impl Fn(&mut Value), request: &Request) {
    let verdict = changed(change, request);
    assert_eq!(expected, verdict.reason.clone().unwrap_or_default());
    assert_eq!(verdict.allow, expected.is_empty(), "{verdict:?}");
}

#[track_caller]
fn assert_state(expected: &str, request: &Request) {
    assert_eq!(expected, changed(|_| (), request).state);
}
