//! How Envoy's CORS filter and keyward work together, observed over HTTP: the facts in
//! `docs/browsers.md`.

use serde_json::{Value, json};

use super::{CORS, OPEN, PUBLISHABLE, Place, SECRET, gateway};
use crate::support::bootstrap::{at, hcm};
use crate::support::http::Response;
use crate::support::{Envoy, Upstream};

const SHOP: &str = "https://shop.example";
const STRANGER: &str = "https://stranger.example";

fn preflight(envoy: &Envoy, origin: &str, path: &str) -> Response {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ];
    envoy.request("OPTIONS", path, &headers, b"")
}

/// Asserts what a browser requires of an answer before it shows it to a page of the shop.
#[track_caller]
fn assert_readable(answer: &Response) {
    let exposed = "request-id, x-keyward-denied, stripe-should-retry";
    assert_eq!(
        answer.headers("access-control-allow-origin"),
        [SHOP.as_bytes()]
    );
    assert_eq!(
        answer.headers("access-control-expose-headers"),
        [exposed.as_bytes()]
    );
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}

#[track_caller]
fn assert_unreadable(answer: &Response) {
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

fn details(envoy: &Envoy, path: &str) -> (Value, Value) {
    let mut line = envoy.logged_path(path);
    (line["keyward"].take(), line["response_code_details"].take())
}

#[test]
fn pages_can_read_what_passes_and_what_keyward_refuses() {
    let upstream = Upstream::start();
    let envoy = gateway(
        Place::BeforeKeyward,
        SHOP,
        upstream.address(),
        &json!({"forward_credential": false}),
    )
    .start();
    let key = format!("?key={PUBLISHABLE}");
    for (path, status) in [
        (format!("{OPEN}{key}"), 200),
        (format!("/v1/balance{key}"), 401),
        (format!("{OPEN}?key={SECRET}"), 401),
        (OPEN.to_owned(), 401),
        (format!("{OPEN}{key}&_stripe_version=x"), 400),
        (format!("{OPEN}{key}&_stripe_account=acct_unlisted"), 403),
        (format!("/v1/nowhere{key}"), 404),
    ] {
        let answer = envoy.get(&path, &[("origin", SHOP)]);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert_readable(&answer);
        let answer = envoy.get(&path, &[("origin", STRANGER)]);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert_unreadable(&answer);
    }
    // The query is passed on unchanged, regardless of `forward_credential`, and CORS does not block
    // a stranger's request.
    let seen = upstream.seen();
    assert_eq!(seen.len(), 2);
    for request in seen {
        assert_eq!(request.path, format!("{OPEN}{key}").as_bytes());
    }
}

#[test]
fn pages_can_read_an_outage_and_the_interlock() {
    let upstream = Upstream::start();
    let outage = gateway(Place::BeforeKeyward, SHOP, upstream.address(), &json!({}))
        .config("{}")
        .start();
    let answer = outage.get(OPEN, &[("origin", SHOP)]);
    assert_eq!(answer.header("x-keyward-denied"), Some("no_snapshot"));
    assert_readable(&answer);

    let skipped = gateway(Place::BeforeKeyward, SHOP, upstream.address(), &json!({}))
        .edit(|bootstrap| {
            let filters = at(hcm(bootstrap), "/http_filters").as_array_mut().unwrap();
            filters.retain(|filter| filter["name"] != "keyward");
        })
        .start();
    let answer = skipped.get(OPEN, &[("origin", SHOP)]);
    assert_eq!((answer.status, answer.text()), (403, "RBAC: access denied"));
    assert_readable(&answer);
    assert_eq!(upstream.count(), 0);
}

#[test]
fn preflights_are_the_cors_filters_to_answer() {
    let upstream = Upstream::start();
    for settings in [json!({}), json!({"preflight": "check"})] {
        let envoy = gateway(Place::BeforeKeyward, SHOP, upstream.address(), &settings).start();
        let path = "/v1/tokens";
        let answer = preflight(&envoy, SHOP, path);
        assert_eq!(answer.status, 200);
        assert_readable(&answer);
        assert_eq!(
            answer.header("access-control-allow-methods"),
            Some("GET, POST")
        );
        assert_eq!(answer.header("access-control-max-age"), Some("600"));
        assert_eq!(details(&envoy, path), (Value::Null, json!("cors_response")));
        // This gets an answer as well, but without the one header that matters.
        let answer = preflight(&envoy, STRANGER, "/v1/stranger");
        assert_eq!(answer.status, 200);
        assert_unreadable(&answer);
        assert_eq!(
            details(&envoy, "/v1/stranger"),
            (Value::Null, json!("cors_response"))
        );
        assert_eq!(envoy.requests_total("allow", "preflight"), 0);
    }
    assert_eq!(upstream.count(), 0);
}

#[test]
fn by_default_strangers_preflights_go_on_to_keyward() {
    let upstream = Upstream::start();
    for (settings, status, passed) in [(json!({}), 200, 1), (json!({"preflight": "check"}), 401, 0)]
    {
        let before = upstream.count();
        let envoy = gateway(Place::BeforeKeyward, SHOP, upstream.address(), &settings)
            .edit(|bootstrap| {
                let host = at(hcm(bootstrap), "/route_config/virtual_hosts/0");
                let policy = &mut at(host, "/typed_per_filter_config")[CORS];
                let members = policy.as_object_mut().unwrap();
                members.remove("forward_not_matching_preflights").unwrap();
            })
            .start();
        let answer = preflight(&envoy, STRANGER, "/v1/tokens");
        assert_eq!(answer.status, status);
        assert_unreadable(&answer);
        assert_eq!(upstream.count() - before, passed);
        assert_eq!(preflight(&envoy, SHOP, "/v1/tokens").status, 200);
        assert_eq!(upstream.count() - before, passed);
    }
}

#[test]
fn behind_keyward_the_cors_filter_never_sees_what_keyward_refuses() {
    let upstream = Upstream::start();
    let balance = format!("/v1/balance?key={PUBLISHABLE}");
    let open = format!("{OPEN}?key={PUBLISHABLE}");
    for (settings, status) in [(json!({}), 200), (json!({"preflight": "check"}), 401)] {
        let envoy = gateway(Place::AfterKeyward, SHOP, upstream.address(), &settings).start();
        assert_readable(&envoy.get(&open, &[("origin", SHOP)]));
        assert_unreadable(&envoy.get(&balance, &[("origin", SHOP)]));
        let answer = preflight(&envoy, SHOP, "/v1/tokens");
        assert_eq!(answer.status, status);
        match status {
            200 => assert_readable(&answer),
            _ => assert_unreadable(&answer),
        }
        assert_eq!(
            envoy.requests_total("allow", "preflight"),
            u64::from(status == 200)
        );
    }
}
