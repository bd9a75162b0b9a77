//! Tests of shadow: a request that would be denied passes and is logged. Also tests what shadow
//! never does.

use super::order::alone;
use super::*;

fn key_of(reason: DenyReason) -> Key {
    match reason {
        DenyReason::HostFailure
        | DenyReason::NoSnapshot
        | DenyReason::StaleSnapshot
        | DenyReason::MissingCredential
        | DenyReason::MalformedCredential
        | DenyReason::UnknownKey
        | DenyReason::DeletedKey
        | DenyReason::ExpiredKey
        | DenyReason::InactiveKey
        | DenyReason::SuspendedAccount
        | DenyReason::IpNotAllowed
        | DenyReason::LivemodeMismatch
        | DenyReason::MalformedHeader
        | DenyReason::InvalidVersion
        | DenyReason::UnsupportedHeader
        | DenyReason::MalformedContext
        | DenyReason::ConflictingContext
        | DenyReason::AccountNotAccessible => Key::Secret,
        DenyReason::MissingVersion | DenyReason::MissingContext => Key::Organization,
        DenyReason::NotAPlatform => Key::Alone,
        DenyReason::UnknownEndpoint
        | DenyReason::NoConnectPermission
        | DenyReason::InsufficientPermission
        | DenyReason::UnknownExpansion => Key::Restricted,
        DenyReason::SecretKeyRequired => Key::Publishable,
    }
}

fn reasons() -> impl Iterator<Item = DenyReason> {
    DenyReason::all().filter(|reason| *reason != DenyReason::HostFailure)
}

#[track_caller]
fn assert_noted(case: &Case, reason: DenyReason) -> Outcome {
    let outcome = case.decide();
    assert_eq!(
        outcome.kind,
        Some(PermitKind::Shadow(reason)),
        "{}",
        outcome.state
    );
    let start = format!("allow would_deny={} ", reason.name());
    assert!(outcome.state.starts_with(&start), "{}", outcome.state);
    outcome
}

#[test]
fn a_gateway_in_shadow_lets_rules_2_to_11_pass() {
    for reason in reasons() {
        let case = alone(reason).in_shadow();
        if reason.rule() == 1 {
            case.assert_denied(reason);
        } else {
            assert_noted(&case, reason);
        }
    }
}

#[test]
fn a_key_in_shadow_lets_rules_7_to_11_pass() {
    for reason in reasons().filter(|reason| *reason != DenyReason::NoSnapshot) {
        let case = alone(reason).set_key(key_of(reason), "enforcement", json!("shadow"));
        if reason.rule() < 7 {
            case.assert_denied(reason);
        } else {
            assert_noted(&case, reason);
        }
    }
}

#[test]
fn another_keys_shadow_is_not_this_ones() {
    alone(DenyReason::InsufficientPermission)
        .set_key(Key::Secret, "enforcement", json!("shadow"))
        .assert_denied(DenyReason::InsufficientPermission);
}

#[test]
fn a_key_that_says_enforce_does_not_take_the_gateway_out_of_shadow() {
    let case = alone(DenyReason::InsufficientPermission).in_shadow();
    let case = case.set_key(Key::Restricted, "enforcement", json!("enforce"));
    assert_noted(&case, DenyReason::InsufficientPermission);
}

#[test]
fn a_shadow_pass_tells_of_a_live_key_alone() {
    for reason in reasons().filter(|reason| reason.rule() >= 2) {
        let outcome = alone(reason).in_shadow().decide();
        assert_eq!(
            outcome.identity.is_some(),
            reason.rule() >= 5,
            "{}",
            outcome.state
        );
        if let Some(identity) = outcome.identity {
            assert!(outcome.state.ends_with(&identity), "{}", outcome.state);
        }
    }
}

#[test]
fn shadow_changes_nothing_where_nothing_is_wrong() {
    for key in [Key::Secret, Key::Restricted, Key::Organization] {
        let (open, shadow) = (Case::of(key).decide(), Case::of(key).in_shadow().decide());
        assert_eq!((open.state, open.identity), (shadow.state, shadow.identity));
    }
}

#[test]
fn evaluation_ends_at_the_first_rule_that_fails() {
    alone(DenyReason::LivemodeMismatch)
        .in_shadow()
        .with("stripe-context", "acct_child")
        .assert_state(
            "allow would_deny=livemode_mismatch key=\"mk_s\", kind=secret, livemode=?0, org=\"org_1\", revision=7",
        );
}
