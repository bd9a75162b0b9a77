//! Every byte and every size in the headers that decide about a caller, and in those that only
//! keyward may write.

use serde_json::json;

use super::{Answer, FULL, Gate, Headers, LIMITED, caller, pairs};
use crate::support::bootstrap::hcm;
use crate::support::upstream::Seen;

/// Returns whether an HTTP field may contain the byte (RFC 9110, section 5.5: no control character
/// except the tab).
fn is_carried(byte: u8) -> bool {
    matches!(byte, b'\t' | 0x20..=0x7e | 0x80..)
}

/// The position of the byte in a value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Amid,
    First,
    Last,
}

/// Returns a header with `byte` in a value that would be valid without it.
fn with_byte(name: &str, byte: u8, place: Place) -> Headers {
    let (before, after) = match name.replace(['_', '.'], "-").as_str() {
        "authorization" => ("Bearer sk_test_FAKE-full", "-00000001"),
        "stripe-version" => ("2026", "-10-28"),
        "stripe-context" | "stripe-account" => ("acct_", "2"),
        "x-keyward-principal" => ("key=\"mk_forged\"", "x"),
        // The headers that mean a preflight, an override or an address to keyward.
        _ => ("a", "b"),
    };
    let (before, after) = (before.as_bytes(), after.as_bytes());
    let value = match place {
        Place::Amid => [before, &[byte], after].concat(),
        Place::First => [&[byte], before, after].concat(),
        Place::Last => [before, after, &[byte]].concat(),
    };
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

/// Every header that a decision depends on, and the reasons for denying a strange byte in it. Empty
/// if every value is equally good.
const OURS: [(&str, &[&str]); 23] = [
    ("authorization", &["malformed_credential", "unknown_key"]),
    ("stripe-version", &["invalid_version"]),
    ("stripe-context", CONTEXT),
    ("stripe-account", CONTEXT),
    ("stripe_version", &["invalid_version"]),
    ("stripe_context", &["malformed_context"]),
    ("stripe-Account", CONTEXT),
    ("x-keyward-principal", &[]),
    ("x_keyward_principal", &["malformed_header"]),
    ("x-account-id", &[]),
    ("x_account-id", &["malformed_header"]),
    ("x.keyward.principal", &["malformed_header"]),
    ("stripe.context", &["malformed_context"]),
    ("x-http-method-override", &[]),
    ("x-http-method", &[]),
    ("x-method-override", &[]),
    ("x-original-url", &[]),
    ("x-original-uri", &[]),
    ("x-rewrite-url", &[]),
    ("script-name", &[]),
    ("origin", &[]),
    ("access-control-request-method", &[]),
    ("x-forwarded-for", &[]),
];

const CONTEXT: &[&str] = &["malformed_context", "account_not_accessible"];

/// Checks the answer and what arrived, for one byte in one header.
#[track_caller]
fn check(
    case: &str,
    byte: u8,
    place: Place,
    http2: bool,
    reasons: &[&str],
    came: (Answer, Vec<Seen>),
) {
    let (answer, seen) = came;
    let status = answer.as_ref().map_or(0, |answer| answer.status);
    let case = format!("{case}: {status}");
    // White space around a value is not part of it (RFC 9110, section 5.5).
    let is_trimmed = place != Place::Amid && matches!(byte, b' ' | b'\t');
    let is_line_end = byte == b'\r' || (byte == b'\n' && place == Place::Last);
    if is_line_end && !http2 {
        // Envoy's parser removes a lone CR from a value, and ends a line at a lone LF. keyward then
        // judges the same value that the upstream reads.
        assert!(matches!(status, 200 | 400), "{case}: {answer:?}");
        let held = |value: &[u8]| value.contains(&byte) || value.starts_with(b"key=\"mk_forged");
        let mut headers = seen.iter().flat_map(|seen| &seen.headers);
        assert!(!headers.any(|(_, value)| held(value)), "{case}: {seen:?}");
    } else if !is_carried(byte) {
        // Over HTTP/2 such a stream is reset, or its connection is closed.
        assert!(status == 400 || (http2 && status == 0), "{case}");
        assert!(seen.is_empty() && reason(&answer).is_none(), "{case}");
    } else if status == 200 {
        assert!(reasons.is_empty() || is_trimmed, "{case}");
        assert_eq!(seen.len(), 1, "{case}");
        let told = super::values(&seen[0], "x-keyward-principal");
        assert!(
            told.len() == 1 && told[0].starts_with(b"key=\"mk_full\", "),
            "{case}: {seen:?}"
        );
        let account = super::values(&seen[0], "x-account-id");
        assert!(
            matches!(account[..], [b"acct_1" | b"acct_2"]),
            "{case}: {seen:?}"
        );
    } else {
        assert!(seen.is_empty() && !reasons.is_empty(), "{case}");
        // HTTP/2 has no white space around values, so Envoy may reject it.
        let is_refused = is_trimmed && http2 && status == 400 && reason(&answer).is_none();
        assert!(
            is_refused || reason(&answer).is_some_and(|reason| reasons.contains(&reason)),
            "{case}: {answer:?}"
        );
    }
}

#[test]
fn no_byte_in_a_header_passes_crashes_or_is_taken_for_another() {
    let settings = json!({"identity_headers": {"x-account-id": "account"}});
    let gate = Gate::open(settings, |builder| builder.allow_underscores());
    for setting in gate.settings() {
        for (name, reasons) in OURS {
            let places = [Place::Amid, Place::First, Place::Last];
            // The settings concern paths, so one of them is enough to test every position.
            let places = if setting == "as sent" {
                &places[..]
            } else {
                &places[..1]
            };
            for (byte, place) in places
                .iter()
                .flat_map(|place| (0..=0xff).map(|byte| (byte, *place)))
            {
                for http2 in [false, true] {
                    let is_capital = name.bytes().any(|byte| byte.is_ascii_uppercase());
                    if http2 && is_capital {
                        continue;
                    }
                    let headers = with_byte(name, byte, place);
                    let send = if http2 { Gate::http2 } else { Gate::http1 };
                    let came =
                        gate.seen_during(|| send(&gate, b"GET", b"/v1/balance", &headers, b""));
                    let case =
                        format!("{setting}: byte {byte:#04x} {place:?} in {name}, http2 {http2}");
                    check(&case, byte, place, http2, reasons, came);
                }
            }
        }
    }
    gate.assert_sound(gate.sent() / 2);
}

/// An override remains an override with any byte in its value, and so does an upgrade: a limited
/// key reaches nothing with either.
#[test]
fn no_byte_makes_an_override_or_an_upgrade_another_header() {
    let gate = Gate::with_underscores();
    let names = OURS.map(|(name, _)| name);
    let overrides = names.into_iter().filter(|name| {
        ["method", "ur", "script"]
            .iter()
            .any(|part| name.contains(part))
    });
    for name in overrides
        .filter(|name| *name != "access-control-request-method")
        .chain(["upgrade"])
    {
        for byte in 0..=0xff {
            for send in [Gate::http1, Gate::http2] {
                let value = [b"a", &[byte][..], b"b"].concat();
                let headers = [caller(Some(LIMITED)), vec![(name.into(), value)]].concat();
                let (answer, seen) =
                    gate.seen_during(|| send(&gate, b"GET", b"/v1/customers", &headers, b""));
                let case = format!("byte {byte:#04x} in {name}: {answer:?}");
                // Envoy removes a lone CR, and an upgrade that no `Connection` names.
                let is_passed = answer.as_ref().is_some_and(|answer| answer.status == 200);
                assert!(!is_passed || name == "upgrade", "{case}");
                let told = seen.iter().flat_map(|seen| super::values(seen, name));
                assert_eq!(told.count(), 0, "{case}");
                if is_carried(byte) && name != "upgrade" {
                    assert_eq!(reason(&answer), Some("unknown_endpoint"), "{case}");
                }
            }
        }
    }
    gate.assert_sound(gate.sent() / 3);
}

#[test]
fn long_headers_are_read_whole() {
    let gate = Gate::open(json!({}), |builder| {
        builder
            .allow_underscores()
            .edit(|all| hcm(all)["max_request_headers_kb"] = json!(256))
    });
    for _ in gate.settings() {
        // HTTP/2's header compression in Envoy accepts no field of more than 64 KiB in total.
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
        // As a name, as a path, and as many headers.
        let many: Headers = (0..90)
            .flat_map(|_| pairs(&[("x-keyward-principal", "forged")]))
            .collect();
        for more in [pairs(&[(&format!("x-{long}"), "a")]), many] {
            let headers = [caller(Some(FULL)), more].concat();
            let (answer, seen) =
                gate.seen_during(|| gate.http1(b"GET", b"/v1/balance", &headers, b""));
            assert_eq!(answer.unwrap().status, 200);
            assert_eq!(super::values(&seen[0], "x-keyward-principal").len(), 1);
        }
        let path = format!("/v1/customers/{long}");
        let answer = gate.http1(b"GET", path.as_bytes(), &caller(Some(LIMITED)), b"");
        assert_eq!(answer.unwrap().status, 200);
    }
    gate.assert_sound(gate.sent() / 2);
}
