//! Hop-by-hop headers, names and lines that are not headers, trailers, and credentials that are not
//! passed on.

use serde_json::json;

use super::{Answer, FULL, Gate, Headers, LIMITED, SHADOW, caller, pairs, values};
use crate::support::upstream::Seen;

/// Asserts that what keyward reports to the upstream agrees with what the upstream reads.
#[track_caller]
fn assert_agrees(seen: &Seen, what: &str) {
    let principal = values(seen, "x-keyward-principal");
    assert_eq!(principal.len(), 1, "{what}: {seen:?}");
    let principal = String::from_utf8_lossy(principal[0]).into_owned();
    let context = values(seen, "stripe-context").concat();
    let account = values(seen, "stripe-account").concat();
    let connected = context == b"acct_2" || account == b"acct_2";
    assert_eq!(
        principal.contains("path=\"acct_1/acct_2\""),
        connected,
        "{what}: {seen:?}"
    );
    assert!(!principal.contains("forged"), "{what}");
}

#[test]
fn hop_by_hop_headers_take_nothing_off_what_was_decided() {
    let gate = Gate::with_underscores();
    let mut sent = 0;
    for _ in gate.settings() {
        let nominations = [
            "x-keyward-principal",
            "X-Keyward-Principal",
            "authorization",
            "stripe-context",
            "Stripe-Context, Stripe-Account",
            "close, x-keyward-principal",
            "keep-alive, stripe-context",
            "te, x-keyward-principal",
            "x-keyward-principal,authorization,stripe-context",
            "stripe_context",
            "stripe.context",
            "x.keyward.principal, script-name",
            "host",
            ":path",
            ":method, :path",
            "upgrade",
            "connection",
            "x-envoy-original-path",
            "transfer-encoding",
            "content-length",
            "*",
            "",
            ",",
            "x-http-method-override",
        ];
        for nomination in nominations {
            for name in [
                "connection",
                "Connection",
                "proxy-connection",
                "keep-alive",
                "trailer",
                "te",
            ] {
                for key in [FULL, LIMITED] {
                    for account in ["stripe-context", "stripe-account"] {
                        let more = pairs(&[
                            (account, "acct_2"),
                            ("x-keyward-principal", "key=\"mk_forged\""),
                            (name, nomination),
                            ("te", "trailers"),
                        ]);
                        let headers = [caller(Some(key)), more].concat();
                        let (answer, seen) = gate
                            .seen_during(|| gate.http1(b"GET", b"/v1/customers", &headers, b""));
                        sent += 1;
                        let what = format!("{name}: {nomination}");
                        let status = answer.as_ref().map_or(0, |answer| answer.status);
                        assert!(
                            status == 200 || (400..500).contains(&status),
                            "{what}: {status}"
                        );
                        seen.iter().for_each(|seen| assert_agrees(seen, &what));
                    }
                }
            }
        }
    }
    gate.assert_sound(sent / 2);
}

#[test]
fn lines_that_are_no_headers_are_refused_or_carry_nothing() {
    let gate = Gate::with_underscores();
    for _ in gate.settings() {
        let key = format!("authorization: Bearer {FULL}\r\n");
        let lines = [
            "x-keyward-principal : forged",
            "x-keyward-principal\t: forged",
            " x-keyward-principal: forged",
            "\tx-keyward-principal: forged",
            "x: y\r\n x-keyward-principal: forged",
            "x: y\r\n\tx-keyward-principal: forged",
            "x-keyward-principal: a\r\n forged",
            "x-keyward-principal",
            "x-keyward-principal=forged",
            ": forged",
            "x-keyward-principal\0: forged",
            "\0x-keyward-principal: forged",
            "x: y\rx-keyward-principal: forged",
            "x: y\nx-keyward-principal: forged",
            "x: y\n\rx-keyward-principal: forged",
            "x\u{a0}keyward-principal: forged",
            "x-keyward-principal\u{a0}: forged",
            "(x-keyward-principal): forged",
            "x-keyward-principal;a: forged",
            ":authority: forged",
            ":path: /admin",
            ":method: POST",
            "stripe-context : acct_2",
            "x: y\nstripe-context: acct_2",
            "x: y\rstripe-context: acct_2",
            "stripe-context: acct_1\r\n acct_2",
        ];
        for line in lines {
            for (path, own) in [("/v1/balance", key.as_str()), ("/healthz", "")] {
                let bytes =
                    format!("GET {path} HTTP/1.1\r\nhost: gate\r\n{own}{line}\r\nend: x\r\n\r\n");
                let (answer, seen) = gate.seen_during(|| gate.raw(bytes.as_bytes()));
                let status = answer.as_ref().map_or(0, |answer| answer.status);
                assert!(matches!(status, 0 | 200 | 400 | 401), "{line:?}: {status}");
                for seen in seen {
                    let told = values(&seen, "x-keyward-principal").concat();
                    assert!(
                        !told.windows(6).any(|part| part == b"forged"),
                        "{line:?}: {seen:?}"
                    );
                    assert_eq!(told.is_empty(), path == "/healthz", "{line:?}");
                    assert_eq!(seen.path, path.as_bytes(), "{line:?}");
                    if path == "/v1/balance" {
                        assert_agrees(&seen, line);
                    }
                }
            }
        }
    }
    gate.assert_sound(1);
}

