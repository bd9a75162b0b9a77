//! What a query expands.

use serde_json::json;

use super::*;

/// Asks `GET /v1/customers/cus_1` with a key that reads customers and has the other permissions
/// that are granted.
#[track_caller]
fn assert_expanding(expected: &str, query: &str, granted: &[&str]) {
    assert_expanding_at(expected, &format!("/v1/customers/cus_1?{query}"), granted);
}

#[track_caller]
fn assert_expanding_at(expected: &str, path: &str, granted: &[&str]) {
    let grant = |c: &mut Value| {
        let mut grants = json!({"customer": "read", "search": "read"});
        for name in granted {
            grants[name] = json!("read");
        }
        c["snapshot"]["keys"][1]["grants"] = grants;
    };
    assert_reason_with(expected, grant, &request("GET", path, RESTRICTED, &[]));
}

const MISSING: &str = "insufficient_permission";
const UNKNOWN: &str = "unknown_expansion";

#[test]
fn what_is_expanded_is_read() {
    for query in [
        "expand[]=charges",
        "expand%5B%5D=charges",
        "x=1&expand[0]=charges.data",
        "expand=charges.total_count",
    ] {
        assert_expanding(MISSING, query, &[]);
        assert_expanding("", query, &["charge"]);
    }
    assert_expanding("", "expand[]=charges.data.customer.charges", &["charge"]);
    assert_expanding("", "expand[]=card", &[]);
    assert_expanding(MISSING, "expand[]=card.file", &["charge"]);
    assert_expanding("", "expand[]=card.file", &["balance"]);
    // Customer read implies it.
    assert_expanding("", "expand[]=charges.data.source", &["charge"]);
    assert_expanding_at(MISSING, "/v1/customers/search?expand[]=data.charges", &[]);
    assert_expanding_at("", "/v1/customers/search?expand[]=total_count", &[]);
}

#[test]
fn what_is_not_known_is_not_expanded() {
    for query in [
        "expand[]=name",
        "expand[]=data.charges",
        "expand[]=charges.customer",
        "expand[]=charges.total_count.x",
        "expand[]=card.file.x",
        "expand[]=",
        "expand",
        "Expand[]=card",
        "expand[a]=card",
        "expand[][]=card",
        "[expand][]=card",
        "x;expand=card",
        "x=%26expand[]=card",
        "expand%255B%255D=card",
    ] {
        assert_expanding(UNKNOWN, query, &["charge", "file"]);
    }
    let search = "/v1/customers/search?expand[]=charges";
    assert_expanding_at(UNKNOWN, search, &["charge"]);
    for query in ["expanded=name", "x=expand", "x[expand]=name", ""] {
        assert_expanding("", query, &[]);
    }
}

#[test]
fn a_missing_permission_is_told_before_what_is_unknown() {
    assert_expanding(MISSING, "expand[]=name&expand[]=charges", &[]);
    assert_expanding(UNKNOWN, "expand[]=name&expand[]=charges", &["charge"]);
}

#[test]
fn the_state_names_what_is_missing() {
    let path = "/v1/customers/cus_1?expand[]=charges";
    let grant = |c: &mut Value| c["snapshot"]["keys"][1]["grants"] = json!({"customer": "read"});
    let verdict = changed(grant, &request("GET", path, RESTRICTED, &[]));
    assert!(
        verdict
            .state
            .ends_with("permission=\"charge\", access=read, revision=7"),
        "{}",
        verdict.state
    );
}

#[test]
fn full_keys_and_apis_of_ones_own_expand_what_they_like() {
    let path = "/v1/customers/cus_1?expand[]=name";
    assert_reason("", &request("GET", path, SECRET, &[]));
    let own = |c: &mut Value| {
        c["snapshot"]["catalogue"] = json!("none");
        c["snapshot"]["endpoints"] =
            json!([{"method": "GET", "path": "/v1/customers/{x}", "permission": "customer"}]);
    };
    assert_reason_with("", own, &request("GET", path, RESTRICTED, &[]));
}

#[test]
fn an_own_row_returns_what_the_one_in_whose_place_it_stands_does() {
    let with = |path: &'static str| {
        move |c: &mut Value| {
            c["snapshot"]["endpoints"] =
                json!([{"method": "GET", "path": path, "permission": "customer"}]);
        }
    };
    let request = |path: &str| request("GET", path, RESTRICTED, &[]);
    let instead = with("/v1/customers/{own}");
    assert_reason_with("", instead, &request("/v1/customers/c?expand[]=charges"));
    let beside = with("/v1/customers/own");
    assert_reason_with(
        UNKNOWN,
        beside,
        &request("/v1/customers/own?expand[]=charges"),
    );
}
