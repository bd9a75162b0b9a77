//! The same request in pieces: byte by byte, in packets of every kind, in many frames, several
//! requests in one packet, and heads that are larger than Envoy accepts.

use super::{FULL, Gate, Headers, LIMITED, PUBLISHABLE, caller, pairs};
use crate::support::h2;
use crate::support::http::{Connection, Response};

/// Returns some requests, each with its deny reason under one of Envoy's ways to treat paths.
fn cases(setting: &str) -> Vec<(&'static str, &'static str, Headers, Option<&'static str>)> {
    // The path once its dots are resolved.
    let climbing = if setting == "as sent" {
        "unknown_endpoint"
    } else {
        "insufficient_permission"
    };
    let with = |key, more: &[(&str, &str)]| [caller(key), pairs(more)].concat();
    vec![
        ("GET", "/v1/customers", with(Some(LIMITED), &[]), None),
        (
            "GET",
            "/v1/charges",
            with(Some(LIMITED), &[]),
            Some("insufficient_permission"),
        ),
        (
            "GET",
            "/v1/balance",
            with(Some(FULL), &[("stripe-context", "acct_2")]),
            None,
        ),
        (
            "GET",
            "/v1/balance",
            with(Some(FULL), &[("stripe-context", "acct_9")]),
            Some("account_not_accessible"),
        ),
        (
            "GET",
            "/v1/balance",
            with(None, &[]),
            Some("missing_credential"),
        ),
        ("GET", "/v1/prices", with(Some(PUBLISHABLE), &[]), None),
        (
            "GET",
            "/healthz",
            with(None, &[("x-keyward-principal", "forged")]),
            None,
        ),
        (
            "GET",
            "/v1/customers/../charges",
            with(Some(LIMITED), &[]),
            Some(climbing),
        ),
    ]
}

fn spell(method: &str, path: &str, headers: &Headers) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nhost: gate\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend([name.as_slice(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend(b"\r\n");
    bytes
}

#[track_caller]
fn assert_answer(answer: &Response, reason: Option<&str>, what: &str) {
    assert_eq!(answer.header("x-keyward-denied"), reason, "{what}");
    assert_eq!(answer.status == 200, reason.is_none(), "{what}");
}

#[test]
fn a_request_in_pieces_is_the_same_request() {
    let gate = Gate::shipped();
    let mut sent = 0;
    for setting in gate.settings() {
        for (method, path, headers, reason) in cases(setting) {
            let bytes = spell(method, path, &headers);
            for size in [1, 2, 3, 7, 40] {
                let mut connection = Connection::open(gate.address());
                for piece in bytes.chunks(size) {
                    connection.send_raw(piece).unwrap();
                    if size < 7 {
                        // Each in its own packet.
                        std::thread::yield_now();
                    }
                }
                let answer = connection.read_response(false).unwrap();
                sent += 1;
                assert_answer(&answer, reason, &format!("{path} by {size}"));
            }
            // HTTP/2: CONTINUATION frames.
            for parts in [2, 5] {
                let block: usize = headers
                    .iter()
                    .map(|(name, value)| name.len() + value.len())
                    .sum();
                let mut connection =
                    h2::Connection::open(gate.address()).with_pieces((block + 80) / parts);
                let answer = connection.request(method, path, &headers, b"").response();
                sent += 1;
                assert_answer(&answer, reason, &format!("{path} in {parts} frames"));
            }
        }
    }
    gate.assert_sound(sent);
}

/// Envoy closes a connection after its own answer if more data had arrived in the same packet
/// (after a direct response as well), so a denial may be the last answer. Every answer is correct,
/// and a request without an answer reached no upstream.
#[test]
fn requests_in_one_packet_are_judged_one_by_one() {
    let gate = Gate::shipped();
    for setting in gate.settings() {
        let mut answered = 0;
        let cases = cases(setting);
        for start in 0..cases.len() {
            let turned: Vec<_> = cases.iter().cycle().skip(start).take(cases.len()).collect();
            let all: Vec<u8> = turned
                .iter()
                .flat_map(|(method, path, headers, _)| spell(method, path, headers))
                .collect();
            for size in [all.len(), 100, 11] {
                let ((), seen) = gate.seen_during(|| {
                    let mut connection = Connection::open(gate.address());
                    for piece in all.chunks(size) {
                        if connection.send_raw(piece).is_err() {
                            break;
                        }
                    }
                    let mut before = None;
                    for (_, path, _, reason) in &turned {
                        let what = format!("{path} by {size}, from {start}");
                        let Ok(answer) = connection.read_response(false) else {
                            assert!(before.is_some(), "{what}: closed without a denial");
                            break;
                        };
                        assert_answer(&answer, *reason, &what);
                        answered += 1;
                        before = *reason;
                    }
                });
                for seen in seen {
                    let path = String::from_utf8(seen.path).unwrap();
                    let mut passing = cases.iter().filter(|case| case.3.is_none());
                    assert!(passing.any(|case| case.1 == path), "{path}");
                }
            }
        }
        assert!(answered > cases.len() * 3 * 2, "{answered}");
        // One connection, over HTTP/2.
        let mut connection = h2::Connection::open(gate.address());
        for (method, path, headers, reason) in &cases {
            let answer = connection.request(method, path, headers, b"").response();
            assert_answer(&answer, *reason, path);
        }
    }
    gate.assert_sound(gate.sent());
}

/// As shipped, Envoy accepts 60 KiB of headers, and answers itself beyond that.
#[test]
fn sixty_four_kibibytes_are_too_much_for_envoy_as_shipped() {
    let gate = Gate::shipped();
    for _ in gate.settings() {
        let long = "a".repeat(64 << 10);
        for name in [
            "authorization",
            "stripe-version",
            "stripe-context",
            "stripe-account",
            "x-keyward-principal",
            "x-forwarded-for",
            "x-http-method-override",
            "origin",
            "x-other",
        ] {
            for path in ["/v1/balance", "/healthz"] {
                let own = if name == "authorization" {
                    None
                } else {
                    Some(FULL)
                };
                let headers = [caller(own), pairs(&[(name, &long)])].concat();
                for send in [Gate::http1, Gate::http2] {
                    let (answer, seen) =
                        gate.seen_during(|| send(&gate, b"GET", path.as_bytes(), &headers, b""));
                    assert!(seen.is_empty(), "{name} {path}");
                    let status = answer.map_or(0, |answer| answer.status);
                    // Over HTTP/2 the stream may be reset.
                    assert!(matches!(status, 0 | 431), "{name} {path}: {status}");
                }
            }
        }
        // Just below, keyward answers.
        let headers = [caller(None), pairs(&[("authorization", &long[..59_000])])].concat();
        let answer = gate.http1(b"GET", b"/v1/balance", &headers, b"").unwrap();
        assert_answer(&answer, Some("malformed_credential"), "59,000 bytes");
    }
    gate.assert_sound(1);
}
