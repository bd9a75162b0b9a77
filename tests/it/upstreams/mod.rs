//! Real upstream servers after a real Envoy with the shipped bootstrap: what they misread in
//! requests that are sent to them directly, and that none of it arrives through keyward.
//! `scripts/packages.sh` and `scripts/php.sh` install them.

mod headers;
mod parameters;
mod servers;

use std::net::SocketAddr;

use keyward::digest::KeyDigest;
use serde_json::{Value, json};

use crate::support::Envoy;
use crate::support::builder::Builder;
use crate::support::http::{self, Response};

/// The key that may read customers and write sessions, and nothing else.
const LIMITED: &str = "rk_test_FAKE-limited-0001";
/// The key that may do everything.
const FULL: &str = "sk_test_FAKE-full-00000001";
/// The key that may create sessions.
const PUBLISHABLE: &str = "pk_test_FAKE-open-00000001";

/// Returns the plugin configuration of these tests, with more members.
fn configuration(more: Value) -> String {
    let key = |id: &str, key: &str, kind: &str| json!({"id": id, "sha256": KeyDigest::of(key.as_bytes()).to_string(), "kind": kind, "livemode": false, "owner": "acct_1"});
    let mut limited = key("mk_limited", LIMITED, "restricted");
    limited["grants"] = json!({"customer": "read", "session": "write"});
    let mut all = json!({"snapshot": {
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1_795_194_529, "catalogue": "none",
        "endpoints": [
            {"method": "GET", "path": "/v1/customers", "permission": "customer"},
            {"method": "GET", "path": "/v1/payouts", "permission": "payout"},
            {"method": "POST", "path": "/v1/sessions", "permission": "session", "publishable": true},
            {"method": "DELETE", "path": "/v1/sessions", "permission": "session_end"},
            {"method": "POST", "path": "/open/sessions", "auth": "none"},
            {"method": "GET", "path": "/healthz", "auth": "none"},
            {"method": "GET", "path": "/assets/{*rest}", "auth": "none"},
        ],
        "accounts": [{"id": "acct_1"}, {"id": "acct_2", "parent": "acct_1"}],
        "keys": [limited, key("mk_full", FULL, "secret"), key("mk_open", PUBLISHABLE, "publishable")],
    }});
    let Value::Object(more) = more else {
        panic!("an object")
    };
    all.as_object_mut().unwrap().extend(more);
    all.to_string()
}

/// Starts the shipped Envoy, and one that lets names with underscores through, in front of this
/// server.
fn gateways(to: SocketAddr, more: &Value) -> [(&'static str, Envoy); 2] {
    let shipped = || -> Builder {
        Envoy::builder()
            .config(configuration(more.clone()))
            .upstream(to)
    };
    [
        ("as shipped", shipped().start()),
        ("with underscores", shipped().allow_underscores().start()),
    ]
}

type Headers<'a> = &'a [(&'a str, &'a str)];

/// Sends a request with this key, or without one.
fn send(
    to: SocketAddr,
    method: &str,
    path: &str,
    key: Option<&str>,
    headers: Headers<'_>,
) -> Response {
    let bearer = key.map(|key| format!("Bearer {key}"));
    let mut all: Vec<(&str, &str)> = headers.to_vec();
    all.extend(
        bearer
            .iter()
            .map(|bearer| ("authorization", bearer.as_str())),
    );
    http::request(to, method, path, &all, b"")
}

/// Returns what the server reported about a request that reached it.
#[track_caller]
fn told(answer: &Response, case: &str) -> Value {
    assert_eq!(answer.status, 200, "{case}: {answer:?}");
    answer.json()
}

/// Returns keyward's reason, `passed` if the request reached the server, or Envoy's status if Envoy
/// itself answered.
fn outcome(answer: &Response) -> String {
    match (answer.header("x-keyward-denied"), answer.status) {
        (Some(reason), _) => reason.to_owned(),
        (None, 200) => "passed".to_owned(),
        (None, status) => status.to_string(),
    }
}
