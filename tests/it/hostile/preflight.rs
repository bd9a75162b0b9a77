//! OPTIONS: a browser's preflight passes, and a request that only resembles one does not.

use serde_json::json;

use super::{FULL, Gate, Headers, LIMITED, bearer, pairs};
use crate::support::h2::Connection;

const PROBE: [(&str, &str); 2] = [
    ("origin", "https://app.example"),
    ("access-control-request-method", "DELETE"),
];

fn probe(more: &[(&str, &str)]) -> Headers {
    pairs(&[&PROBE[..], more].concat())
}

#[test]
fn a_preflight_passes_and_says_nothing_else() {
    let gate = Gate::with_underscores();
    let mut passed = 0;
    for _ in gate.settings() {
        let passing = [
            probe(&[]),
            probe(&[(
                "access-control-request-headers",
                "authorization, stripe-context",
            )]),
            probe(&[("origin", "null")]),
            probe(&[("content-length", "0")]),
            probe(&[("cookie", "a=b")]),
            probe(&[("x-keyward-principal", "key=\"mk_forged\"")]),
            probe(&[("x_keyward_principal", "key=\"mk_forged\"")]),
        ];
        for headers in &passing {
            for path in [
                "/v1/charges",
                "/nowhere",
                "/v1/../x",
                "*",
                "/v1/customers/%2e%2e/x",
            ] {
                for send in [Gate::http1, Gate::http2] {
                    let (answer, seen) =
                        gate.seen_during(|| send(&gate, b"OPTIONS", path.as_bytes(), headers, b""));
                    let status = answer.unwrap().status;
                    if path == "*" {
                        // Envoy answered itself, before the filters.
                        assert_eq!((status, seen.len()), (404, 0), "{headers:?}");
                        continue;
                    }
                    passed += 1;
                    assert_eq!(status, 200, "{path} {headers:?}");
                    assert_eq!(seen[0].method, b"OPTIONS");
                    assert!(super::values(&seen[0], "x-keyward-principal").is_empty());
                    assert!(seen[0].body.is_empty());
                }
            }
        }
    }
    let allowed = gate.envoy.requests_total("allow", "preflight");
    assert_eq!(allowed, passed);
    gate.assert_sound(gate.sent());
}

#[test]
fn what_resembles_a_preflight_needs_a_key_and_is_no_endpoint() {
    let gate = Gate::open(json!({"allow_upgrades": false}), |builder| {
        builder.allow_underscores().allow_upgrades(&["websocket"])
    });
    let mut sent = 0;
    for _ in gate.settings() {
        let full = bearer(FULL).1;
        let limited = bearer(LIMITED).1;
        let mut cases: Vec<(&str, Headers)> = vec![
            ("no origin", pairs(&PROBE[1..])),
            ("no method", pairs(&PROBE[..1])),
            ("neither", Vec::new()),
            (
                "underscores",
                pairs(&[("origin", "x"), ("access_control_request_method", "GET")]),
            ),
            (
                "upgrade",
                probe(&[("connection", "upgrade"), ("upgrade", "websocket")]),
            ),
        ];
        for (name, value) in [
            ("authorization", full.as_str()),
            ("authorization", limited.as_str()),
            ("authorization", ""),
            ("authorization", "Bearer"),
            ("stripe-version", "2026-10-28"),
            ("stripe-context", "acct_1"),
            ("stripe-account", ""),
            ("stripe_account", "acct_1"),
            ("stripe-signature", "x"),
            ("Stripe_Anything", "x"),
            ("Stripe.Anything", "x"),
            ("content.length", "3"),
            ("Script-Name", "/a"),
            ("X.HTTP.Method.Override", "GET"),
            ("x-http-method-override", "DELETE"),
            ("X_HTTP_Method_Override", "GET"),
            ("x-http-method", "GET"),
            ("x-method-override", "GET"),
            ("x-original-url", "/admin"),
            ("x-rewrite-url", "/admin"),
            ("x_original_uri", "/admin"),
        ] {
            cases.push((name, probe(&[(name, value)])));
        }
        let mut expect = |what: &str, answer: super::Answer, seen: usize, with_key: bool| {
            sent += 1;
            let answer = answer.unwrap_or_else(|| panic!("{what}: no answer"));
            assert_eq!(seen, 0, "{what}");
            let reason = answer
                .header("x-keyward-denied")
                .unwrap_or_else(|| panic!("{what}: {answer:?}"));
            let wanted: &[&str] = if with_key {
                &["unknown_endpoint"]
            } else {
                &[
                    "missing_credential",
                    "malformed_credential",
                    "unknown_endpoint",
                ]
            };
            assert!(wanted.contains(&reason), "{what}: {reason}");
        };
        for (name, headers) in &cases {
            let lower: Headers = headers
                .iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
                .collect();
            for path in [&b"/v1/charges"[..], b"/healthz"] {
                let (answer, seen) =
                    gate.seen_during(|| gate.http1(b"OPTIONS", path, headers, b""));
                expect(name, answer, seen.len(), false);
                if *name != "upgrade" {
                    let (answer, seen) =
                        gate.seen_during(|| gate.http2(b"OPTIONS", path, &lower, b""));
                    expect(name, answer, seen.len(), false);
                }
            }
        }
        // Bodies: with a length, in chunks (empty ones as well), and over HTTP/2 without
        // END_STREAM.
        for (key, with_key) in [(None, false), (Some(FULL), true), (Some(LIMITED), true)] {
            let headers = [super::caller(key), probe(&[])].concat();
            let (answer, seen) =
                gate.seen_during(|| gate.http1(b"OPTIONS", b"/v1/charges", &headers, b"a=b"));
            expect("body", answer, seen.len(), with_key);
            let (answer, seen) =
                gate.seen_during(|| gate.http2(b"OPTIONS", b"/v1/charges", &headers, b"a=b"));
            expect("body over http2", answer, seen.len(), with_key);
            let own = key
                .map(|key| format!("authorization: {}\r\n", bearer(key).1))
                .unwrap_or_default();
            for chunks in ["3\r\na=b\r\n0\r\n\r\n", "0\r\n\r\n"] {
                let bytes = format!(
                    "OPTIONS /v1/charges HTTP/1.1\r\nhost: gate\r\n{own}origin: x\r\naccess-control-request-method: GET\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"
                );
                let (answer, seen) = gate.seen_during(|| gate.raw(bytes.as_bytes()));
                expect("chunks", answer, seen.len(), with_key);
            }
            let fields: Vec<(&[u8], &[u8])> = [
                (&b":method"[..], &b"OPTIONS"[..]),
                (b":scheme", b"http"),
                (b":authority", b"gate"),
                (b":path", b"/v1/charges"),
            ]
            .into_iter()
            .chain(headers.iter().map(|(name, value)| (&**name, &**value)))
            .collect();
            let (answer, seen) =
                gate.seen_during(|| gate.exchange(&fields, b"", &[(b"x-t", b"1")]));
            expect("open stream", answer, seen.len(), with_key);
        }
    }
    gate.assert_sound(sent);
}

