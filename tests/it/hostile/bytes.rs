//! Every byte and every size in the headers a caller is judged by, and in those that only keyward may write.

use serde_json::json;

use super::{Answer, FULL, Gate, Headers, caller, pairs};
use crate::support::bootstrap::hcm;

/// Whether an HTTP field may hold the byte (RFC 9110, section 5.5: no control character but the tab).
fn is_carried(byte: u8) -> bool {
    matches!(byte, b'\t' | 0x20..=0x7e | 0x80..)
}

/// A header with `byte` amid a value that would do without it.
fn with_byte(name: &str, byte: u8) -> Headers {
    let (before, after) = match name {
        "authorization" => ("Bearer sk_test_FAKE-full", "-00000001"),
        "stripe-version" => ("2026", "-10-28.endive"),
        "stripe-context" | "stripe-account" => ("acct_", "2"),
        "x-keyward-principal" | "x_keyward_principal" => ("key=\"mk_forged\"", "x"),
        // Those by which keyward tells a preflight, an override or an address.
        _ => ("a", "b"),
    };
    let value = [before.as_bytes(), &[byte], after.as_bytes()].concat();
    let mut headers = if name == "authorization" {
        Vec::new()
    } else {
        caller(Some(FULL))
    };
    headers.push((name.into(), value));
    headers
}

fn reason(answer: &Answer) -> Option<&str> {
    answer
        .as_ref()
        .and_then(|answer| answer.header("x-keyward-denied"))
}

#[test]
fn no_byte_in_a_header_passes_crashes_or_is_taken_for_another() {
    let gate = Gate::open(json!({}), |builder| builder.allow_underscores());
    let ours = [
        (
            "authorization",
            &["malformed_credential", "unknown_key"][..],
        ),
        ("stripe-version", &["invalid_version"]),
        (
            "stripe-context",
            &["malformed_context", "account_not_accessible"],
        ),
        (
            "stripe-account",
            &["malformed_context", "account_not_accessible"],
        ),
        ("x-keyward-principal", &[]),
        ("x_keyward_principal", &["malformed_header"]),
        ("x-http-method-override", &[]),
        ("x-original-url", &[]),
        ("origin", &[]),
        ("access-control-request-method", &[]),
        ("x-forwarded-for", &[]),
    ];
    let mut sent = 0;
    for (name, reasons) in ours {
        for byte in 0..=0xff {
            for http2 in [false, true] {
                let headers = with_byte(name, byte);
                let send = if http2 { Gate::http2 } else { Gate::http1 };
                let (answer, seen) =
                    gate.seen_during(|| send(&gate, b"GET", b"/v1/balance", &headers, b""));
                sent += 1;
                let status = answer.as_ref().map_or(0, |answer| answer.status);
                let case = format!("byte {byte:#04x} in {name}, http2 {http2}: {status}");
                if byte == b'\r' && !http2 {
                    // Envoy's parser takes a lone CR out of a value. What keyward judges and what the upstream reads is then one and the same.
                    assert!(matches!(status, 200 | 400), "{case}: {answer:?}");
                    let held = |value: &[u8]| {
                        value.contains(&byte) || value.starts_with(b"key=\"mk_forged")
                    };
                    assert!(
                        !seen
                            .iter()
                            .flat_map(|seen| &seen.headers)
                            .any(|(_, value)| held(value)),
                        "{case}: {seen:?}"
                    );
                } else if !is_carried(byte) {
                    // Over HTTP/2 such a stream is reset or its connection closed.
                    assert!(status == 400 || (http2 && status == 0), "{case}");
                    assert!(seen.is_empty() && reason(&answer).is_none(), "{case}");
                } else if reasons.is_empty() {
                    assert_eq!(status, 200, "{case}");
                    assert_eq!(seen.len(), 1, "{case}");
                    let told = super::values(&seen[0], "x-keyward-principal");
                    assert!(
                        told.len() == 1 && told[0].starts_with(b"key=\"mk_full\", "),
                        "{case}: {seen:?}"
                    );
                } else {
                    assert!(seen.is_empty(), "{case}");
                    assert!(
                        reason(&answer).is_some_and(|reason| reasons.contains(&reason)),
                        "{case}: {answer:?}"
                    );
                }
            }
        }
    }
    gate.assert_sound(sent / 2);
}

