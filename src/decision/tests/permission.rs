//! Tests of rules 9 to 11: endpoints, and what a key may do at them.

use super::*;

const READ: &str = "read";
const WRITE: &str = "write";

/// Returns a request for `/v1/customers` on the key's own account, or on a connected one.
fn customers(key: Key, access: &str, is_connected: bool) -> Case {
    let method = if access == READ { "GET" } else { "POST" };
    let case = Case::of(key).at(method, "/v1/customers");
    match key {
        _ if !is_connected => case,
        Key::Organization => case
            .without("stripe-context")
            .with("stripe-context", "acct_platform/acct_child"),
        Key::Secret | Key::Restricted | Key::Publishable | Key::Alone => {
            case.with("stripe-context", "acct_child")
        }
    }
}

#[test]
fn connect_grants_decide_on_connected_accounts_and_grants_elsewhere() {
    use DenyReason::{InsufficientPermission as Insufficient, NoConnectPermission as NoConnect};
    type Answers = [Option<DenyReason>; 4];
    let none = json!(null);
    let empty = json!({});
    let other = json!({"charge": "write"});
    let read = json!({"customer": "read"});
    let write = json!({"customer": "write"});
    let denied = Some(Insufficient);
    let no_connect = Some(NoConnect);
    // Answers: reading and writing on the key's own account, then on a connected account.
    let table: Vec<(Key, &Value, &Value, Answers)> = vec![
        (Key::Secret, &none, &none, [None, None, None, None]),
        (
            Key::Secret,
            &none,
            &empty,
            [None, None, no_connect, no_connect],
        ),
        (Key::Secret, &none, &other, [None, None, denied, denied]),
        (Key::Secret, &none, &read, [None, None, None, denied]),
        (Key::Secret, &none, &write, [None, None, None, None]),
        (
            Key::Secret,
            &read,
            &none,
            [None, denied, no_connect, no_connect],
        ),
        (
            Key::Secret,
            &write,
            &none,
            [None, None, no_connect, no_connect],
        ),
        (Key::Secret, &empty, &write, [denied, denied, None, None]),
        (
            Key::Restricted,
            &empty,
            &none,
            [denied, denied, no_connect, no_connect],
        ),
        (
            Key::Restricted,
            &read,
            &none,
            [None, denied, no_connect, no_connect],
        ),
        (
            Key::Restricted,
            &write,
            &empty,
            [None, None, no_connect, no_connect],
        ),
        (Key::Restricted, &write, &read, [None, None, None, denied]),
        (
            Key::Restricted,
            &other,
            &write,
            [denied, denied, None, None],
        ),
        (Key::Organization, &none, &none, [None, None, None, None]),
        (
            Key::Organization,
            &none,
            &empty,
            [None, None, no_connect, no_connect],
        ),
        (Key::Organization, &none, &read, [None, None, None, denied]),
        (
            Key::Organization,
            &read,
            &none,
            [None, denied, None, denied],
        ),
        (
            Key::Organization,
            &empty,
            &none,
            [denied, denied, denied, denied],
        ),
        (
            Key::Organization,
            &read,
            &other,
            [None, denied, denied, denied],
        ),
        (Key::Organization, &read, &write, [None, denied, None, None]),
    ];
    for (key, grants, connect_grants, answers) in table {
        let places = [(READ, false), (WRITE, false), (READ, true), (WRITE, true)];
        for ((access, is_connected), expected) in places.into_iter().zip(answers) {
            let mut case = customers(key, access, is_connected);
            let record = &mut case.configuration["snapshot"]["keys"][key.place()];
            let record = record.as_object_mut().unwrap();
            for (member, value) in [("grants", grants), ("connect_grants", connect_grants)] {
                record.remove(member);
                if !value.is_null() {
                    record.insert(member.to_owned(), value.clone());
                }
            }
            let outcome = case.decide();
            let shown = format!("{grants} {connect_grants} {access} {is_connected}");
            assert_eq!(outcome.reason, expected, "{shown}: {}", outcome.state);
        }
    }
}

