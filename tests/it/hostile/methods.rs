//! Methods that no endpoint has, HEAD, and how a gRPC client is denied.

use super::{FULL, Gate, LIMITED, PUBLISHABLE, caller, pairs};

const STRANGE: [&str; 26] = [
    "OPTIONS", "TRACE", "PURGE", "LINK", "UNLINK", "PROPFIND", "MKCOL", "COPY", "MOVE", "LOCK",
    "REPORT", "SEARCH", "QUERY", "M-SEARCH", "BREW", "get", "Get", "gET", "post", "delete",
    "options", "GETS", "GE", "POST_", "HEADER", "X",
];

#[test]
fn a_strange_method_reaches_nothing_for_any_key() {
    let gate = Gate::shipped();
    let mut sent = 0;
    for _ in gate.settings() {
        let longest = "A".repeat(5_000);
        for method in STRANGE.into_iter().chain([
            "",
            " ",
            "GET\0",
            "G\u{e9}T",
            "GET,POST",
            "GET/",
            "PRI",
            "(",
            longest.as_str(),
        ]) {
            for key in [None, Some(FULL), Some(LIMITED), Some(PUBLISHABLE)] {
                for path in [&b"/v1/customers"[..], b"/healthz"] {
                    for protocol in ["http1", "http2"] {
                        let send = if protocol == "http2" {
                            Gate::http2
                        } else {
                            Gate::http1
                        };
                        let (answer, seen) = gate.seen_during(|| {
                            send(&gate, method.as_bytes(), path, &caller(key), b"")
                        });
                        sent += 1;
                        assert!(seen.is_empty(), "`{method:.20}` {protocol}: {seen:?}");
                        let status = answer.as_ref().map_or(0, |answer| answer.status);
                        match answer
                            .as_ref()
                            .and_then(|answer| answer.header("x-keyward-denied"))
                        {
                            Some(reason) => {
                                let wanted = if key.is_some() {
                                    "unknown_endpoint"
                                } else {
                                    "missing_credential"
                                };
                                assert_eq!(reason, wanted, "`{method:.20}` {protocol}");
                            }
                            None => {
                                assert!(
                                    status == 0 || (400..500).contains(&status),
                                    "`{method:.20}`: {status}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }
    gate.assert_sound(sent / 2);
}

#[test]
fn head_is_judged_as_get_and_answered_without_a_body() {
    let gate = Gate::shipped();
    for _ in gate.settings() {
        let cases: [(&[u8], Option<&str>); 9] = [
            (b"/v1/customers", Some(LIMITED)),
            (b"/v1/charges", Some(LIMITED)),
            (b"/v1/customers/export", Some(LIMITED)),
            (b"/v1/customers", None),
            (b"/v1/customers", Some("sk_test_FAKE-nobody-01")),
            (b"/healthz", None),
            (b"/nowhere", Some(LIMITED)),
            (b"/v1/charges", Some(PUBLISHABLE)),
            (b"/v1/prices", Some(PUBLISHABLE)),
        ];
        for (path, key) in cases {
            for send in [Gate::http1, Gate::http2] {
                let (get, got) =
                    gate.seen_during(|| send(&gate, b"GET", path, &caller(key), b"").unwrap());
                let (head, headed) =
                    gate.seen_during(|| send(&gate, b"HEAD", path, &caller(key), b"").unwrap());
                assert_eq!(
                    (get.status, got.len()),
                    (head.status, headed.len()),
                    "{}",
                    path.escape_ascii()
                );
                assert!(head.body.is_empty());
                assert_eq!(
                    get.header("x-keyward-denied"),
                    head.header("x-keyward-denied")
                );
                if get.status == 200 {
                    continue;
                }
                // The id and the time differ. HEAD reports the body's length that GET would have.
                let told = |response: &crate::support::http::Response| {
                    let mut headers: Vec<_> = response
                        .headers
                        .iter()
                        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
                        .collect();
                    headers.retain(|(name, _)| !matches!(&name[..], b"request-id" | b"date"));
                    headers.sort();
                    headers
                };
                let (get, head) = (told(&get), told(&head));
                // The message for an unknown endpoint names the method, and `HEAD` is one character
                // longer.
                if path == b"/nowhere" {
                    assert_eq!(get.len(), head.len());
                } else {
                    assert_eq!(get, head, "{}", path.escape_ascii());
                }
            }
        }
    }
    gate.assert_sound(gate.sent());
}

/// As documented: status 200, with the verdict in `grpc-status`. To count denials, count filter
/// state.
#[test]
fn a_grpc_client_is_denied_with_a_grpc_status() {
    let gate = Gate::shipped();
    for _ in gate.settings() {
        for kind in ["application/grpc", "application/grpc+proto"] {
            for (key, grpc, reason) in [
                (None, "16", "missing_credential"),
                (Some(LIMITED), "7", "insufficient_permission"),
                (Some("sk_test_FAKE-nobody-01"), "16", "unknown_key"),
            ] {
                let headers = [
                    caller(key),
                    pairs(&[("content-type", kind), ("te", "trailers")]),
                ]
                .concat();
                let (answer, seen) = gate.seen_during(|| {
                    gate.http2(b"POST", b"/v1/charges", &headers, b"\0\0\0\0\0")
                        .unwrap()
                });
                assert!(seen.is_empty());
                assert_eq!(
                    (answer.status, answer.header("grpc-status")),
                    (200, Some(grpc)),
                    "{answer:?}"
                );
                assert_eq!(answer.header("x-keyward-denied"), Some(reason));
                gate.envoy.logged("a denial with status 200", |line| {
                    line["response_code"] == 200
                        && line["keyward"]
                            .as_str()
                            .is_some_and(|state| state.starts_with(&format!("deny {reason} ")))
                });
            }
        }
    }
    gate.assert_sound(6);
}
