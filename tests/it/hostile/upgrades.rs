//! CONNECT and Upgrade: after a switch of protocols raw bytes flow, so a request needs permission
//! for it.

use std::time::Duration;

use serde_json::json;

use super::{FULL, Gate, LIMITED, SHADOW, bearer, caller, pairs, values};
use crate::support::bootstrap::hcm;
use crate::support::builder::Builder;
use crate::support::http::{Connection, Response};

/// Starts an Envoy that allows everything that could bypass a filter.
fn open(allow: bool, idle: &'static str) -> Gate {
    Gate::open(json!({"allow_upgrades": allow}), |builder: Builder| {
        builder
            .allow_upgrades(&["websocket", "h2c", "foo", "CONNECT"])
            .edit(move |all| {
                // Nothing else ends an upgraded stream.
                hcm(all)["stream_idle_timeout"] = json!(idle);
                hcm(all)["http2_protocol_options"] = json!({"allow_connect": true});
            })
    })
}

/// Returns the head of the answer. After a switch of protocols, also the answer to `echo`.
fn upgrade(gate: &Gate, head: &str) -> (Response, Option<Vec<u8>>) {
    let mut connection = Connection::open(gate.address()).with_timeout(Duration::from_secs(10));
    connection.send_raw(head.as_bytes()).unwrap();
    let response = connection.read_head().unwrap();
    let echo = (response.status == 101).then(|| {
        connection.send_raw(b"raw bytes").unwrap();
        connection.read_exact(9).unwrap()
    });
    (response, echo)
}

#[test]
fn an_upgrade_passes_where_it_is_allowed_and_nowhere_else() {
    for allow in [false, true] {
        let gate = open(allow, "30s");
        let mut sent = 0;
        for _ in gate.settings() {
            for protocol in [
                "websocket",
                "WebSocket",
                "foo",
                "h2c",
                "websocket, h2c",
                "unknown",
                "",
            ] {
                for connection in [
                    "upgrade",
                    "Upgrade",
                    "keep-alive, Upgrade",
                    "upgrade, http2-settings",
                    "close",
                ] {
                    for (key, path, may) in [
                        (None, "/v1/customers", false),
                        (Some(LIMITED), "/v1/customers", true),
                        (Some(LIMITED), "/v1/charges", false),
                        (Some(FULL), "/v1/charges", true),
                        (None, "/healthz", true),
                    ] {
                        let own = key
                            .map(|key| format!("authorization: {}\r\n", bearer(key).1))
                            .unwrap_or_default();
                        let head = format!(
                            "GET {path} HTTP/1.1\r\nhost: gate\r\n{own}connection: {connection}\r\nupgrade: {protocol}\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"
                        );
                        let ((response, echo), seen) = gate.seen_during(|| upgrade(&gate, &head));
                        sent += 1;
                        let what = format!(
                            "allow {allow}, `{protocol}`, `{connection}`, {key:?} {path}: {} {:?}",
                            response.status,
                            response.header("x-keyward-denied")
                        );
                        assert!(response.status < 500, "{what}");
                        if !may {
                            assert!(seen.is_empty(), "{what}");
                        }
                        if !allow {
                            assert!(
                                echo.is_none()
                                    && seen.iter().all(|seen| seen.headers("upgrade").is_empty()),
                                "{what}"
                            );
                        }
                        if let Some(echo) = echo {
                            assert!(allow && may && echo == b"raw bytes", "{what}");
                        }
                        if allow && may && protocol == "websocket" && connection == "upgrade" {
                            assert_eq!(response.status, 101, "{what}");
                        }
                    }
                }
            }
        }
        gate.assert_sound(sent / 2);
    }
}

#[test]
fn connect_passes_for_no_key() {
    for allow in [false, true] {
        let gate = open(allow, "30s");
        let mut sent = 0;
        for _ in gate.settings() {
            for key in [None, Some(FULL), Some(LIMITED)] {
                let own = key
                    .map(|key| format!("authorization: {}\r\n", bearer(key).1))
                    .unwrap_or_default();
                let wanted = if key.is_some() {
                    "unknown_endpoint"
                } else {
                    "missing_credential"
                };
                for target in [
                    "gate:80",
                    "gate",
                    "/healthz",
                    "/v1/customers",
                    "http://gate/healthz",
                    "*",
                ] {
                    let head = format!("CONNECT {target} HTTP/1.1\r\nhost: gate\r\n{own}\r\n");
                    let (answer, seen) = gate.seen_during(|| gate.raw(head.as_bytes()));
                    sent += 1;
                    assert!(seen.is_empty(), "{target}");
                    let answer = answer.unwrap();
                    match answer.header("x-keyward-denied") {
                        Some(reason) => assert_eq!(reason, wanted, "{target}"),
                        None => assert_eq!(answer.status, 400, "{target}"),
                    }
                }
                let key_value = key.map(|key| bearer(key).1);
                let plain: Vec<(&[u8], &[u8])> =
                    vec![(b":method", b"CONNECT"), (b":authority", b"gate:80")];
                let mut with_path = plain.clone();
                with_path.extend([(&b":path"[..], &b"/healthz"[..]), (b":scheme", b"http")]);
                for mut fields in [plain, with_path] {
                    fields.extend(
                        key_value
                            .iter()
                            .map(|value| (&b"authorization"[..], value.as_bytes())),
                    );
                    let (answer, seen) = gate.seen_during(|| gate.exchange(&fields, b"", &[]));
                    sent += 1;
                    assert!(seen.is_empty());
                    if let Some(answer) = answer {
                        match answer.header("x-keyward-denied") {
                            Some(reason) => assert_eq!(reason, wanted),
                            None => assert_eq!(answer.status, 400),
                        }
                    }
                }
            }
        }
        gate.assert_sound(sent / 2);
    }
}