#[test]
fn long_headers_are_read_whole() {
    let gate = Gate::open(json!({}), |builder| {
        builder
            .allow_underscores()
            .edit(|all| hcm(all)["max_request_headers_kb"] = json!(256))
    });
    // HTTP/2's header compression in Envoy takes no field of more than 64 KiB in all.
    let long = "a".repeat(65_000);
    let cases = [
        (
            "authorization",
            format!("Bearer sk_test_{long}"),
            Some("malformed_credential"),
        ),
        (
            "authorization",
            format!("Basic {long}"),
            Some("malformed_credential"),
        ),
        ("authorization", long.clone(), Some("malformed_credential")),
        (
            "authorization",
            format!("Bearer {}{FULL}", " ".repeat(65_000)),
            None,
        ),
        ("stripe-version", format!("2026-10-28.{long}"), None),
        (
            "stripe-version",
            format!("2026-10-28.endive{}", "; a=v1".repeat(9_000)),
            None,
        ),
        (
            "stripe-version",
            long.to_uppercase(),
            Some("invalid_version"),
        ),
        (
            "stripe-context",
            format!("acct_{long}"),
            Some("malformed_context"),
        ),
        (
            "stripe-context",
            "acct_2/".repeat(9_000),
            Some("malformed_context"),
        ),
        (
            "stripe-account",
            format!("acct_{long}"),
            Some("malformed_context"),
        ),
        ("x-keyward-principal", long.clone(), None),
        (
            "x_keyward_principal",
            long.clone(),
            Some("malformed_header"),
        ),
        ("x-http-method-override", long.clone(), None),
        ("origin", long.clone(), None),
    ];
    for (name, value, reason_wanted) in &cases {
        let mut headers = if *name == "authorization" {
            Vec::new()
        } else {
            caller(Some(FULL))
        };
        headers.extend(pairs(&[(name, value)]));
        for send in [Gate::http1, Gate::http2] {
            let (answer, seen) =
                gate.seen_during(|| send(&gate, b"GET", b"/v1/balance", &headers, b""));
            let told = answer
                .as_ref()
                .map(|answer| (answer.status, answer.header("x-keyward-denied")));
            assert_eq!(
                reason(&answer),
                *reason_wanted,
                "{name}: {value:.80}: {told:?}"
            );
            assert_eq!(
                seen.len(),
                usize::from(reason_wanted.is_none()),
                "{name}: {:.80}",
                value
            );
            let told: usize = seen
                .iter()
                .map(|seen| super::values(seen, "x-keyward-principal").concat().len())
                .sum();
            assert!(told < 200, "{name}: {:.80}", value);
            let body = answer.unwrap().body.len();
            assert!(
                reason_wanted.is_none() || body < 1_000,
                "{name}: a reply of {body} bytes"
            );
        }
    }
    // As a name, as a path and as many.
    let many: Headers = (0..90)
        .flat_map(|_| pairs(&[("x-keyward-principal", "forged")]))
        .collect();
    for more in [pairs(&[(&format!("x-{long}"), "a")]), many] {
        let headers = [caller(Some(FULL)), more].concat();
        let (answer, seen) = gate.seen_during(|| gate.http1(b"GET", b"/v1/balance", &headers, b""));
        assert_eq!(answer.unwrap().status, 200);
        assert_eq!(super::values(&seen[0], "x-keyward-principal").len(), 1);
    }
    let path = format!("/v1/customers/{long}");
    let answer = gate.http1(b"GET", path.as_bytes(), &caller(Some(super::LIMITED)), b"");
    assert_eq!(answer.unwrap().status, 200);
    gate.assert_sound(cases.len());
}
