//! Tests of rule 8: which account a request is about.

use super::*;
use DenyReason::{
    AccountNotAccessible, ConflictingContext, MalformedContext, MissingContext, NotAPlatform,
    UnsupportedHeader,
};

fn context(key: Key, value: &str) -> Case {
    Case::of(key)
        .without("stripe-context")
        .with("stripe-context", value)
}

#[test]
fn an_accounts_key_works_on_its_owner_or_strictly_below() {
    for own in ["acct_platform", "acct_child", "acct_child/acct_unlisted"] {
        context(Key::Secret, own).assert_passes();
        Case::of(Key::Secret)
            .with("stripe-account", own)
            .assert_passes();
    }
    for other in [
        "acct_alone",
        "acct_unlisted",
        "acct_platform/acct_child",
        "acct_child/acct_child",
        "acct_child/acct_alone",
        "acct_child/acct_unlisted/acct_unlisted2",
    ] {
        context(Key::Secret, other).assert_denied(AccountNotAccessible);
    }
    context(Key::Secret, "org_1").assert_denied(MalformedContext);
}

#[test]
fn a_suspended_account_and_what_is_below_it_is_not_accessible() {
    context(Key::Secret, "acct_closed").assert_denied(AccountNotAccessible);
    context(Key::Secret, "acct_closed/acct_below").assert_denied(AccountNotAccessible);
}

#[test]
fn an_owners_suspended_ancestors_do_not_matter_to_its_keys() {
    Case::of(Key::Secret)
        .set_account("org_1", "status", json!("suspended"))
        .assert_passes();
}

#[test]
fn an_owner_without_connected_accounts_is_no_platform() {
    context(Key::Alone, "acct_alone").assert_passes();
    for other in ["acct_child", "acct_unlisted", "acct_alone/acct_child"] {
        context(Key::Alone, other).assert_denied(NotAPlatform);
    }
    let open = context(Key::Alone, "acct_unlisted");
    open.set_account("acct_alone", "children", json!("any"))
        .assert_passes();
}

#[test]
fn an_organization_key_names_version_and_context() {
    let key = || Case::of(Key::Organization);
    key()
        .without("stripe-version")
        .assert_denied(DenyReason::MissingVersion);
    key()
        .without("stripe-context")
        .assert_denied(MissingContext);
    let account_alone = key()
        .without("stripe-context")
        .with("stripe-account", "acct_platform");
    account_alone.assert_denied(MissingContext);
    key()
        .with("stripe-account", "acct_platform")
        .assert_passes();
    key()
        .with("stripe-account", "acct_child")
        .assert_denied(ConflictingContext);
}

#[test]
fn an_organization_key_works_on_the_organization_and_on_its_accounts() {
    for own in ["org_1", "acct_platform", "acct_platform/acct_child"] {
        context(Key::Organization, own).assert_passes();
    }
    for other in [
        "org_2",
        "org_9",
        "acct_child",
        "acct_alone",
        "acct_unlisted",
    ] {
        context(Key::Organization, other).assert_denied(AccountNotAccessible);
    }
    for wrong in [
        "org_1/acct_platform",
        "acct_platform/org_1",
        "org_",
        "organization",
    ] {
        context(Key::Organization, wrong).assert_denied(MalformedContext);
    }
}

#[test]
fn an_organization_with_any_children_takes_no_other_organization() {
    let open = |value: &str| {
        context(Key::Organization, value).set_account("org_1", "children", json!("any"))
    };
    open("acct_unlisted").assert_passes();
    open("org_9").assert_denied(AccountNotAccessible);
    open("acct_alone").assert_denied(AccountNotAccessible);
}

#[test]
fn nothing_is_normalized_into_validity() {
    for wrong in [
        "",
        " acct_child",
        "acct_child ",
        "acct_child/",
        "/acct_child",
        "acct_child//acct_x",
        "acct_",
        "Acct_child",
        "acct_child,acct_child",
        "acct_%63hild",
        "\"acct_child\"",
    ] {
        context(Key::Secret, wrong).assert_denied(MalformedContext);
        Case::of(Key::Secret)
            .with("stripe-account", wrong)
            .assert_denied(MalformedContext);
    }
    context(Key::Secret, &["acct_a"; 8].join("/")).assert_denied(AccountNotAccessible);
    context(Key::Secret, &["acct_a"; 9].join("/")).assert_denied(MalformedContext);
}

