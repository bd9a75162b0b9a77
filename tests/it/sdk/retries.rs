//! A gateway that cannot check keys yet: the SDKs retry by themselves, and succeed once a snapshot
//! is there.

use serde_json::{Value, json};

use super::expected::{UNAVAILABLE, class};
use super::script::{Language, Script};
use super::{stripe, world};
use crate::support::{Envoy, Push};

#[test]
fn python_waits_for_the_first_snapshot() {
    waits(Language::Python, &json!({}), "no_snapshot");
}

#[test]
fn node_waits_for_the_first_snapshot() {
    waits(Language::Node, &json!({}), "no_snapshot");
}

#[test]
fn python_waits_for_a_fresh_snapshot() {
    waits(Language::Python, &stale(), "stale_snapshot");
}

#[test]
fn node_waits_for_a_fresh_snapshot() {
    waits(Language::Node, &stale(), "stale_snapshot");
}

#[test]
fn python_gives_up_in_the_end() {
    gives_up(Language::Python);
}

#[test]
fn node_gives_up_in_the_end() {
    gives_up(Language::Node);
}

fn stale() -> Value {
    let mut snapshot = world::snapshot();
    snapshot["issued_at"] = json!(world::now() - 7_200);
    json!({"max_snapshot_age": 3_600, "snapshot": snapshot})
}

fn call(envoy: &Envoy, retries: u32) -> Value {
    json!({
        "url": format!("http://{}", envoy.address()),
        "retries": retries,
        "calls": [{"name": "pay", "key": world::key("secret"), "call": "payment_intents.create"}],
    })
}

/// Retries a payment until it succeeds. It reaches the upstream once.
fn waits(language: Language, before: &Value, reason: &str) {
    let upstream = stripe::start();
    let envoy = Envoy::builder()
        .config(before.to_string())
        .upstream(upstream.address())
        .start();
    // Far more retries than needed, so that a slow machine does not run out of them.
    let Some(script) = Script::start(language, "calls", &call(&envoy, 50)) else {
        return;
    };
    let denied = format!("keyward_denied{{{reason}}}");
    envoy.logged("the SDK was sent away once", |line| {
        line["response_code_details"] == *denied
    });
    assert_eq!(upstream.count(), 0);
    let after = world::configuration().to_string();
    assert_eq!(envoy.push_and_wait(&after), Push::Accepted);

    assert_eq!(script.finish(), [json!({"name": "pay", "error": null})]);
    let seen = upstream.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].headers("idempotency-key").len(), 1);
    assert!(envoy.requests_total("deny", reason) >= 1);
    assert_eq!(envoy.requests_total("allow", "key"), 1);
}

/// Checks the SDKs' default of two retries, and the error that users then see.
fn gives_up(language: Language) {
    let upstream = stripe::start();
    let envoy = Envoy::builder().upstream(upstream.address()).start();
    let Some(script) = Script::start(language, "calls", &call(&envoy, 2)) else {
        return;
    };
    let told = script.finish();
    let error = &told[0]["error"];
    assert_eq!(error["class"], class(language, 503));
    assert_eq!(error["status"], 503);
    assert_eq!(error["message"], UNAVAILABLE);
    assert_eq!(error["denied"], "no_snapshot");
    assert_eq!(envoy.requests_total("deny", "no_snapshot"), 3);
    assert_eq!(upstream.count(), 0);
}
