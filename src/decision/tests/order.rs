//! Tests of the decision's order: every reason by itself, and every adjacent pair of reasons.

use super::*;

/// Returns a request that only one rule denies.
pub(super) fn alone(reason: DenyReason) -> Case {
    match reason {
        // Only the filter sees this reason: without a host, the verdict cannot occur.
        DenyReason::HostFailure => Case::bare(),
        DenyReason::NoSnapshot => {
            let mut case = Case::of(Key::Secret);
            case.configuration = json!({});
            case
        }
        DenyReason::StaleSnapshot => stale(Case::of(Key::Secret)),
        DenyReason::MissingCredential => Case::bare(),
        DenyReason::MalformedCredential => Case::bare().with("authorization", "Bearer a b"),
        DenyReason::UnknownKey => Case::bare().with("authorization", "Bearer sk_test_FAKE-none"),
        DenyReason::DeletedKey => deleted(Case::of(Key::Secret)),
        DenyReason::ExpiredKey => expired(Case::of(Key::Secret)),
        DenyReason::InactiveKey => inactive(Case::of(Key::Secret)),
        DenyReason::SuspendedAccount => suspended(Case::of(Key::Secret)),
        DenyReason::IpNotAllowed => elsewhere(Case::of(Key::Secret)),
        DenyReason::LivemodeMismatch => live_only(Case::of(Key::Secret)),
        DenyReason::MalformedHeader => folded(Case::of(Key::Secret)),
        DenyReason::MissingVersion => Case::of(Key::Organization).without("stripe-version"),
        DenyReason::InvalidVersion => Case::of(Key::Secret).with("stripe-version", "v1"),
        DenyReason::MissingContext => Case::of(Key::Organization).without("stripe-context"),
        DenyReason::UnsupportedHeader => Case::of(Key::Secret)
            .at("GET", "/v2/core/accounts")
            .with("stripe-account", "acct_child"),
        DenyReason::MalformedContext => Case::of(Key::Secret).with("stripe-context", "child"),
        DenyReason::ConflictingContext => Case::of(Key::Secret)
            .with("stripe-context", "acct_child")
            .with("stripe-account", "acct_platform"),
        DenyReason::AccountNotAccessible => {
            Case::of(Key::Secret).with("stripe-context", "acct_alone")
        }
        DenyReason::NotAPlatform => Case::of(Key::Alone).with("stripe-context", "acct_child"),
        DenyReason::UnknownEndpoint => Case::of(Key::Restricted).at("GET", "/v1/nothing"),
        DenyReason::SecretKeyRequired => Case::of(Key::Publishable),
        DenyReason::NoConnectPermission => {
            Case::of(Key::Restricted).with("stripe-context", "acct_child")
        }
        DenyReason::InsufficientPermission => Case::of(Key::Restricted).at("GET", "/v1/balance"),
        DenyReason::UnknownExpansion => {
            Case::of(Key::Restricted).at("GET", "/v1/customers?expand[]=data.name")
        }
    }
}

/// Returns a request that both the rule of `first` and the rule of the next reason deny. If there
/// can be none, returns why.
fn both(first: DenyReason) -> Result<Case, &'static str> {
    Ok(match first {
        DenyReason::HostFailure => return Err("what the host refuses to tell is not decided on"),
        DenyReason::NoSnapshot => return Err("a snapshot that is not there is not stale"),
        DenyReason::StaleSnapshot => stale(Case::bare()),
        DenyReason::MissingCredential => return Err("a header that is not there is not malformed"),
        DenyReason::MalformedCredential => Case::bare()
            .with("authorization", "Bearer sk_test_FAKE-none")
            .with("authorization", "Bearer sk_test_FAKE-none"),
        // A secret key with an organization key's prefix.
        DenyReason::UnknownKey => deleted(Case::of(Key::Secret))
            .without("authorization")
            .with("authorization", "Bearer sk_org_FAKE")
            .set_key(
                Key::Secret,
                "sha256",
                json!(KeyDigest::of(b"sk_org_FAKE").to_string()),
            ),
        DenyReason::DeletedKey => expired(deleted(Case::of(Key::Secret))),
        DenyReason::ExpiredKey => inactive(expired(Case::of(Key::Secret))),
        DenyReason::InactiveKey => suspended(inactive(Case::of(Key::Secret))),
        DenyReason::SuspendedAccount => elsewhere(suspended(Case::of(Key::Secret))),
        DenyReason::IpNotAllowed => live_only(elsewhere(Case::of(Key::Secret))),
        DenyReason::LivemodeMismatch => folded(live_only(Case::of(Key::Secret))),
        DenyReason::MalformedHeader => {
            folded(Case::of(Key::Organization).without("stripe-version"))
        }
        DenyReason::MissingVersion => return Err("a header that is not there is not invalid"),
        DenyReason::InvalidVersion => Case::of(Key::Organization)
            .without("stripe-version")
            .with("stripe-version", "v1")
            .without("stripe-context"),
        DenyReason::MissingContext => Case::of(Key::Organization)
            .without("stripe-context")
            .at("GET", "/v2/core/accounts")
            .with("stripe-account", "acct_platform"),
        DenyReason::UnsupportedHeader => Case::of(Key::Secret)
            .at("GET", "/v2/core/accounts")
            .with("stripe-account", "child"),
        DenyReason::MalformedContext => Case::of(Key::Secret)
            .with("stripe-context", "child")
            .with("stripe-account", "acct_child"),
        DenyReason::ConflictingContext => Case::of(Key::Secret)
            .with("stripe-context", "acct_alone")
            .with("stripe-account", "acct_none"),
        DenyReason::AccountNotAccessible => {
            return Err("an owner either has connected accounts or has none");
        }
        DenyReason::NotAPlatform => Case::of(Key::Alone)
            .with("stripe-context", "acct_child")
            .at("TRACE", "/v1/customers"),
        DenyReason::UnknownEndpoint => Case::of(Key::Publishable).at("get", "/v1/customers"),
        DenyReason::SecretKeyRequired => {
            Case::of(Key::Publishable).with("stripe-context", "acct_child")
        }
        DenyReason::NoConnectPermission => Case::of(Key::Restricted)
            .with("stripe-context", "acct_child")
            .at("GET", "/v1/balance"),
        DenyReason::InsufficientPermission => {
            Case::of(Key::Restricted).at("GET", "/v1/balance?expand[]=name")
        }
        DenyReason::UnknownExpansion => return Err("the last of the table"),
    })
}