#[test]
fn several_and_folded_headers_are_malformed() {
    let twice = context(Key::Secret, "acct_child").with("stripe-context", "acct_child");
    twice.assert_denied(MalformedContext);
    let folded = Case::of(Key::Secret).with("stripe_context", "acct_child");
    folded.assert_denied(MalformedContext);
    let folded = Case::of(Key::Organization).without("stripe-context");
    folded
        .with("stripe_context", "acct_platform")
        .assert_denied(MalformedContext);
}

#[test]
fn two_headers_are_one_where_they_agree() {
    let both = |account: &str| context(Key::Secret, "acct_child").with("stripe-account", account);
    both("acct_child").assert_passes();
    both("acct_platform").assert_denied(ConflictingContext);
    both("child").assert_denied(MalformedContext);
}

#[test]
fn under_v2_the_context_header_alone_names_an_account() {
    let v2 = |path: &'static str| Case::of(Key::Secret).at("GET", path);
    for path in [
        "/v2/core/accounts",
        "/v2",
        "/V2/core/accounts",
        "/v1/../v2/core/accounts",
        "//v2/core/accounts?x",
        "/%762/core/accounts",
    ] {
        for account in ["acct_child", "acct_platform", "acct_none", "child", ""] {
            v2(path)
                .with("stripe-account", account)
                .assert_denied(UnsupportedHeader);
        }
        v2(path)
            .with("stripe_account", "acct_child")
            .assert_denied(UnsupportedHeader);
        v2(path)
            .with("stripe-context", "acct_child")
            .with("stripe-account", "acct_child")
            .assert_passes();
        v2(path)
            .with("stripe-context", "acct_child")
            .with("stripe-account", "acct_platform")
            .assert_denied(ConflictingContext);
        v2(path)
            .with("stripe-context", "acct_child")
            .assert_passes();
        v2(path).assert_passes();
    }
    for path in ["/v1/v2", "/v1/customers?/v2/", "/v20"] {
        v2(path)
            .with("stripe-account", "acct_child")
            .assert_passes();
    }
}

/// The key may read events on connected accounts, but not on its own. An upstream that ignored the
/// account header would show the key's own events.
#[test]
fn under_v2_no_account_header_lends_grants_of_another_account() {
    let case = |path: &'static str| {
        Case::of(Key::Restricted)
            .set_key(Key::Restricted, "connect_grants", json!({"event": "read"}))
            .at("GET", path)
            .with("stripe-account", "acct_child")
    };
    case("/v2/core/events").assert_denied(UnsupportedHeader);
    case("/v1/events").assert_passes();
}

#[test]
fn under_v2_of_an_api_of_ones_own_the_account_header_works() {
    let mut case = Case::of(Key::Secret)
        .at("GET", "/v2/core/accounts")
        .with("stripe-account", "acct_child");
    case.configuration["snapshot"]["catalogue"] = json!("none");
    case.assert_passes();
}

#[test]
fn versions_are_well_formed_and_served() {
    let sent = |value: &str| Case::of(Key::Secret).with("stripe-version", value);
    let listed = |value: &str| {
        let mut case = sent(value);
        case.configuration["snapshot"]["api_versions"] = json!(["2026-10-28.endive"]);
        case
    };
    sent("2020-08-27").assert_passes();
    listed("2026-10-28.endive").assert_passes();
    listed("2020-08-27").assert_denied(DenyReason::InvalidVersion);
    listed("2026-10-28.endive; a=v1").assert_denied(DenyReason::InvalidVersion);
    let twice = sent("2020-08-27").with("stripe-version", "2020-08-27");
    twice.assert_denied(DenyReason::InvalidVersion);
    let folded = Case::of(Key::Secret).with("stripe_version", "2020-08-27");
    folded.assert_denied(DenyReason::InvalidVersion);
}
