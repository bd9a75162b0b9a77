//! Rules 8 to 11 (the account, the endpoint and the permission), and shadow.

use serde_json::{Value, json};

use super::{
    CHILD, ORGANIZATION, PUBLISHABLE, RESTRICTED, SECRET, assert_reason, assert_reason_with,
    assert_state, changed, request,
};

#[test]
fn an_organization_key_names_its_target() {
    let with = |headers: &[(&str, &str)]| {
        let mut all = vec![("stripe-version", "2026-10-28")];
        all.extend(headers);
        request("GET", "/", ORGANIZATION, &all)
    };
    let context = |value: &str| with(&[("stripe-context", value)]);
    assert_reason("missing_context", &with(&[("stripe-account", "")]));
    assert_reason("malformed_context", &with(&[("stripe_context", "org_1")]));
    assert_reason("malformed_context", &context("org_1/acct_platform"));
    assert_reason("account_not_accessible", &context("org_2"));
    assert_reason("account_not_accessible", &context("acct_child"));
    assert_reason("account_not_accessible", &context("acct_alone"));
    let start = "allow key=\"mk_o\", kind=organization, livemode=?0";
    let end = "org=\"org_1\", revision=7";
    assert_state(&format!("{start}, {end}"), &context("org_1"));
    assert_state(
        &format!("{start}, account=\"acct_child\", path=\"acct_platform/acct_child\", {end}"),
        &context("acct_platform/acct_child"),
    );
}

#[test]
fn an_account_key_names_itself_or_what_is_below() {
    let with = |headers: &[(&str, &str)]| request("POST", "/v1/tokens", PUBLISHABLE, headers);
    let context = |value: &str| with(&[("stripe-context", value)]);
    assert_reason("", &context("acct_platform"));
    assert_reason("", &context("acct_child/acct_unlisted"));
    assert_reason("", &with(&[("stripe-account", "acct_child"), CHILD]));
    let conflict = with(&[("stripe-account", "acct_platform"), CHILD]);
    assert_reason("conflicting_context", &conflict);
    for bad in [
        "", "acct_", "acct_a/", "/acct_a", "acct_a ", "acct_a.b", "org_1", "acct_é",
    ] {
        assert_reason("malformed_context", &context(bad));
    }
    assert_reason("malformed_context", &context(&["acct_a"; 9].join("/")));
    let long = |length: usize| context(&format!("acct_{}", "a".repeat(length - 5)));
    assert_reason("account_not_accessible", &long(64));
    assert_reason("malformed_context", &long(65));
    assert_reason("malformed_context", &with(&[CHILD, CHILD]));
    for bad in [
        "acct_platform/acct_child",
        "acct_closed",
        "acct_child/acct_alone",
        "acct_child/acct_unlisted/acct_deeper",
        "acct_elsewhere",
    ] {
        assert_reason("account_not_accessible", &context(bad));
    }
    assert_reason("not_a_platform", &request("GET", "/", SECRET, &[CHILD]));
}

#[test]
fn methods_and_upgrades_count_for_every_key() {
    for method in ["OPTIONS", "TRACE", "CONNECT", "get", "PURGE", ""] {
        assert_reason("unknown_endpoint", &request(method, "/", SECRET, &[]));
    }
    let upgrade = request("GET", "/", SECRET, &[("upgrade", "websocket")]);
    assert_reason("unknown_endpoint", &upgrade);
    assert_reason(
        "",
        &request("PATCH", "//;", SECRET, &[("x-rewrite-url", "/")]),
    );
}

#[test]
fn a_path_has_one_reading() {
    let get = |path: &str| request("GET", path, RESTRICTED, &[]);
    for good in ["/v1/customers/a%20b?c;#", "/files/a/b/"] {
        assert_reason("", &get(good));
    }
    for bad in [
        "",
        "*",
        "/v1//customers/a",
        "/v1/customers/",
        "/v1/customers/.",
        "/v1/customers/..",
        "/v1/customers/a\\",
        "/v1/customers/a;b",
        "/v1/customers/a#b",
        "/v1/customers/é",
        "/v1/customers/a b",
        "/v1/customers/%",
        "/v1/customers/%2",
        "/v1/customers/%+1",
        "/v1/customers/%41",
        "/v1/customers/%2f",
        "/v1/customers/%3F",
        "/v1/customers/%00",
        "/v1/customers/%7F",
        "/v1/customers/%80",
        "/v1/customers/a/",
        "/files/",
        "/files",
        "/files/a//b",
        "/files/a/../b",
    ] {
        assert_reason("unknown_endpoint", &get(bad));
    }
    let header = [("x_http_method_override", "GET")];
    let overridden = request("GET", "/v1/customers/a", RESTRICTED, &header);
    assert_reason("unknown_endpoint", &overridden);
}