#[test]
fn trailers_carry_no_identity() {
    let gate = Gate::with_underscores();
    for _ in gate.settings() {
        let authorization = format!("Bearer {FULL}");
        let fields: [(&[u8], &[u8]); 6] = [
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":authority", b"gate"),
            (b":path", b"/v1/customers"),
            (b"te", b"trailers"),
            (b"authorization", authorization.as_bytes()),
        ];
        let forged: [(&[u8], &[u8]); 4] = [
            (b"x-keyward-principal", b"forged"),
            (b"x_keyward_principal", b"forged"),
            (b"stripe-context", b"acct_2"),
            (b"authorization", b"Bearer forged"),
        ];
        for (body, fields) in [
            (&b""[..], &fields[..]),
            (b"a=b", &fields),
            (b"", &fields[..5]),
            (b"a=b", &fields[..5]),
        ] {
            let (answer, seen) = gate.seen_during(|| gate.exchange(fields, body, &forged));
            let passes = fields.len() == 6;
            assert_eq!(
                answer.map(|answer| answer.status),
                Some(if passes { 200 } else { 401 })
            );
            assert_eq!(seen.len(), usize::from(passes));
            seen.iter()
                .for_each(|seen| assert_agrees(seen, "http2 trailers"));
        }
        let bytes = format!(
            "POST /v1/customers HTTP/1.1\r\nhost: gate\r\nauthorization: {authorization}\r\ntransfer-encoding: chunked\r\ntrailer: x-keyward-principal\r\n\r\n3\r\na=b\r\n0\r\nX-Keyward-Principal: forged\r\nX_Keyward_Principal: forged\r\nStripe-Context: acct_2\r\n\r\n"
        );
        let (answer, seen) = gate.seen_during(|| gate.raw(bytes.as_bytes()));
        assert_eq!(answer.unwrap().status, 200);
        assert_agrees(&seen[0], "http1 trailers");
    }
    gate.assert_sound(5);
}

#[test]
fn a_credential_that_stays_here_never_arrives() {
    let gate = Gate::open(
        json!({"forward_credential": false, "enforcement": "shadow"}),
        |builder| builder.allow_underscores(),
    );
    for _ in gate.settings() {
        let key = format!("Bearer {FULL}");
        let twice: Headers = pairs(&[("authorization", &key), ("authorization", &key)]);
        let credentials = [
            caller(Some(FULL)),
            caller(Some(LIMITED)),
            caller(Some(SHADOW)),
            twice,
            pairs(&[("AUTHORIZATION", &key)]),
            pairs(&[("authorization", "")]),
            pairs(&[("authorization", "Digest x")]),
            pairs(&[("authorization", &key), ("connection", "authorization")]),
            pairs(&[("authorization", "Basic c2tfdGVzdF9GQUtFOng=")]),
            Vec::new(),
        ];
        for credential in &credentials {
            for (method, path) in [
                ("GET", "/v1/balance"),
                ("GET", "/healthz"),
                ("GET", "/v1/customers"),
                ("HEAD", "/v1/customers"),
                ("OPTIONS", "/v1/customers"),
            ] {
                let probe = if method == "OPTIONS" {
                    pairs(&[("origin", "x"), ("access-control-request-method", "GET")])
                } else {
                    Vec::new()
                };
                let headers = [credential.clone(), probe].concat();
                let (answer, seen): (Answer, _) = gate
                    .seen_during(|| gate.http1(method.as_bytes(), path.as_bytes(), &headers, b""));
                assert_eq!(answer.unwrap().status, 200);
                assert!(
                    values(&seen[0], "authorization").is_empty(),
                    "{method} {path}: {seen:?}"
                );
            }
        }
    }
    gate.assert_sound(gate.sent());
}
