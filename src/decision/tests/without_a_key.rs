//! Tests of what passes without a key: public endpoints and preflights, and nothing that only
//! resembles them.

use super::*;

fn preflight() -> Case {
    Case::bare()
        .at("OPTIONS", "/v1/customers")
        .with("origin", "https://example.com")
        .with("access-control-request-method", "POST")
}

#[test]
fn a_public_endpoint_needs_no_credential_and_looks_at_none() {
    let public = || Case::bare().at("GET", "/healthz");
    public().assert_state("allow public");
    public().at("HEAD", "/healthz").assert_state("allow public");
    public()
        .at("GET", "/healthz?x=1")
        .assert_state("allow public");
    public()
        .at("POST", "/hooks/a/b")
        .assert_state("allow public");
    public()
        .with("authorization", "Bearer a b")
        .assert_state("allow public");
    public()
        .with("stripe-context", "x")
        .with("stripe_version", "")
        .assert_state("allow public");
    public()
        .with("x_keyward_principal", "x")
        .assert_state("allow public");
    let deleted = Case::of(Key::Secret).set_key(Key::Secret, "status", json!("deleted"));
    let outcome = deleted.at("GET", "/healthz").decide();
    assert_eq!(outcome.kind, Some(PermitKind::Public));
    assert_eq!(outcome.identity, None);
}

#[test]
fn rule_1_holds_for_what_needs_no_key_too() {
    for case in [Case::bare().at("GET", "/healthz"), preflight()] {
        case.clone()
            .set("max_snapshot_age", json!(99))
            .assert_denied(DenyReason::StaleSnapshot);
        let mut without = case;
        without.configuration = json!({"enforcement": "shadow"});
        without.assert_denied(DenyReason::NoSnapshot);
    }
}

#[test]
fn what_only_looks_like_a_public_endpoint_needs_a_key() {
    for (method, path) in [
        ("POST", "/healthz"),
        ("get", "/healthz"),
        ("OPTIONS", "/healthz"),
        ("GET", "/healthz/"),
        ("GET", "/HEALTHZ"),
        ("GET", "/healthz;x"),
        ("GET", "//healthz"),
        ("GET", "/%68ealthz"),
        ("GET", "/x/../healthz"),
        ("GET", "/healthz#x"),
        ("GET", "http://host/healthz"),
        ("POST", "/hooks/"),
        ("POST", "/hooks/../v1/charges"),
        ("POST", "/hooks/%2e%2e/v1/charges"),
        ("POST", "/hooks//v1/charges"),
        ("POST", "/hooks/a%2fb"),
    ] {
        Case::bare()
            .at(method, path)
            .assert_denied(DenyReason::MissingCredential);
    }
}

#[test]
fn a_public_endpoint_with_an_override_header_or_an_upgrade_needs_a_key() {
    for name in [
        "x-http-method-override",
        "x-original-url",
        "x_rewrite_url",
        "upgrade",
    ] {
        Case::bare()
            .at("GET", "/healthz")
            .with(name, "x")
            .assert_denied(DenyReason::MissingCredential);
    }
    Case::bare()
        .at("GET", "/healthz")
        .with("upgrade", "websocket")
        .set("allow_upgrades", json!(true))
        .assert_state("allow public");
}

#[test]
fn a_limited_key_on_a_public_endpoint_that_is_in_doubt_is_unknown_there() {
    Case::of(Key::Restricted)
        .at("GET", "/healthz")
        .with("x-original-url", "/v1/charges")
        .assert_denied(DenyReason::UnknownEndpoint);
}

#[test]
fn a_preflight_passes() {
    preflight().assert_state("allow preflight");
    preflight()
        .at("OPTIONS", "/anything/../at;all")
        .assert_state("allow preflight");
    preflight()
        .with("access-control-request-headers", "authorization")
        .assert_state("allow preflight");
    preflight()
        .with("content-length", "0")
        .assert_state("allow preflight");
    preflight()
        .with("upgrade", "x")
        .set("allow_upgrades", json!(true))
        .assert_state("allow preflight");
    assert_eq!(preflight().decide().identity, None);
}

#[test]
fn a_preflight_is_off_where_it_is_checked() {
    preflight()
        .set("preflight", json!("check"))
        .assert_denied(DenyReason::MissingCredential);
}

#[test]
fn what_carries_anything_else_is_no_preflight() {
    let missing = DenyReason::MissingCredential;
    for name in ["origin", "access-control-request-method"] {
        preflight().without(name).assert_denied(missing);
    }
    for name in [
        "stripe-version",
        "stripe-context",
        "stripe-account",
        "stripe_context",
        "stripe-anything",
        "Stripe_Anything",
        "x-http-method-override",
        "x_method_override",
        "x-original-uri",
        "upgrade",
        "transfer-encoding",
    ] {
        for value in ["x", ""] {
            preflight().with(name, value).assert_denied(missing);
        }
    }
    preflight()
        .with("content-length", "1")
        .assert_denied(missing);
    let with_body = Case {
        has_body: true,
        ..preflight()
    };
    // With a length of 0, the stream continues without any data.
    with_body
        .with("content-length", "0")
        .assert_state("allow preflight");
    let with_body = Case {
        has_body: true,
        ..preflight()
    };
    with_body.assert_denied(missing);
    for method in ["options", "GET", "TRACE"] {
        preflight()
            .at(method, "/v1/customers")
            .assert_denied(missing);
    }
    preflight()
        .with("authorization", "")
        .assert_denied(DenyReason::MalformedCredential);
    let with_key = Case {
        headers: [preflight().headers, Case::of(Key::Secret).headers].concat(),
        ..preflight()
    };
    with_key.assert_denied(DenyReason::UnknownEndpoint);
}
