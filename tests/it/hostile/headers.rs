//! keyward's headers: repeated, empty, and in spellings that frameworks read as keyward's.

use super::{FULL, Gate, Headers, SHADOW, bearer, caller, pairs, values};

struct Case {
    headers: Headers,
    reason: Option<&'static str>,
    http1_only: bool,
}

fn cases() -> Vec<Case> {
    let key = bearer(FULL).1;
    let mut cases = Vec::new();
    let mut case = |with_key: bool, more: &[(&str, &str)], reason| {
        let own = if with_key {
            caller(Some(FULL))
        } else {
            Vec::new()
        };
        cases.push(Case {
            headers: [own, pairs(more)].concat(),
            reason,
            http1_only: more
                .iter()
                .any(|(name, _)| name.bytes().any(|byte| byte.is_ascii_uppercase())),
        });
    };
    let malformed = Some("malformed_credential");
    case(true, &[("authorization", &key)], malformed);
    // Envoy joins repeated headers into one and drops empty ones, so keyward and the upstream see a
    // single header.
    case(true, &[("authorization", "")], None);
    case(
        false,
        &[
            ("authorization", ""),
            ("authorization", &key),
            ("authorization", ""),
        ],
        None,
    );
    case(
        true,
        &[("authorization", "Bearer sk_test_FAKE-other")],
        malformed,
    );
    case(true, &[("Authorization", &key)], malformed);
    case(false, &[("AUTHORIZATION", &key)], None);
    case(false, &[("aUTHORIZATION", &key)], None);
    case(false, &[("authorization", "")], malformed);
    case(false, &[("authorization", " ")], malformed);
    case(false, &[("authorization", "Bearer")], malformed);
    case(false, &[("authorization", &format!("{key},"))], malformed);
    case(
        false,
        &[("authorization", &format!("{key}, {key}"))],
        malformed,
    );
    case(false, &[("authorization", &format!("{key} x"))], malformed);
    case(
        false,
        &[("authorization", &key.replace(' ', "\t"))],
        malformed,
    );
    case(false, &[("authorization", &key.replace(' ', "   "))], None);
    case(
        false,
        &[("authorization", &key.to_uppercase())],
        Some("unknown_key"),
    );
    case(
        false,
        &[("authorization", &key.to_lowercase())],
        Some("unknown_key"),
    );
    case(
        false,
        &[("proxy-authorization", &key)],
        Some("missing_credential"),
    );
    case(
        false,
        &[("x-authorization", &key)],
        Some("missing_credential"),
    );
    case(
        false,
        &[("http-authorization", &key)],
        Some("missing_credential"),
    );
    for (name, good, other, reason) in [
        (
            "stripe-version",
            "2026-10-28.endive",
            "2025-01-01",
            "invalid_version",
        ),
        ("stripe-context", "acct_1", "acct_2", "malformed_context"),
        ("stripe-account", "acct_1", "acct_2", "malformed_context"),
    ] {
        let folded = name.replace('-', "_");
        let upper = name.to_uppercase();
        let mixed = folded.to_uppercase();
        case(true, &[(name, good)], None);
        case(true, &[(&upper, good)], None);
        for more in [
            &[(name, "")][..],
            &[(name, " ")],
            &[(name, good), (name, good)],
            &[(name, good), (name, other)],
            &[(name, ""), (name, good)],
            &[(name, good), (name, "")],
            &[(name, good), (&upper, good)],
            &[(&folded, good)],
            &[(&folded, "")],
            &[(&mixed, good)],
            &[(name, good), (&folded, good)],
            &[(&folded, other), (name, good)],
            &[(name, &format!("{good}, {good}"))],
            &[(name, &format!("{good},"))],
            &[(name, &format!("\"{good}\""))],
            &[(name, "%61cct_1")],
            &[(name, "\u{e9}")],
        ] {
            case(true, more, Some(reason));
        }
    }
    case(
        true,
        &[("stripe-context", "acct_2"), ("stripe-account", "acct_2")],
        None,
    );
    case(
        true,
        &[("stripe-context", "acct_1"), ("stripe-account", "acct_2")],
        Some("conflicting_context"),
    );
    cases
}

#[test]
fn only_one_well_spelled_header_is_read() {
    let gate = Gate::with_underscores();
    let mut sent = 0;
    for _ in gate.settings() {
        let cases = cases();
        for case in &cases {
            for http2 in [false, true] {
                if http2 && case.http1_only {
                    continue;
                }
                let send = if http2 { Gate::http2 } else { Gate::http1 };
                let (answer, seen) =
                    gate.seen_during(|| send(&gate, b"GET", b"/v1/balance", &case.headers, b""));
                sent += 1;
                let answer = answer.unwrap();
                let of = format!(
                    "{:?}, http2 {http2}",
                    case.headers
                        .iter()
                        .map(|(name, value)| format!(
                            "{}: {}",
                            name.escape_ascii(),
                            value.escape_ascii()
                        ))
                        .collect::<Vec<_>>()
                );
                assert_eq!(answer.header("x-keyward-denied"), case.reason, "{of}");
                assert_eq!(seen.len(), usize::from(case.reason.is_none()), "{of}");
                assert_eq!(answer.status == 200, case.reason.is_none(), "{of}");
                assert!(
                    seen.iter()
                        .all(|seen| values(seen, "authorization").len() == 1),
                    "{of}"
                );
            }
        }
    }
    gate.assert_sound(sent);
}

/// HTTP/2 allows only lower-case names.
#[test]
fn upper_case_names_over_http2_are_no_request() {
    let gate = Gate::shipped();
    for _ in gate.settings() {
        for name in [
            "Authorization",
            "Stripe-Context",
            "X-Keyward-Principal",
            "x-Other",
        ] {
            let headers = [caller(Some(FULL)), pairs(&[(name, "x")])].concat();
            let (answer, seen) =
                gate.seen_during(|| gate.http2(b"GET", b"/v1/balance", &headers, b""));
            assert!(
                answer.is_none_or(|answer| answer.status == 400) && seen.is_empty(),
                "{name}"
            );
        }
    }
    gate.assert_sound(1);
}

/// The shipped Envoy does not even call the filter.
#[test]
fn names_with_underscores_are_refused_where_envoy_is_told_to() {
    let gate = Gate::shipped();
    for _ in gate.settings() {
        for name in [
            "stripe_context",
            "Stripe_Version",
            "stripe_account",
            "X_Keyward_Principal",
            "x-keyward_principal",
            "x_other",
        ] {
            for path in [&b"/v1/balance"[..], b"/healthz"] {
                for key in [FULL, SHADOW] {
                    let headers = [
                        caller(Some(key)),
                        pairs(&[(&name.to_lowercase(), "acct_1")]),
                    ]
                    .concat();
                    for send in [Gate::http1, Gate::http2] {
                        let (answer, seen) =
                            gate.seen_during(|| send(&gate, b"GET", path, &headers, b""));
                        assert!(answer.is_none_or(|answer| answer.status == 400), "{name}");
                        assert!(seen.is_empty(), "{name}");
                    }
                }
            }
        }
    }
    gate.assert_sound(1);
}
