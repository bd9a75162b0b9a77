//! Stripe's own SDKs with a service's key and only another base URL. They call localstripe, which
//! accepts no restricted key, through the gateway and TLS.

use super::*;
use crate::sdk::life::{REQUESTS, STEPS};
use crate::sdk::script::{Language, run_steps};

fn lives(language: Language) {
    let Some(localstripe) = Server::start("localstripe_upstream", &Value::Null) else {
        return;
    };
    let Some(egress) = Egress::build(localstripe.address, &json!({}), |builder| builder) else {
        return;
    };
    let key = "rk_test_FAKE-shop-0001";
    let mut configuration: Value = serde_json::from_str(&configuration(&json!({}))).unwrap();
    let grants = [
        "customer",
        "charge",
        "product",
        "plan",
        "subscription",
        "payment_intent",
        "payment_method",
        "token",
        "source",
        "invoice",
        "balance",
    ];
    let write: serde_json::Map<String, Value> = grants
        .iter()
        .map(|name| {
            (
                (*name).to_owned(),
                json!(if *name == "balance" { "read" } else { "write" }),
            )
        })
        .collect();
    let record = json!({"id": "mk_shop", "sha256": KeyDigest::of(key.as_bytes()).to_string(), "kind": "restricted", "livemode": false, "owner": OWN, "grants": write});
    configuration["snapshot"]["keys"]
        .as_array_mut()
        .unwrap()
        .push(record);
    egress.envoy.push_and_wait(&configuration.to_string());
    eventually("the shop's key works", BOUND, || {
        (egress.call(key, "GET", "/v1/balance", &[]).status == 200).then_some(())
    });
    let before = egress.envoy.requests_total("allow", "key");
    let url = format!("http://{}", egress.envoy.address());
    if !run_steps(
        language,
        "life",
        &json!({"url": url, "keys": {"secret": key}}),
        &STEPS,
    ) {
        return;
    }
    assert_eq!(
        egress.envoy.requests_total("allow", "key") - before,
        REQUESTS
    );
}

#[test]
fn python_lives_behind_the_egress_gateway() {
    lives(Language::Python);
}

#[test]
fn node_lives_behind_the_egress_gateway() {
    lives(Language::Node);
}
