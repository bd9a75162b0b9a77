//! Tests of every setting, and of every refusal in its exact words.

use std::collections::BTreeSet;

use super::*;
use crate::principal::Member;
use crate::reason::DenyReason;
use crate::wire::Form;

const SNAPSHOT: &str = r#"{"format": "keyward.snapshot/v1", "revision": 1, "issued_at": 1, "accounts": [{"id": "acct_1"}], "keys": [{"id": "mk_1", "sha256": "0000000000000000000000000000000000000000000000000000000000000001", "kind": "secret", "livemode": false, "owner": "acct_1", "allowed_ips": ["203.0.113.7"]}]}"#;

fn read(json: &str) -> Result<Configuration, Refusal> {
    Configuration::from_json(json.as_bytes())
}

fn settings(json: &str) -> Settings {
    read(json).unwrap().settings().clone()
}

#[track_caller]
fn assert_refused(json: &str, expected: &str) {
    assert_eq!(read(json).map(|_| ()).unwrap_err().to_string(), expected);
}

#[test]
fn no_settings_are_the_defaults_and_no_snapshot() {
    for json in ["", "{}", " { } "] {
        let configuration = read(json).unwrap();
        assert!(configuration.snapshot().is_none());
        let settings = configuration.settings();
        assert_eq!(settings.serve_mode, ServeMode::Any);
        assert_eq!(settings.enforcement, Enforcement::Enforce);
        assert_eq!(settings.max_snapshot_age, None);
        assert_eq!(settings.preflight, Preflight::Pass);
        assert!(!settings.allow_upgrades);
        assert!(settings.forward_credential);
        assert_eq!(
            settings.principal_header.as_deref(),
            Some("x-keyward-principal")
        );
        assert!(settings.identity_headers.is_empty());
        assert_eq!(&*settings.filter_state, "keyward");
    }
}

#[test]
fn every_setting_is_read() {
    let settings = settings(
        r#"{"serve_mode": "live", "enforcement": "shadow", "max_snapshot_age": 3600.0, "preflight": "check", "allow_upgrades": true,
            "forward_credential": false, "principal_header": "x-me", "identity_headers": {"x-account-id": "account"}, "filter_state": "keyward.b"}"#,
    );
    assert_eq!(settings.serve_mode, ServeMode::Live);
    assert_eq!(settings.enforcement, Enforcement::Shadow);
    assert_eq!(settings.max_snapshot_age, Some(3600));
    assert_eq!(settings.preflight, Preflight::Check);
    assert!(settings.allow_upgrades);
    assert!(!settings.forward_credential);
    assert_eq!(settings.principal_header.as_deref(), Some("x-me"));
    assert_eq!(
        *settings.identity_headers,
        [(Box::from("x-account-id"), Member::Account)]
    );
    assert_eq!(&*settings.filter_state, "keyward.b");
}

