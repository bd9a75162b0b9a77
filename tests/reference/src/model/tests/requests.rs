//! Rules 1 to 7 (the snapshot, the key and the headers), and the requests that pass without a key.

use serde_json::{Value, json};

use super::super::Request;
use super::{
    CHILD, NOW, ORGANIZATION, SECRET, assert_reason, assert_reason_with, assert_state, changed,
    request,
};

#[test]
fn a_snapshot_must_be_there_and_fresh() {
    let get = request("GET", "/healthz", "", &[]);
    let verdict = changed(|c| c["snapshot"] = Value::Null, &get);
    assert_eq!("deny no_snapshot", verdict.state);
    let verdict = changed(|c| c["max_snapshot_age"] = json!(99), &get);
    assert_eq!("deny stale_snapshot revision=7", verdict.state);
    assert_reason_with("", |c| c["max_snapshot_age"] = json!(100.0), &get);
    let ahead = |seconds: u64| {
        move |c: &mut Value| {
            c["max_snapshot_age"] = json!(1000);
            c["snapshot"]["issued_at"] = json!(NOW + seconds);
        }
    };
    assert_reason_with("", ahead(300), &get);
    assert_reason_with("stale_snapshot", ahead(301), &get);
}

#[test]
fn public_endpoints_need_one_plain_reading() {
    assert_state("allow public", &request("HEAD", "/healthz?x=//", "", &[]));
    let missing = "missing_credential";
    assert_reason(missing, &request("GET", "/healthZ", "", &[]));
    assert_reason(missing, &request("POST", "/healthz", "", &[]));
    let header = [("x_original_url", "/")];
    assert_reason(missing, &request("GET", "/healthz", "", &header));
    let upgrade = request("GET", "/healthz", "", &[("upgrade", "websocket")]);
    assert_reason(missing, &upgrade);
    assert_reason_with("", |c| c["allow_upgrades"] = json!(true), &upgrade);
}

#[test]
fn a_preflight_carries_nothing_else() {
    let preflight = |more: &[(&str, &str)]| {
        let mut headers = vec![("origin", "x"), ("access-control-request-method", "POST")];
        headers.extend(more);
        request("OPTIONS", "/v1/x", "", &headers)
    };
    assert_state("allow preflight", &preflight(&[]));
    let missing = "missing_credential";
    assert_reason(missing, &preflight(&[("stripe_anything", "")]));
    assert_reason(missing, &preflight(&[("x-http-method", "GET")]));
    assert_reason(missing, &preflight(&[("upgrade", "websocket")]));
    assert_reason("malformed_credential", &preflight(&[("authorization", "")]));
    assert_reason_with(
        missing,
        |c| c["preflight"] = json!("check"),
        &preflight(&[]),
    );
    let with_body = Request {
        has_body: true,
        ..preflight(&[])
    };
    assert_reason(missing, &with_body);
}

#[test]
fn one_credential_in_one_form() {
    let with = |value: &str| request("GET", "/", "", &[("authorization", value)]);
    assert_state(
        "deny missing_credential revision=7",
        &request("GET", "/", "", &[]),
    );
    // base64 of `sk_test_0secret:`
    assert_reason("", &with("bAsIc  c2tfdGVzdF8wc2VjcmV0Og=="));
    assert_reason("", &with("BEARER  sk_test_0secret"));
    for bad in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer a,b",
        "Bearer a\tb",
        "sk_test_0secret",
        "Digest a",
        " Bearer sk_test_0secret",
        "Basic c2tfdGVzdF8wc2VjcmV0Og",   // no padding
        "Basic c2tfdGVzdF8wc2VjcmV0Oh==", // stray bits
        "Basic c2tfdGVzdA==",             // no colon
        "Basic YSxiOg==",                 // a comma
        "Basic Og==",                     // no key
        "Basic YTpi",                     // a password
    ] {
        assert_reason("malformed_credential", &with(bad));
    }
    let bearer = |length: usize| with(&format!("Bearer {}", "k".repeat(length)));
    assert_reason("unknown_key", &bearer(512));
    assert_reason("malformed_credential", &bearer(513));
    let twice = request("GET", "/", SECRET, &[("authorization", "Bearer x")]);
    assert_reason("malformed_credential", &twice);
}