#[test]
fn the_endpoints_own_access_goes_before_the_methods() {
    let with = |access: &str| {
        let mut case = Case::of(Key::Restricted).at("POST", "/v1/customers/search");
        let row = json!({"method": "POST", "path": "/v1/customers/search", "permission": "customer", "access": access});
        case.configuration["snapshot"]["endpoints"] = json!([row]);
        case
    };
    with(READ).assert_passes();
    with(WRITE).assert_denied(DenyReason::InsufficientPermission);
}

#[test]
fn any_of_several_permissions_will_do_and_the_one_that_does_is_told() {
    let with = |any: Value| {
        let mut case = Case::of(Key::Restricted).at("GET", "/own");
        case.configuration["snapshot"]["endpoints"] =
            json!([{"method": "GET", "path": "/own", "any_of": any}]);
        case.decide().state
    };
    let told = |permission: &str| format!("permission=\"{permission}\", access=read, revision=7");
    assert!(with(json!(["widget", "customer"])).ends_with(&told("customer")));
    let denied = with(json!(["widget", "gadget"]));
    assert!(
        denied.starts_with("deny insufficient_permission "),
        "{denied}"
    );
    assert!(denied.ends_with(&told("widget")), "{denied}");
}

#[test]
fn head_is_looked_up_as_get() {
    Case::of(Key::Restricted)
        .at("HEAD", "/v1/customers")
        .assert_passes();
}

#[test]
fn no_key_may_use_other_methods() {
    for key in [
        Key::Secret,
        Key::Restricted,
        Key::Publishable,
        Key::Organization,
    ] {
        for method in ["OPTIONS", "TRACE", "CONNECT", "get", "QUERY", "", "GET "] {
            Case::of(key)
                .at(method, "/v1/customers")
                .assert_denied(DenyReason::UnknownEndpoint);
        }
    }
}

#[test]
fn no_key_may_upgrade_unless_upgrades_are_allowed() {
    for key in [Key::Secret, Key::Restricted] {
        let case = Case::of(key).with("upgrade", "websocket");
        case.assert_denied(DenyReason::UnknownEndpoint);
        case.set("allow_upgrades", json!(true)).assert_passes();
    }
}

#[test]
fn only_limited_keys_are_held_to_the_catalogue() {
    let odd = [
        ("GET", "/own/thing"),
        ("GET", "/v1/../customers"),
        ("POST", "//v1/customers"),
        ("GET", "/V1/customers"),
        ("GET", "/v1/customers/"),
        ("GET", "/v1/customers;x"),
        ("GET", "/v1/%63ustomers"),
    ];
    for (method, path) in odd {
        Case::of(Key::Secret).at(method, path).assert_passes();
        Case::of(Key::Organization).at(method, path).assert_passes();
    }
    for (method, path) in odd {
        for key in [Key::Restricted, Key::Publishable] {
            Case::of(key)
                .at(method, path)
                .assert_denied(DenyReason::UnknownEndpoint);
        }
    }
}

#[test]
fn only_limited_keys_may_not_override_method_or_url() {
    for name in [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "x-original-url",
        "x-original-uri",
        "x-rewrite-url",
        "x_http_method_override",
    ] {
        Case::of(Key::Secret).with(name, "DELETE").assert_passes();
        let limited =
            Case::of(Key::Secret).set_key(Key::Secret, "grants", json!({"customer": READ}));
        for case in [
            limited,
            Case::of(Key::Restricted),
            Case::of(Key::Publishable),
        ] {
            case.assert_passes_or(DenyReason::SecretKeyRequired);
            case.with(name, "DELETE")
                .assert_denied(DenyReason::UnknownEndpoint);
        }
    }
}

impl Case {
    /// Asserts that the request passes, or fails for `reason` at rule 10. In either case, it passed
    /// rule 9.
    #[track_caller]
    fn assert_passes_or(&self, reason: DenyReason) {
        let outcome = self.decide();
        assert!(
            outcome.reason.is_none_or(|met| met == reason),
            "{}",
            outcome.state
        );
    }
}

#[test]
fn a_publishable_key_stops_at_rule_10() {
    let tokens = Case::of(Key::Publishable).at("POST", "/v1/tokens");
    tokens.assert_passes();
    tokens
        .clone()
        .with("stripe-context", "acct_child")
        .assert_passes();
    Case::of(Key::Publishable).assert_denied(DenyReason::SecretKeyRequired);
}