fn stale(case: Case) -> Case {
    case.set("max_snapshot_age", json!(99))
}

fn deleted(case: Case) -> Case {
    case.set_key(Key::Secret, "status", json!("deleted"))
}

fn expired(case: Case) -> Case {
    case.set_key(Key::Secret, "expires_at", json!(NOW))
}

fn inactive(case: Case) -> Case {
    case.set_key(Key::Secret, "not_before", json!(NOW + 1))
}

fn suspended(case: Case) -> Case {
    case.set_account("acct_platform", "status", json!("suspended"))
}

fn elsewhere(case: Case) -> Case {
    case.set_key(Key::Secret, "allowed_ips", json!(["203.0.113.7"]))
}

fn live_only(case: Case) -> Case {
    case.set("serve_mode", json!("live"))
}

fn folded(case: Case) -> Case {
    case.with("x_keyward_principal", "key=\"mk_s\"")
}

#[test]
fn every_reason_is_reached_alone() {
    for reason in DenyReason::all().filter(|reason| *reason != DenyReason::HostFailure) {
        alone(reason).assert_denied(reason);
    }
    let unread = Denial::unread(DenyReason::HostFailure);
    assert_eq!(unread.to_string(), "deny host_failure");
}

#[test]
fn of_two_reasons_the_earlier_answers() {
    let mut impossible = Vec::new();
    for first in DenyReason::all() {
        match both(first) {
            Ok(case) => case.assert_denied(first),
            Err(_) => impossible.push(first),
        }
    }
    assert_eq!(
        impossible,
        [
            DenyReason::HostFailure,
            DenyReason::NoSnapshot,
            DenyReason::MissingCredential,
            DenyReason::MissingVersion,
            DenyReason::AccountNotAccessible,
            DenyReason::UnknownExpansion,
        ]
    );
}

/// Without the cause of the first reason, the same request is denied for the second. This shows
/// that the pairs above violate both rules.
#[test]
fn with_the_earlier_mended_the_later_answers() {
    let mend = |first: DenyReason, case: Case| -> Case {
        let key = |case: Case, member: &str, value: Value| case.set_key(Key::Secret, member, value);
        match first {
            DenyReason::StaleSnapshot => case.set("max_snapshot_age", json!(100)),
            DenyReason::MalformedCredential => {
                let mut case = case;
                case.headers.pop();
                case
            }
            DenyReason::UnknownKey => {
                let sha256 = KeyDigest::of(Key::Secret.raw().as_bytes()).to_string();
                key(case, "sha256", json!(sha256))
                    .without("authorization")
                    .with("authorization", &format!("Bearer {}", Key::Secret.raw()))
            }
            DenyReason::DeletedKey => key(case, "status", json!("active")),
            DenyReason::ExpiredKey => key(case, "expires_at", json!(NOW + 1)),
            DenyReason::InactiveKey => key(case, "not_before", json!(NOW)),
            DenyReason::SuspendedAccount => {
                case.set_account("acct_platform", "status", json!("active"))
            }
            DenyReason::IpNotAllowed => key(case, "allowed_ips", json!([])),
            DenyReason::LivemodeMismatch => case.set("serve_mode", json!("test")),
            DenyReason::MalformedHeader => case.without("x_keyward_principal"),
            DenyReason::InvalidVersion => case
                .without("stripe-version")
                .with("stripe-version", "2026-10-28.endive"),
            // An organization key without its context would fail for that first, so a secret key
            // replaces it.
            DenyReason::MissingContext => case
                .without("authorization")
                .with("authorization", &format!("Bearer {}", Key::Secret.raw())),
            DenyReason::UnsupportedHeader => case.at("GET", "/v1/customers"),
            DenyReason::MalformedContext => case
                .without("stripe-context")
                .with("stripe-context", "acct_platform"),
            DenyReason::ConflictingContext => case.without("stripe-account"),
            DenyReason::NotAPlatform => case.without("stripe-context"),
            DenyReason::UnknownEndpoint => case.at("GET", "/v1/customers"),
            // No publishable key has connect grants, so a restricted key replaces it.
            DenyReason::SecretKeyRequired => case.without("authorization").with(
                "authorization",
                &format!("Bearer {}", Key::Restricted.raw()),
            ),
            DenyReason::NoConnectPermission => {
                case.set_key(Key::Restricted, "connect_grants", json!({"charge": "read"}))
            }
            DenyReason::InsufficientPermission => {
                case.set_key(Key::Restricted, "grants", json!({"balance": "read"}))
            }
            DenyReason::HostFailure
            | DenyReason::NoSnapshot
            | DenyReason::MissingCredential
            | DenyReason::MissingVersion
            | DenyReason::AccountNotAccessible
            | DenyReason::UnknownExpansion => unreachable!("no pair begins with {first:?}"),
        }
    };
    for (first, second) in DenyReason::all().zip(DenyReason::all().skip(1)) {
        if let Ok(case) = both(first) {
            mend(first, case).assert_denied(second);
        }
    }
}