/// Returns a preflight's fields over HTTP/2, plus some more.
fn fields<'a>(more: &'a [(&'a str, &'a str)]) -> Vec<(&'a [u8], &'a [u8])> {
    let all = [
        (":method", "OPTIONS"),
        (":scheme", "http"),
        (":authority", "gate"),
        (":path", "/v1/charges"),
    ];
    let all = all.iter().chain(&PROBE).chain(more);
    all.map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect()
}

#[test]
fn a_length_of_0_lets_the_stream_end_after_the_headers() {
    let gate = Gate::shipped();
    let mut passed = 0;
    for _ in gate.settings() {
        for pieces in [&[][..], &[&b""[..]], &[b"", b""]] {
            let (answer, seen) =
                gate.seen_during(|| gate.frames(&fields(&[("content-length", "0")]), pieces));
            passed += 1;
            assert_eq!(answer.unwrap().status, 200, "{pieces:?}");
            assert_eq!(seen.len(), 1);
            assert!(seen[0].body.is_empty());
        }
        // Without a length, the filter sees no end of the stream when it decides.
        let (answer, seen) = gate.seen_during(|| gate.frames(&fields(&[]), &[b""]));
        let answer = answer.unwrap();
        let reason = answer.header("x-keyward-denied");
        assert_eq!((reason, seen.len()), (Some("missing_credential"), 0));
        // Even with a length of 0, a key's OPTIONS is not an endpoint.
        let key = bearer(FULL).1;
        let more = [("content-length", "0"), ("authorization", &*key)];
        let (answer, seen) = gate.seen_during(|| gate.frames(&fields(&more), &[b""]));
        let answer = answer.unwrap();
        let reason = answer.header("x-keyward-denied");
        assert_eq!((reason, seen.len()), (Some("unknown_endpoint"), 0));
    }
    let allowed = gate.envoy.requests_total("allow", "preflight");
    assert_eq!(allowed, passed);
    gate.assert_sound(gate.sent());
}

/// The rule on a length of 0 depends on this: Envoy cuts off a client that still sends a body, and
/// no byte of it reaches the upstream.
#[test]
fn envoy_holds_a_client_to_a_length_of_0() {
    let gate = Gate::shipped();
    let other = b"GET /v1/smuggled HTTP/1.1\r\nhost: gate\r\n\r\n";
    // Heads of requests that are cut off may reach the upstream late, so the test looks at what
    // arrived only at the end.
    let ((), seen) = gate.seen_during(|| {
        for _ in gate.settings() {
            for pieces in [
                &[&b"a=b"[..]][..],
                &[b"", b"a=b"],
                &[other],
                &[b"", other, b""],
            ] {
                let all = fields(&[("content-length", "0")]);
                let answer = gate.frames(&all, pieces);
                assert!(answer.is_none_or(|answer| answer.status == 400));
                // The head alone is a preflight. What follows its answer is no part of it.
                let answer = Connection::open(gate.address()).exchange_late(&all, pieces);
                assert_eq!(answer.response().status, 200);
            }
            for lengths in [["0", "3"], ["3", "0"]] {
                let lengths = lengths.map(|length| ("content-length", length));
                let more = [&lengths[..], &[("cookie", "of=two-lengths")]].concat();
                let answer = gate.frames(&fields(&more), &[b"a=b"]);
                assert!(answer.is_none_or(|answer| answer.status == 400));
            }
        }
        gate.assert_sound(0);
    });
    for request in seen.iter().filter(|request| request.method != b"GET") {
        assert_eq!(request.method, b"OPTIONS");
        assert!(request.body.is_empty());
        assert!(super::values(request, "cookie").is_empty());
    }
    let smuggled = |request: &&crate::support::upstream::Seen| request.path == b"/v1/smuggled";
    assert_eq!(seen.iter().filter(smuggled).count(), 0);
}

#[test]
fn a_checked_preflight_needs_a_key_and_is_no_endpoint() {
    let gate = Gate::open(json!({"preflight": "check"}), |builder| builder);
    for _ in gate.settings() {
        let answer = gate
            .http1(b"OPTIONS", b"/v1/charges", &probe(&[]), b"")
            .unwrap();
        assert_eq!(
            answer.header("x-keyward-denied"),
            Some("missing_credential")
        );
    }
    gate.assert_sound(1);
}
