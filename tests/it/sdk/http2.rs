//! HTTP/2 clients: many requests on one connection, each judged separately.

use serde_json::json;

use super::script::{Language, run_steps};
use super::{stripe, world};
use crate::support::{BOUND, Envoy, eventually};

const STEPS: [&str; 3] = [
    "one connection serves allowed and denied requests",
    "many at once, each judged by itself",
    "an upload is denied before it is read",
];

/// The number of requests by both scripts.
const REQUESTS: usize = 24;

#[test]
fn httpx_speaks_http2() {
    speaks(Language::Python);
}

#[test]
fn node_speaks_http2() {
    speaks(Language::Node);
}

fn speaks(language: Language) {
    let upstream = stripe::start();
    let envoy = Envoy::builder()
        .config(world::configuration().to_string())
        .upstream(upstream.address())
        .start();
    let plan = json!({"url": format!("http://{}", envoy.address()), "keys": world::keys()});
    if !run_steps(language, "http2", &plan, &STEPS) {
        return;
    }
    let log = eventually("every request is in the access log", BOUND, || {
        Some(envoy.access_log()).filter(|log| log.len() >= REQUESTS)
    });
    assert_eq!(log.len(), REQUESTS);
    assert!(log.iter().all(|line| line["protocol"] == "HTTP/2"));
    assert_eq!(upstream.count(), 11);
    assert_eq!(envoy.stat("http.gateway.downstream_cx_http2_total"), 1);
}