/// Envoy turns a CONNECT with `:protocol` (RFC 8441) into a GET with `Upgrade`, and keyward judges
/// that.
#[test]
fn an_extended_connect_is_an_upgrade() {
    for allow in [false, true] {
        let gate = open(allow, "0.2s");
        for _ in gate.settings() {
            for (key, path, may) in [
                (None, "/v1/customers", false),
                (Some(LIMITED), "/v1/charges", false),
                (Some(LIMITED), "/v1/customers", true),
                (Some(FULL), "/v1/balance", true),
                (Some(SHADOW), "/v1/customers", true),
            ] {
                let authorization = key.map(|key| bearer(key).1);
                let mut fields: Vec<(&[u8], &[u8])> = vec![
                    (b":method", b"CONNECT"),
                    (b":protocol", b"websocket"),
                    (b":scheme", b"http"),
                    (b":authority", b"gate"),
                    (b":path", path.as_bytes()),
                ];
                fields.extend(
                    authorization
                        .iter()
                        .map(|value| (&b"authorization"[..], value.as_bytes())),
                );
                let (answer, seen) = gate.seen_during(|| gate.exchange(&fields, b"raw bytes", &[]));
                let reason = answer
                    .as_ref()
                    .and_then(|answer| answer.header("x-keyward-denied").map(str::to_owned));
                let is_shadowed = key == Some(SHADOW);
                let what = format!("allow {allow}, {key:?} {path}: {reason:?}");
                assert_eq!(reason.is_none(), may && (allow || is_shadowed), "{what}");
                assert_eq!(seen.len(), usize::from(reason.is_none()), "{what}");
                if let Some(seen) = seen.first() {
                    assert_eq!(
                        (&seen.method[..], seen.header("upgrade")),
                        (&b"GET"[..], Some("websocket")),
                        "{what}"
                    );
                    assert!(
                        answer.is_none(),
                        "{what}: an open stream, which Envoy has to cut"
                    );
                }
            }
        }
        gate.assert_sound(5);
    }
}

/// As shipped, Envoy has no upgrades at all, whatever keyward would allow.
#[test]
fn as_shipped_nothing_upgrades() {
    let gate = Gate::open(json!({"allow_upgrades": true}), |builder| builder);
    for _ in gate.settings() {
        for protocol in ["websocket", "h2c", "foo"] {
            let more = pairs(&[("connection", "upgrade"), ("upgrade", protocol)]);
            let headers = [caller(Some(FULL)), more].concat();
            let (answer, seen) =
                gate.seen_during(|| gate.http1(b"GET", b"/v1/balance", &headers, b""));
            let status = answer.unwrap().status;
            assert!(matches!(status, 200 | 403), "{protocol}: {status}");
            assert!(
                seen.iter().all(|seen| seen.headers("upgrade").is_empty()),
                "{protocol}"
            );
        }
    }
    gate.assert_sound(3);
}

/// Apache HttpClient 5.4 makes this offer with every request over plain HTTP/1.1. Envoy ignores it,
/// and the upstream does not see it.
#[test]
fn an_offer_of_tls_is_an_ordinary_request() {
    let gate = Gate::shipped();
    let ask = |path: &str, key: Option<&str>, offer: &str| {
        let own = key.map(|key| format!("authorization: {}\r\n", bearer(key).1));
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: gate\r\nAccept-Encoding: gzip, x-gzip, deflate\r\nConnection: keep-alive\r\nUpgrade: {offer}\r\nConnection: Upgrade\r\nUser-Agent: Apache-HttpClient/5.4 (Java/21)\r\n{}\r\n",
            own.unwrap_or_default()
        );
        let (answer, seen) = gate.seen_during(|| gate.raw(head.as_bytes()));
        (answer.unwrap(), seen)
    };
    let mut sent = 0;
    for _ in gate.settings() {
        for offer in ["TLS/1.2", "TLS/1.3", "tls/1.2"] {
            for (path, key) in [
                ("/v1/customers", Some(LIMITED)),
                ("/v1/charges", Some(FULL)),
                ("/healthz", None),
            ] {
                let (answer, seen) = ask(path, key, offer);
                assert_eq!(answer.status, 200, "{offer} {path}");
                let [seen] = seen.as_slice() else {
                    panic!("{offer} {path}: {} requests arrived", seen.len())
                };
                assert!(values(seen, "upgrade").is_empty(), "{offer} {path}");
                sent += 1;
            }
            let (answer, seen) = ask("/v1/charges", Some(LIMITED), offer);
            assert_eq!(
                answer.header("x-keyward-denied"),
                Some("insufficient_permission")
            );
            assert!(seen.is_empty());
            let (answer, seen) = ask("/v1/customers", None, offer);
            assert_eq!(
                answer.header("x-keyward-denied"),
                Some("missing_credential")
            );
            assert!(seen.is_empty());
            sent += 2;
        }
        // No other offer is ignored with it.
        for offer in ["websocket", "TLS/1.2, websocket", "xTLS/1.2", "TLS"] {
            let (answer, seen) = ask("/v1/customers", Some(LIMITED), offer);
            assert_eq!(answer.status, 403, "{offer}");
            assert!(seen.is_empty(), "{offer}");
            sent += 1;
        }
    }
    gate.assert_sound(sent);
}
