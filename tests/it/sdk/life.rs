//! The life of a shop's objects, through the SDKs and the gateway, with localstripe after it.

use serde_json::{Value, json};

use super::script::{Language, Server, run_steps};
use super::world;
use crate::support::Envoy;

/// The steps of `life.py` and `life.mjs`. localstripe has no prices, so a plan replaces one.
/// `features.rs` covers what else localstripe lacks.
pub const STEPS: [&str; 10] = [
    "a customer is created, read and changed",
    "a list pages by itself",
    "a product and what it costs",
    "a card is attached",
    "a payment intent is confirmed and refunded",
    "a declined card is the upstream's own answer",
    "a subscription starts and ends",
    "a missing object is the upstream's own answer",
    "the balance is read",
    "the customer is deleted",
];

/// The number of requests by both scripts. An SDK that sends a request twice changes it.
pub const REQUESTS: u64 = 38;

#[test]
fn python_lives_behind_the_gateway() {
    lives(Language::Python);
}

#[test]
fn node_lives_behind_the_gateway() {
    lives(Language::Node);
}

fn lives(language: Language) {
    let Some(localstripe) = Server::start("localstripe_upstream", &Value::Null) else {
        return;
    };
    let envoy = Envoy::builder()
        .config(world::configuration().to_string())
        .upstream(localstripe.address)
        .start();
    let plan = json!({"url": format!("http://{}", envoy.address()), "keys": world::keys()});
    if !run_steps(language, "life", &plan, &STEPS) {
        return;
    }
    assert_eq!(envoy.requests_total("allow", "key"), REQUESTS);
    assert_eq!(envoy.requests().len(), 1);
}