#[test]
fn a_literal_wins_and_is_never_met_in_another_case() {
    let get = |path: &str| request("GET", path, RESTRICTED, &[]);
    assert_reason("insufficient_permission", &get("/v1/customers/search"));
    assert_reason("unknown_endpoint", &get("/v1/customers/Search"));
    assert_reason("unknown_endpoint", &get("/V1/customers/a"));
    assert_reason("", &get("/v1/customers/searches"));
    let post = request("POST", "/v1/customers/SEARCH", RESTRICTED, &[]);
    assert_reason("unknown_endpoint", &post);
}

#[test]
fn own_rows_replace_those_of_the_same_shape() {
    let post = request("POST", "/v1/customers/a", RESTRICTED, &[]);
    let state = changed(|_| (), &post).state;
    assert!(
        state.contains("permission=\"special\", access=write"),
        "{state}"
    );
    let get = request("GET", "/v1/customers/a", RESTRICTED, &[]);
    let drop = |c: &mut Value| c["snapshot"]["catalogue"] = json!("none");
    assert_reason_with("unknown_endpoint", drop, &get);
}

#[test]
fn publishable_keys_stop_at_rule_10() {
    let get = request("GET", "/v1/customers/a", PUBLISHABLE, &[]);
    assert_reason("secret_key_required", &get);
    let members = "account=\"acct_platform\", path=\"acct_platform\", org=\"org_1\", \
                   permission=\"token\", access=write, revision=7";
    assert_state(
        &format!("allow key=\"mk_p\", kind=publishable, livemode=?0, {members}"),
        &request("POST", "/v1/tokens", PUBLISHABLE, &[]),
    );
}

#[test]
fn grants_decide_at_home_and_connect_grants_elsewhere() {
    let home = |method: &str, path: &str| request(method, path, RESTRICTED, &[]);
    assert_reason("", &home("HEAD", "/v1/customers/a"));
    let account = changed(|_| (), &home("GET", "/v1/account")).state;
    assert!(
        account.contains("permission=\"charge\", access=read"),
        "{account}"
    );
    // Support may read customers and write charges.
    let replace = |permission: &'static str| {
        move |c: &mut Value| c["snapshot"]["endpoints"][1]["permission"] = json!(permission)
    };
    let write = home("POST", "/v1/customers/a");
    assert_reason_with("insufficient_permission", replace("customer"), &write);
    assert_reason_with("", replace("charge"), &write);
    let connected = request("GET", "/v1/customers/a", RESTRICTED, &[CHILD]);
    assert_reason("insufficient_permission", &connected);
    let set = |value: Value| {
        move |c: &mut Value| c["snapshot"]["keys"][1]["connect_grants"] = value.clone()
    };
    assert_reason_with("", set(json!("support")), &connected);
    assert_reason_with("no_connect_permission", set(json!({})), &connected);
    assert_reason_with("no_connect_permission", set(Value::Null), &connected);
}

