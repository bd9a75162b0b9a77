//! Tests of what a decision reports: the filter state, and the identity header of a live key.

use super::*;

#[test]
fn a_pass_tells_what_applies_and_leaves_out_the_rest() {
    let told = |case: Case, members: &str| {
        let outcome = case.decide();
        assert_eq!(outcome.state, format!("allow {members}"));
        assert_eq!(outcome.identity.as_deref(), Some(members));
    };
    told(
        Case::of(Key::Alone),
        "key=\"mk_a\", kind=secret, livemode=?0, account=\"acct_alone\", path=\"acct_alone\", revision=7",
    );
    told(
        Case::of(Key::Restricted)
            .set_key(
                Key::Restricted,
                "connect_grants",
                json!({"customer": "write"}),
            )
            .set_key(Key::Restricted, "livemode", json!(true))
            .with("stripe-account", "acct_child"),
        "key=\"mk_r\", kind=restricted, livemode=?1, account=\"acct_child\", path=\"acct_platform/acct_child\", org=\"org_1\", permission=\"customer\", access=read, revision=7",
    );
    told(
        Case::of(Key::Organization),
        "key=\"mk_o\", kind=organization, livemode=?0, account=\"acct_platform\", path=\"acct_platform\", org=\"org_1\", revision=7",
    );
    told(
        Case::of(Key::Organization)
            .without("stripe-context")
            .with("stripe-context", "org_1"),
        "key=\"mk_o\", kind=organization, livemode=?0, org=\"org_1\", revision=7",
    );
    told(
        Case::of(Key::Publishable).at("POST", "/v1/tokens"),
        "key=\"mk_p\", kind=publishable, livemode=?0, account=\"acct_platform\", path=\"acct_platform\", org=\"org_1\", permission=\"token\", access=write, revision=7",
    );
}

#[test]
fn a_denial_tells_what_was_established() {
    let told = |reason: DenyReason, state: &str| super::order::alone(reason).assert_state(state);
    told(DenyReason::NoSnapshot, "deny no_snapshot");
    told(DenyReason::StaleSnapshot, "deny stale_snapshot revision=7");
    told(DenyReason::UnknownKey, "deny unknown_key revision=7");
    told(
        DenyReason::DeletedKey,
        "deny deleted_key key=\"mk_s\", kind=secret, livemode=?0, org=\"org_1\", revision=7",
    );
    told(
        DenyReason::InsufficientPermission,
        "deny insufficient_permission key=\"mk_r\", kind=restricted, livemode=?0, account=\"acct_platform\", path=\"acct_platform\", org=\"org_1\", permission=\"balance\", access=read, revision=7",
    );
}

#[test]
fn there_is_no_principal_without_a_live_key() {
    for reason in DenyReason::all().filter(|reason| (2..=4).contains(&reason.rule())) {
        let outcome = super::order::alone(reason).in_shadow().decide();
        assert!(outcome.kind.is_some(), "{}", outcome.state);
        assert_eq!(outcome.identity, None, "{}", outcome.state);
    }
}

#[test]
fn an_identity_header_that_is_off_is_not_written() {
    let outcome = Case::of(Key::Secret)
        .set("principal_header", json!(""))
        .decide();
    assert_eq!(
        (outcome.kind, outcome.identity),
        (Some(PermitKind::Key), None)
    );
}

#[test]
fn single_members_are_written_as_plain_values() {
    let plain = |member: &str| {
        let case = Case::of(Key::Secret).set("principal_header", json!(""));
        let case = case.with("stripe-context", "acct_child");
        case.set("identity_headers", json!({"x-one": member}))
            .decide()
            .identity
    };
    assert_eq!(plain("key").as_deref(), Some("mk_s"));
    assert_eq!(plain("livemode").as_deref(), Some("false"));
    assert_eq!(plain("account").as_deref(), Some("acct_child"));
    assert_eq!(plain("path").as_deref(), Some("acct_platform/acct_child"));
    assert_eq!(plain("org").as_deref(), Some("org_1"));
    assert_eq!(plain("revision").as_deref(), Some("7"));
    assert_eq!(plain("permission"), None);
    assert_eq!(plain("access"), None);
}

#[test]
fn what_a_client_sent_as_its_identity_never_stays() {
    let sent = |name: &'static str, configuration: Value| {
        let mut case = Case::of(Key::Secret).with(name, "key=\"mk_x\"");
        for (member, value) in configuration.as_object().unwrap() {
            case = case.set(member, value.clone());
        }
        case.in_shadow().decide().changes
    };
    let add =
        |name: &'static str, value: &'static str| HeaderChange::Add(name.into(), value.into());
    let remove = |name: &'static str| HeaderChange::Remove(name.as_bytes().into());
    let own = "key=\"mk_s\", kind=secret, livemode=?0, account=\"acct_platform\", path=\"acct_platform\", org=\"org_1\", revision=7";
    let principal = "x-keyward-principal";
    assert_eq!(
        sent(principal, json!({})),
        [remove(principal), add(principal, own)]
    );
    assert_eq!(
        sent(principal, json!({"principal_header": "x-me"})),
        [remove(principal), add("x-me", own)]
    );
    assert_eq!(
        sent(principal, json!({"principal_header": ""})),
        [remove(principal)]
    );
    // A folded name is denied at rule 7. Shadow lets the request pass, without that header.
    let [folded, HeaderChange::Add(..)] = &sent("x_keyward_principal", json!({}))[..] else {
        panic!("one removed, one added");
    };
    assert_eq!(*folded, remove("x_keyward_principal"));
    // If a member does not apply, its header is absent, even if the client sent one.
    assert_eq!(
        sent(
            "x-perm",
            json!({"identity_headers": {"x-perm": "permission"}})
        ),
        [remove("x-perm"), add(principal, own)]
    );
}

#[test]
fn the_credential_is_taken_off_where_it_is_not_forwarded() {
    let off = |case: Case| {
        case.set("forward_credential", json!(false))
            .decide()
            .changes
    };
    let removed = HeaderChange::Remove(b"authorization".into());
    assert!(off(Case::of(Key::Secret)).contains(&removed));
    let malformed = Case::bare().with("authorization", "x").in_shadow();
    assert!(off(malformed).contains(&removed));
    assert!(!off(Case::bare().at("GET", "/healthz")).contains(&removed));
    assert!(!Case::of(Key::Secret).decide().changes.contains(&removed));
}