#[test]
fn the_identity_header_can_be_off() {
    assert_eq!(
        settings(r#"{"principal_header": ""}"#).principal_header,
        None
    );
}

#[test]
fn every_member_of_a_principal_can_have_a_header() {
    for member in Member::ALL {
        let name = member.name();
        let settings = settings(&format!(
            r#"{{"identity_headers": {{"x-{name}": "{name}"}}}}"#
        ));
        assert_eq!(
            *settings.identity_headers,
            [(format!("x-{name}").into(), member)]
        );
    }
}

#[test]
fn a_snapshots_faults_are_placed_below_snapshot() {
    assert!(read(&format!(r#"{{"snapshot": {SNAPSHOT}}}"#)).is_ok());
    let refuse = |from: &str, to: &str, expected: &str| {
        assert!(SNAPSHOT.contains(from));
        let snapshot = SNAPSHOT.replace(from, to);
        assert_refused(&format!(r#"{{"snapshot": {snapshot}}}"#), expected);
    };
    refuse(
        "203.0.113.7",
        "203.0.113.7/8",
        "snapshot.keys[0].allowed_ips[0]: expected an address or CIDR range",
    );
    refuse(
        "keyward.snapshot/v1",
        "v2",
        "snapshot.format: expected `keyward.snapshot/v1`",
    );
    refuse(
        r#""kind": "secret""#,
        r#""kind": "Secret""#,
        "snapshot.keys[0].kind: expected `secret`, `restricted`, `publishable` or `organization`",
    );
    refuse(
        r#"{"id": "acct_1"}"#,
        "[]",
        "snapshot.accounts[0]: expected an object",
    );
    refuse(
        r#""revision": 1, "#,
        "",
        "snapshot: missing member `revision`",
    );
    for other in ["null", "[]", "\"x\"", "7"] {
        assert_refused(
            &format!(r#"{{"snapshot": {other}}}"#),
            "snapshot: expected an object",
        );
    }
}

#[test]
fn unknown_and_double_members_are_refused() {
    const KNOWN: &str = "unknown member, expected one of `snapshot`, `serve_mode`, `enforcement`, `max_snapshot_age`, `preflight`, `allow_upgrades`, `forward_credential`, `principal_header`, `identity_headers`, `former_identity_headers`, `filter_state`, `verify_path`, `role`, `feed`, `profile`";
    assert_refused(r#"{"x": 1}"#, &format!("*: {KNOWN}"));
    assert_refused(r#"{"Serve_mode": "any"}"#, &format!("*: {KNOWN}"));
    assert_refused(
        r#"{"serve_mode": "any", "serve_mode": "any"}"#,
        "serve_mode: duplicate member",
    );
    assert_refused(
        r#"{"identity_headers": {"x-a": "key", "x-a": "key"}}"#,
        "identity_headers.*: duplicate member",
    );
    assert_refused(
        r#"{"identity_headers": {"x-keyward-principal": "key"}}"#,
        "identity_headers.*: duplicate member",
    );
    assert_refused(
        r#"{"principal_header": "x-a", "identity_headers": {"x-a": "key"}}"#,
        "identity_headers.*: duplicate member",
    );
    // The default name is free once the header is renamed.
    assert!(
        read(r#"{"principal_header": "x-a", "identity_headers": {"x-keyward-principal": "key"}}"#)
            .is_ok()
    );
}

#[test]
fn settings_are_of_their_type() {
    for (member, expected) in [
        ("serve_mode", "`any`, `live` or `test`"),
        ("enforcement", "`enforce` or `shadow`"),
        ("preflight", "`pass` or `check`"),
        ("max_snapshot_age", "a non-negative integer"),
        ("allow_upgrades", "a boolean"),
        ("forward_credential", "a boolean"),
        ("principal_header", "a string"),
        ("identity_headers", "an object"),
        ("filter_state", "a string"),
    ] {
        for other in ["null", "[]", "-1"] {
            assert_refused(
                &format!(r#"{{"{member}": {other}}}"#),
                &format!("{member}: expected {expected}"),
            );
        }
    }
    for other in ["\"Any\"", "{\"any\": null}", "true"] {
        assert_refused(
            &format!(r#"{{"serve_mode": {other}}}"#),
            "serve_mode: expected `any`, `live` or `test`",
        );
    }
    assert_refused(
        r#"{"max_snapshot_age": 7.5}"#,
        "max_snapshot_age: expected a non-negative integer",
    );
    for other in ["[]", "null", "\"{}\"", "[{}]"] {
        assert_refused(other, "expected an object");
    }
}

#[test]
fn identity_headers_are_lower_case_x_headers_that_nobody_else_owns() {
    const EXPECTED: &str = "expected a header name `x-…` in lower case that is not Envoy's (`x-envoy-…`, `x-forwarded-…`)";
    for wrong in [
        "x-",
        "X-Me",
        "me",
        "x_me",
        "x-me ",
        "x-é",
        "authorization",
        "x-envoy-a",
        "x-forwarded-for",
        &format!("x-{}", "a".repeat(63)),
    ] {
        assert_refused(
            &format!(r#"{{"principal_header": "{wrong}"}}"#),
            &format!("principal_header: {EXPECTED}"),
        );
        assert_refused(
            &format!(r#"{{"identity_headers": {{"{wrong}": "key"}}}}"#),
            &format!("identity_headers.*: {EXPECTED}"),
        );
    }
    assert_refused(
        r#"{"identity_headers": {"": "key"}}"#,
        &format!("identity_headers.*: {EXPECTED}"),
    );
    for wrong in ["\"\"", "\"Key\"", "\"team\""] {
        assert_refused(
            &format!(r#"{{"identity_headers": {{"x-a": {wrong}}}}}"#),
            "identity_headers.*: expected `key`, `kind`, `livemode`, `account`, `path`, `org`, `permission`, `access` or `revision`",
        );
    }
    assert_refused(
        r#"{"identity_headers": {"x-a": null}}"#,
        "identity_headers.*: expected a string",
    );
}

#[test]
fn the_filter_states_name_is_short_and_plain() {
    for wrong in ["", "a b", "a/b", "é", &"a".repeat(65)] {
        assert_refused(
            &format!(r#"{{"filter_state": "{wrong}"}}"#),
            "filter_state: expected 1 to 64 letters, digits, `_`, `.` or `-`",
        );
    }
}

#[test]
fn text_that_is_no_json_is_refused_with_line_and_column() {
    assert_refused(
        " ",
        "line 1 column 1: expected JSON, and the text ends too early",
    );
    assert_refused(
        "{",
        "line 1 column 1: expected JSON, and the text ends too early",
    );
    assert_refused(
        "{}{}",
        "line 1 column 3: expected nothing after the JSON value",
    );
    assert_refused("{\n\"serve_mode\": any}", "line 2 column 15: expected JSON");
    let refusal = Configuration::from_json(b"{\"filter_state\": \"\xff\"}").unwrap_err();
    assert_eq!(refusal.to_string(), "line 1 column 19: expected JSON");
    let refusal = Configuration::from_json(b"\0").unwrap_err();
    assert_eq!(refusal.to_string(), "line 1 column 1: expected JSON");
}

#[test]
fn what_is_refused_is_never_quoted() {
    const PLANTED: &str = "sk_test_FAKE-planted-000";
    let whole = format!(
        r#"{{"serve_mode": "any", "principal_header": "x-a", "identity_headers": {{"x-b": "key"}}, "filter_state": "keyward", "snapshot": {SNAPSHOT}}}"#
    );
    let texts: Vec<&str> = whole.split('"').collect();
    let mut refused = 0;
    for place in (1..texts.len()).step_by(2) {
        let mut planted = texts.clone();
        planted[place] = PLANTED;
        if let Err(refusal) = read(&planted.join("\"")) {
            refused += 1;
            let text = format!("{refusal} {refusal:?}");
            assert!(
                !text.contains("FAKE") && !text.contains("planted"),
                "{text}"
            );
        }
    }
    // The name of the filter state may contain a key, because nothing shows it.
    assert_eq!(refused, texts.len() / 2 - 1);
}

#[test]
fn a_closed_configuration_has_no_snapshot() {
    let configuration = Configuration::closed();
    assert!(configuration.snapshot().is_none());
    assert!(
        configuration
            .profile()
            .message(DenyReason::NoSnapshot)
            .is_some()
    );
}

#[test]
fn former_identity_headers_are_names_of_identity_headers_that_nobody_reads() {
    let former = settings(r#"{"former_identity_headers": ["x-caller", "x-keyward-principal"]}"#);
    assert_eq!(
        *former.former_identity_headers,
        ["x-caller".into(), "x-keyward-principal".into()]
    );
    for (wrong, expected) in [
        (
            r#"["X-Caller"]"#,
            "former_identity_headers[0]: expected a header name `x-…` in lower case that is not Envoy's (`x-envoy-…`, `x-forwarded-…`)",
        ),
        (
            r#"["x-a", "x-a"]"#,
            "former_identity_headers[1]: a header name is given twice",
        ),
        (
            r#"["x-a"], "profile": {"override_headers": ["X-A"]}"#,
            "former_identity_headers[0]: the profile reads a header of this name",
        ),
        (
            r#"["x-a"], "profile": {"headers": {"account": "X-A"}}"#,
            "former_identity_headers[0]: the profile reads a header of this name",
        ),
    ] {
        assert_refused(
            &format!(r#"{{"former_identity_headers": {wrong}}}"#),
            expected,
        );
    }
}

/// Returns the names that the refusal of an unknown member lists.
fn known_members(json: &str) -> BTreeSet<String> {
    let refusal = Configuration::from_json(json.as_bytes()).unwrap_err();
    let text = refusal.to_string();
    let (_, names) = text.split_once("unknown member, expected ").unwrap();
    names
        .trim_start_matches("one of ")
        .split([',', ' '])
        .filter(|name| name.starts_with('`'))
        .map(|name| name.trim_matches('`').to_owned())
        .collect()
}

#[test]
fn places_are_spelled_in_the_names_of_all_our_members_and_no_others() {
    let levels = [
        r#"{"?": 0}"#,
        r#"{"snapshot": {"?": 0}}"#,
        r#"{"snapshot": {"accounts": [{"?": 0}]}}"#,
        r#"{"snapshot": {"endpoints": [{"?": 0}]}}"#,
        r#"{"snapshot": {"keys": [{"?": 0}]}}"#,
        r#"{"feed": {"?": 0}}"#,
        r#"{"profile": {"?": 0}}"#,
        r#"{"profile": {"prefixes": {"?": 0}}}"#,
        r#"{"profile": {"headers": {"?": 0}}}"#,
        r#"{"profile": {"ids": {"?": 0}}}"#,
        r#"{"profile": {"links": {"?": 0}}}"#,
    ];
    let known: BTreeSet<String> = levels.into_iter().flat_map(known_members).collect();
    let listed = <wire::Configuration<'_> as Form>::MEMBERS
        .iter()
        .copied()
        .flatten();
    assert_eq!(known, listed.map(|name| (*name).to_owned()).collect());
}