#[test]
fn secret_and_organization_keys_are_limited_by_grants_alone() {
    let change = |at: usize, grants: Value, connect: Value| {
        move |c: &mut Value| {
            c["snapshot"]["accounts"][4]["children"] = json!("any");
            c["snapshot"]["keys"][at]["grants"] = grants.clone();
            c["snapshot"]["keys"][at]["connect_grants"] = connect.clone();
        }
    };
    let below = ("stripe-context", "acct_below");
    let home = request("GET", "/unlisted", SECRET, &[]);
    let connected = request("GET", "/v1/customers/a", SECRET, &[below]);
    let (none, charge) = (Value::Null, json!({"charge": "write"}));
    assert_reason_with("", change(0, none.clone(), none.clone()), &connected);
    assert_reason_with("", change(0, none.clone(), charge.clone()), &home);
    let limited = "insufficient_permission";
    assert_reason_with(limited, change(0, none.clone(), charge.clone()), &connected);
    let limited = "no_connect_permission";
    assert_reason_with(limited, change(0, charge.clone(), none.clone()), &connected);
    assert_reason_with(
        "unknown_endpoint",
        change(0, charge.clone(), none.clone()),
        &home,
    );

    let deep = [
        ("stripe-version", "2026-10-28"),
        ("stripe-context", "acct_platform/acct_child"),
    ];
    let deep = request("GET", "/v1/customers/a", ORGANIZATION, &deep);
    let customer = json!({"customer": "read"});
    assert_reason_with("", change(3, none.clone(), none.clone()), &deep);
    assert_reason_with("", change(3, customer.clone(), none), &deep);
    assert_reason_with(
        "insufficient_permission",
        change(3, customer, charge),
        &deep,
    );
}

#[test]
fn a_gateway_in_shadow_passes_rules_2_to_11() {
    let shadow = |c: &mut Value| c["enforcement"] = json!("shadow");
    let verdict = changed(shadow, &request("GET", "/", "", &[]));
    assert!(verdict.allow);
    assert_eq!(
        "allow would_deny=missing_credential revision=7",
        verdict.state
    );
    assert_eq!(None, verdict.principal);
    let expired = |c: &mut Value| {
        shadow(c);
        c["snapshot"]["keys"][0]["status"] = json!("deleted");
    };
    let verdict = changed(expired, &request("GET", "/", SECRET, &[]));
    assert!(
        verdict.allow
            && verdict
                .state
                .starts_with("allow would_deny=deleted_key key=")
    );
    assert_eq!(None, verdict.principal);
    let stale = |c: &mut Value| {
        shadow(c);
        c["max_snapshot_age"] = json!(1);
    };
    assert_reason_with("stale_snapshot", stale, &request("GET", "/", SECRET, &[]));
}

#[test]
fn a_key_in_shadow_passes_rules_7_to_11() {
    let shadow = |c: &mut Value| c["snapshot"]["keys"][1]["enforcement"] = json!("shadow");
    let verdict = changed(shadow, &request("GET", "/v1/x", RESTRICTED, &[]));
    let members = "key=\"mk_r\", kind=restricted, livemode=?0, account=\"acct_platform\", \
                   path=\"acct_platform\", org=\"org_1\", revision=7";
    assert_eq!(
        verdict.state,
        format!("allow would_deny=unknown_endpoint {members}")
    );
    assert_eq!(verdict.principal.as_deref(), Some(members));
    let live = |c: &mut Value| {
        shadow(c);
        c["serve_mode"] = json!("live");
    };
    let verdict = changed(live, &request("GET", "/v1/x", RESTRICTED, &[]));
    assert!(!verdict.allow && verdict.state.starts_with("deny livemode_mismatch key="));
}

#[test]
fn the_principal_can_be_off() {
    let get = request("GET", "/", SECRET, &[]);
    let verdict = changed(|c| c["principal_header"] = json!(""), &get);
    assert!(verdict.allow && verdict.principal.is_none());
    let principal = changed(|_| (), &get).principal.unwrap();
    assert_eq!(verdict.state, format!("allow {principal}"));
}

#[test]
fn what_is_implied_may_be_read_one_step_far_and_with_stripes_catalogue_alone() {
    let post = request("POST", "/v1/customers/a", RESTRICTED, &[]);
    let case = |granted: &'static str, needed: &'static str, access: &'static str| {
        move |c: &mut Value| {
            c["snapshot"]["endpoints"][1]["permission"] = json!(needed);
            c["snapshot"]["endpoints"][1]["access"] = json!(access);
            c["snapshot"]["keys"][1]["grants"] = json!({granted: "write"});
        }
    };
    assert_reason_with("", case("token", "customer", "read"), &post);
    let insufficient = "insufficient_permission";
    assert_reason_with(insufficient, case("token", "customer", "write"), &post);
    assert_reason_with(insufficient, case("token", "special", "read"), &post);
    assert_reason_with("", case("customer", "special", "read"), &post);
    let without = |c: &mut Value| {
        case("token", "customer", "read")(c);
        c["snapshot"]["catalogue"] = json!("none");
    };
    assert_reason_with(insufficient, without, &post);
}
