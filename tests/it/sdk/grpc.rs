//! gRPC clients: Envoy turns a denial into the gRPC status for its HTTP status, so they see
//! `UNAUTHENTICATED` in place of a 401.

use serde_json::{Value, json};

use super::script::{Language, Server, run_steps};
use super::world;
use crate::support::bootstrap::at;
use crate::support::{BOUND, Envoy, eventually};

const STEPS: [&str; 7] = [
    "a call passes",
    "a restricted key's call passes",
    "401 is UNAUTHENTICATED",
    "403 is PERMISSION_DENIED",
    "404 is UNIMPLEMENTED",
    "400 is INTERNAL",
    "503 is UNAVAILABLE",
];

#[test]
fn grpc_clients_get_a_status_of_theirs() {
    let Some(upstream) = Server::start("grpc_upstream", &Value::Null) else {
        return;
    };
    let envoy = Envoy::builder()
        .config(world::configuration().to_string())
        .upstream(upstream.address)
        .edit(speak_http2)
        .start();
    let closed = Envoy::builder().start();
    let plan = json!({
        "url": format!("http://{}", envoy.address()),
        "closed": format!("http://{}", closed.address()),
        "keys": world::keys(),
    });
    if !run_steps(Language::Python, "grpc_calls", &plan, &STEPS) {
        return;
    }
    let log = eventually("every call is in the access log", BOUND, || {
        Some(envoy.access_log()).filter(|log| log.len() >= STEPS.len() - 1)
    });
    let states: Vec<_> = log
        .iter()
        .map(|line| {
            let state = line["keyward"].as_str().unwrap();
            let words: Vec<_> = state.split([' ', '=']).take(2).collect();
            (words.join(" "), line["response_code"].as_u64().unwrap())
        })
        .collect();
    // The HTTP status is 200 each time, which is why denials are counted by the filter's state.
    let expected = [
        "allow key",
        "allow key",
        "deny unknown_key",
        "deny insufficient_permission",
        "deny unknown_endpoint",
        "deny malformed_context",
    ];
    assert_eq!(states, expected.map(|state| (state.to_owned(), 200)));
}

/// Makes upstream connections use HTTP/2.
fn speak_http2(bootstrap: &mut Value) {
    let kind = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    at(bootstrap, "/static_resources/clusters/0")["typed_extension_protocol_options"] = json!({
        kind: {
            "@type": format!("type.googleapis.com/{kind}"),
            "explicit_http_config": {"http2_protocol_options": {}},
        },
    });
}