#[test]
fn a_key_has_the_prefix_of_its_kind() {
    let get = request("GET", "/", SECRET, &[]);
    let verdict = changed(
        |c| c["snapshot"]["keys"][0]["kind"] = json!("restricted"),
        &get,
    );
    assert_eq!("deny unknown_key revision=7", verdict.state);
}

#[test]
fn a_key_is_alive() {
    let get = request("GET", "/", SECRET, &[]);
    let key = |name: &'static str, value: Value| {
        move |c: &mut Value| c["snapshot"]["keys"][0][name] = value.clone()
    };
    assert_reason_with("deleted_key", key("status", json!("deleted")), &get);
    assert_reason_with("expired_key", key("expires_at", json!(NOW)), &get);
    assert_reason_with("", key("expires_at", json!(NOW + 1)), &get);
    assert_reason_with("inactive_key", key("not_before", json!(NOW + 1)), &get);
    assert_reason_with("", key("not_before", json!(NOW)), &get);
    let suspend = |c: &mut Value| c["snapshot"]["accounts"][4]["status"] = json!("suspended");
    let state = changed(suspend, &get).state;
    let members = "key=\"mk_s\", kind=secret, livemode=?0, revision=7";
    assert_eq!(state, format!("deny suspended_account {members}"));
}

#[test]
fn addresses_are_compared_as_networks() {
    let check = |range: &str, address: &str, is_in: bool| {
        let get = Request {
            address: address.parse().ok(),
            ..request("GET", "/", SECRET, &[])
        };
        let bind = |c: &mut Value| c["snapshot"]["keys"][0]["allowed_ips"] = json!([range]);
        assert_reason_with(if is_in { "" } else { "ip_not_allowed" }, bind, &get);
    };
    check("203.0.113.7", "203.0.113.7", true);
    check("203.0.113.7", "203.0.113.8", false);
    check("100.10.38.0/24", "::ffff:100.10.38.255", true);
    check("::ffff:10.0.0.0/104", "10.255.0.1", true);
    check("0.0.0.0/0", "::1", false);
    check("::/0", "::1", true);
    check("::/0", "10.0.0.1", false);
    check("::/0", "::ffff:10.0.0.1", false);
    check("0.0.0.0/0", "/var/run/pipe", false);
}

#[test]
fn the_mode_is_served() {
    let get = request("GET", "/", SECRET, &[]);
    assert_reason_with(
        "livemode_mismatch",
        |c| c["serve_mode"] = json!("live"),
        &get,
    );
    assert_reason_with("", |c| c["serve_mode"] = json!("test"), &get);
}

#[test]
fn the_version_is_well_formed_and_listed() {
    let with = |value: &str| request("GET", "/", SECRET, &[("stripe-version", value)]);
    for good in [
        "2026-10-28",
        "2026-10-28.endive",
        "2026-10-28.x; a_b=v1;c=v22",
    ] {
        assert_reason("", &with(good));
    }
    for bad in [
        "",
        "2026-13-01",
        "2026-00-01",
        "2026-01-32",
        "26-01-01",
        "2026-1-01",
        "2026-01-01.",
        "2026-01-01.X",
        "2026-01-01;",
        "2026-01-01;  a=v1",
        "2026-01-01; a=v",
        " 2026-01-01",
    ] {
        assert_reason("invalid_version", &with(bad));
    }
    let list = |c: &mut Value| c["snapshot"]["api_versions"] = json!(["2026-10-28"]);
    assert_reason_with("", list, &with("2026-10-28"));
    assert_reason_with("invalid_version", list, &with("2026-10-28.endive"));
    let misspelled = request(
        "GET",
        "/",
        ORGANIZATION,
        &[("stripe_version", "2026-10-28")],
    );
    assert_reason("invalid_version", &misspelled);
    assert_reason(
        "missing_version",
        &request("GET", "/", ORGANIZATION, &[CHILD]),
    );
}

#[test]
fn identity_headers_are_removed_and_never_misspelled() {
    let version = ("stripe-version", "x");
    let with = |name: &str| request("GET", "/", SECRET, &[(name, "x"), version]);
    let rename = |c: &mut Value| {
        c["principal_header"] = json!("x-who");
        c["identity_headers"] = json!({"x-account-id": "account"});
    };
    for name in ["x-keyward_principal", "x_who", "x-account_id"] {
        assert_reason_with("malformed_header", rename, &with(name));
    }
    for name in ["x-keyward-principal", "x-who", "x-account-id"] {
        assert_reason_with("invalid_version", rename, &with(name));
    }
}
