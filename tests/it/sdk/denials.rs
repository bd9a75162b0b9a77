//! Every denial, through the SDKs: no retry, and the class, code, status, message and request id
//! that their users show and branch on.

use std::collections::BTreeSet;

use keyward::reason::DenyReason;
use serde_json::{Value, json};

use super::expected::denied;
use super::script::{Language, Script};
use super::{stripe, world};
use crate::support::{BOUND, Envoy, eventually};

#[test]
fn python_raises_what_it_raises_with_stripe_and_does_not_retry() {
    raises(Language::Python);
}

#[test]
fn node_raises_what_it_raises_with_stripe_and_does_not_retry() {
    raises(Language::Node);
}

/// `host_failure` replies like `no_snapshot`, except for its name. To provoke it, a test needs a
/// host that fails.
#[test]
fn every_reason_has_a_call() {
    let elsewhere = ["host_failure", "no_snapshot", "stale_snapshot"];
    let reasons: BTreeSet<_> = denied()
        .iter()
        .map(|denied| denied.reason)
        .chain(elsewhere)
        .collect();
    assert_eq!(reasons, DenyReason::all().map(DenyReason::name).collect());
}

fn raises(language: Language) {
    let upstream = stripe::start();
    let envoy = Envoy::builder()
        .config(world::configuration().to_string())
        .upstream(upstream.address())
        // For `malformed_header`: the shipped Envoy answers such a header before the filter sees
        // it.
        .allow_underscores()
        .start();
    let denied = denied();
    let calls: Vec<_> = denied
        .iter()
        .map(|denied| {
            let mut call = denied.call.clone();
            call["name"] = json!(denied.reason);
            call
        })
        .collect();
    let plan = json!({"url": format!("http://{}", envoy.address()), "calls": calls});
    let Some(script) = Script::start(language, "calls", &plan) else {
        return;
    };
    let told = script.finish();
    assert_eq!(told.len(), denied.len());
    let mut ids = BTreeSet::new();
    for (told, denied) in told.into_iter().zip(&denied) {
        let mut error = told["error"].clone();
        let id = error
            .as_object_mut()
            .and_then(|error| error.remove("request_id"));
        assert_eq!(error, denied.error(language), "{}", denied.reason);
        ids.insert(request_id(id));
    }
    assert_eq!(ids.len(), denied.len(), "every reply has another id");

    assert_eq!(upstream.count(), 0);
    let log = eventually("every call is in the access log", BOUND, || {
        Some(envoy.access_log()).filter(|log| log.len() >= denied.len())
    });
    let details: Vec<_> = log
        .iter()
        .map(|line| line["response_code_details"].as_str().unwrap())
        .collect();
    let once_each: Vec<_> = denied
        .iter()
        .map(|denied| format!("keyward_denied{{{}}}", denied.reason))
        .collect();
    assert_eq!(details, once_each);
    // keyward counts before it replies, so this finds a retry that is not in the log yet.
    let total: u64 = envoy.requests().values().sum();
    assert_eq!(total, denied.len() as u64);
}

#[track_caller]
fn request_id(id: Option<Value>) -> String {
    let id = id.and_then(|id| id.as_str().map(str::to_owned)).unwrap();
    let drawn = id.strip_prefix("req_").unwrap();
    assert!(
        drawn.len() == 14 && drawn.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{id}"
    );
    id
}
