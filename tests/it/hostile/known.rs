//! Known ways around a decision at the edge, by the CVE numbers of other products. None of them
//! reaches more than was granted, under any of Envoy's ways to treat a path, including routes that
//! ignore path parameters.

use std::time::Duration;

use serde_json::{Value, json};

use super::generous::served;
use super::paths::is_granted;
use super::{BOUND, FULL, Gate, Headers, LIMITED, bearer, caller, pairs, shown, values};
use crate::support::bootstrap::{at, hcm};
use crate::support::builder::Builder;
use crate::support::http::Connection;

/// Paths, by CVE.
const PATHS: [(&str, &[&str]); 10] = [
    // Dot segments that only the upstream resolves.
    (
        "CVE-2019-9901",
        &[
            "/v1/customers/../charges",
            "/v1/customers/%2e%2e/charges",
            "/healthz/../v1/charges",
            "/open/a/../../v1/charges",
        ],
    ),
    // Escaped slashes.
    (
        "CVE-2021-29492",
        &[
            "/v1/customers/..%2Fcharges",
            "/v1/customers%2f..%2fcharges",
            "/v1/customers/..%5Ccharges",
            "/assets/..%2f..%2fv1/charges",
        ],
    ),
    // A fragment as part of the path.
    (
        "CVE-2021-32779",
        &[
            "/v1/charges#/v1/customers",
            "/v1/customers/export#foo",
            "/v1/customers/export%23foo",
            "/v1/customers#/../charges",
            "/healthz#/../v1/charges",
            "/v1/charges#",
        ],
    ),
    // Two slashes at the start, read as an authority.
    (
        "CVE-2026-26205",
        &[
            "//v1/charges",
            "//v1/customers/../charges",
            "//gate/v1/charges",
            "//healthz/v1/charges",
            "///v1/charges",
        ],
    ),
    // Parameters in any segment.
    (
        "CVE-2026-73511",
        &[
            "/v1;a=b/charges",
            "/v1/charges;c=d",
            "/v1;a/charges;c",
            "/healthz;/v1/charges",
        ],
    ),
    // Dot segments with parameters.
    (
        "CVE-2026-73551",
        &[
            "/v1/customers/..;foo=bar/charges",
            "/v1/customers/..;/charges",
            "/v1/.;a=b/charges",
            "/healthz/..;x/v1/charges",
        ],
    ),
    // Bytes that are not UTF-8.
    (
        "CVE-2026-73552",
        &[
            "/v1/customers/\u{ff}/../charges",
            "/v1/\u{80}charges",
            "/healthz\u{ff}/../v1/charges",
        ],
    ),
    // Parameters that the route ignores but the decision does not.
    (
        "CVE-2026-73553",
        &[
            "/v1/charges;x=y",
            "/v1/charges;",
            "/admin;x=y",
            "/v1/customers;x/../charges",
        ],
    ),
    // A `*` for a template's parameter.
    (
        "CVE-2025-46821",
        &["/v1/customers/*/charges", "/v1/customers/**", "/v1/*"],
    ),
    // No slash at the start, which an upstream may add.
    (
        "CVE-2026-33186",
        &[
            "v1/charges",
            "v1/customers/../charges",
            "healthz/../v1/charges",
        ],
    ),
];

/// Headers that made a gateway believe something, by CVE.
const HEADERS: [(&str, &[(&str, &str)]); 9] = [
    // Only the first or the last of several was checked.
    (
        "CVE-2020-25017",
        &[("stripe-context", "acct_1"), ("stripe-context", "acct_2")],
    ),
    (
        "CVE-2020-25017",
        &[
            ("x-keyward-principal", "key=\"mk_full\", kind=secret"),
            ("x-keyward-principal", "key=\"mk_forged\""),
        ],
    ),
    (
        "CVE-2020-25017",
        &[
            ("x-original-url", "/v1/customers"),
            ("x-original-url", "/v1/charges"),
        ],
    ),
    (
        "CVE-2026-26308",
        &[
            ("x-http-method-override", "GET"),
            ("x-http-method-override", "POST"),
        ],
    ),
    // Headers that Envoy itself uses to describe a request.
    (
        "CVE-2023-27487",
        &[
            ("x-envoy-original-path", "/v1/customers"),
            ("x-envoy-internal", "true"),
        ],
    ),
    (
        "CVE-2024-45806",
        &[
            ("x-envoy-internal", "true"),
            ("x-envoy-external-address", "203.0.113.7"),
            ("x-envoy-retry-on", "5xx"),
        ],
    ),
    // A zone in an address.
    ("CVE-2026-26310", &[("x-forwarded-for", "2001:db8::1%eth0")]),
    // Bytes that are not UTF-8.
    ("CVE-2026-73552", &[("x-original-url", "/v1/charges\u{ff}")]),
    ("CVE-2026-73552", &[("stripe-context", "acct_2\u{ff}")]),
];

/// Returns the shipped gateway, and one whose routes ignore path parameters.
fn gates(change: impl Fn(Builder) -> Builder) -> [Gate; 2] {
    let ignoring = |all: &mut Value| {
        let routes = at(hcm(all), "/route_config");
        routes["ignore_path_parameters_in_path_matching"] = json!(true);
    };
    [
        Gate::open(json!({}), &change),
        Gate::open(json!({}), |builder| change(builder).edit(ignoring)),
    ]
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c).unwrap()).collect()
}

#[test]
fn no_known_path_reaches_more_than_was_granted() {
    for gate in gates(|builder| builder) {
        for setting in gate.settings() {
            for (cve, targets) in PATHS {
                for target in targets {
                    let target = latin1(target);
                    for key in [None, Some(LIMITED)] {
                        for send in [Gate::http1, Gate::http2] {
                            let (answer, seen) = gate
                                .seen_during(|| send(&gate, b"GET", &target, &caller(key), b""));
                            let status = answer.map_or(0, |answer| answer.status);
                            let case = format!(
                                "{cve}, {setting}: `{}` as {key:?}: {status}",
                                shown(&target)
                            );
                            assert!(status < 500, "{case}");
                            for endpoint in seen.iter().flat_map(served) {
                                assert!(is_granted(key, endpoint), "{case} reached {endpoint:?}");
                            }
                        }
                    }
                }
            }
        }
        gate.assert_sound(gate.sent() / 3);
    }
}

#[test]
fn no_known_header_makes_more_of_a_request() {
    for gate in gates(|builder| builder.trusted_hops(1)) {
        for setting in gate.settings() {
            for (cve, more) in HEADERS {
                let more: Headers = more
                    .iter()
                    .map(|(name, value)| (latin1(name), latin1(value)))
                    .collect();
                let backwards: Headers = more.iter().rev().cloned().collect();
                for more in [more, backwards] {
                    for (key, path) in [
                        (LIMITED, "/v1/charges"),
                        (LIMITED, "/v1/customers"),
                        (BOUND, "/v1/balance"),
                    ] {
                        for send in [Gate::http1, Gate::http2] {
                            let headers = [caller(Some(key)), more.clone()].concat();
                            let (answer, seen) = gate.seen_during(|| {
                                send(&gate, b"GET", path.as_bytes(), &headers, b"")
                            });
                            let case = format!("{cve}, {setting}: {key} {path}: {answer:?}");
                            let status = answer.map_or(0, |answer| answer.status);
                            assert!(status < 500, "{case}");
                            assert!(key != BOUND || seen.is_empty(), "{case}");
                            for told in seen.iter().map(|seen| values(seen, "x-keyward-principal"))
                            {
                                let is_own =
                                    |told: &&[u8]| told.starts_with(b"key=\"mk_limited\", ");
                                assert!(
                                    told.len() == 1 && told.iter().all(is_own),
                                    "{case}: {told:?}"
                                );
                            }
                            for endpoint in seen.iter().flat_map(served) {
                                assert!(
                                    is_granted(Some(LIMITED), endpoint),
                                    "{case} reached {endpoint:?}"
                                );
                            }
                        }
                    }
                }
            }
        }
        gate.assert_sound(gate.sent() / 3);
    }
}

/// CVE-2026-73552 again, for the regular expression that keeps paths with keys out of the shipped
/// access log.
#[test]
fn no_byte_before_or_in_a_key_brings_it_into_the_access_log() {
    let gate = Gate::shipped();
    let mut sent = 0;
    for _ in gate.settings() {
        let secret = b"0123-abcd-must-not-show";
        for byte in (0x21..=0xff_u8).filter(|byte| !matches!(byte, b'?' | b'#' | 0x7f)) {
            for path in [
                [b"/", &[byte][..], b"/sk_live_FAKE-", secret].concat(),
                [b"/sk_live_FAKE-", &[byte][..], secret].concat(),
                [b"/rk_test_FAKE-", &secret[..], b"/", &[byte]].concat(),
            ] {
                gate.http1(b"GET", &path, &caller(Some(FULL)), b"");
                sent += 1;
            }
        }
    }
    gate.assert_sound(sent / 2);
    for line in gate.envoy.access_log() {
        assert!(!line.to_string().contains("must-not-show"), "{line}");
    }
}

/// CVE-2026-73548: the bytes that follow a request for an upgrade which has not been granted yet
/// are not a separate request.
#[test]
fn nothing_rides_behind_an_upgrade_that_is_not_granted_yet() {
    for allow in [false, true] {
        let gate = Gate::open(json!({"allow_upgrades": allow}), |builder| {
            builder.allow_upgrades(&["websocket", "foo"])
        });
        for _ in gate.settings() {
            let paths = ["/v1/customers", "/v1/charges"];
            // One that is well known, and one that Envoy passes on without knowing it.
            let protocols = ["websocket", "foo"];
            for (path, protocol) in paths
                .iter()
                .flat_map(|path| protocols.map(|it| (*path, it)))
            {
                let authorization = bearer(LIMITED).1;
                let head = format!(
                    "GET {path} HTTP/1.1\r\nhost: gate\r\nauthorization: {authorization}\r\nconnection: upgrade\r\nupgrade: {protocol}\r\n\r\n"
                );
                let behind =
                    "GET /v1/charges HTTP/1.1\r\nhost: gate\r\nx-keyward-principal: forged\r\n\r\n";
                let (status, seen) = gate.seen_during(|| {
                    let mut connection =
                        Connection::open(gate.address()).with_timeout(Duration::from_millis(500));
                    connection
                        .send_raw(&[head.as_bytes(), behind.as_bytes()].concat())
                        .unwrap();
                    let status = connection.read_head().map_or(0, |answer| answer.status);
                    // It does not matter how the bytes after it are answered.
                    let _ = connection.read_to_end();
                    status
                });
                let is_tunnel = allow && path == "/v1/customers";
                assert_eq!(
                    status == 101,
                    is_tunnel,
                    "{allow} {path} {protocol}: {status}"
                );
                assert_eq!(
                    seen.len(),
                    usize::from(is_tunnel),
                    "{allow} {path} {protocol}: {seen:?}"
                );
                for endpoint in seen.iter().flat_map(served) {
                    assert!(is_granted(Some(LIMITED), endpoint));
                }
            }
        }
        gate.assert_sound(2);
    }
}

/// Requests whose end can be read in two ways: each one that reaches the upstream was judged
/// separately.
#[test]
fn no_request_is_smuggled_in_anothers_body() {
    let gate = Gate::shipped();
    for _ in gate.settings() {
        let inner = "GET /v1/charges HTTP/1.1\r\nhost: gate\r\nx: ";
        let length = inner.len();
        let authorization = bearer(LIMITED).1;
        let framings = [
            format!(
                "content-length: {length}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{inner}"
            ),
            format!(
                "transfer-encoding: chunked\r\ncontent-length: {length}\r\n\r\n0\r\n\r\n{inner}"
            ),
            format!("content-length: 0\r\ncontent-length: {length}\r\n\r\n{inner}"),
            format!("content-length: {length}, {length}\r\n\r\n{inner}"),
            format!("content-length: +{length}\r\n\r\n{inner}"),
            format!("content-length: 0x1\r\n\r\n{inner}"),
            format!("content-length: -1\r\n\r\n{inner}"),
            format!("transfer-encoding:\tchunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n{inner}"),
            format!("transfer_encoding: chunked\r\ncontent-length: {length}\r\n\r\n{inner}"),
            format!("transfer-encoding: chunked\r\n\r\n0;x=\"\r\n\r\n{inner}"),
            format!("transfer-encoding: chunked\r\n\r\n0\n\n{inner}"),
            format!("transfer-encoding: chunked\r\n\r\nffffffffffffffff0\r\n\r\n{inner}"),
            format!("expect: 100-continue\r\ncontent-length: {length}\r\n\r\n{inner}"),
            format!("\r\n{inner}"),
        ];
        for framing in &framings {
            let head = format!(
                "POST /v1/customers HTTP/1.1\r\nhost: gate\r\nauthorization: {authorization}\r\n{framing}\r\n\r\n"
            );
            let ((), seen) = gate.seen_during(|| {
                let mut connection =
                    Connection::open(gate.address()).with_timeout(Duration::from_millis(300));
                connection.send_raw(head.as_bytes()).unwrap();
                while connection.read_response(false).is_ok() {}
            });
            for endpoint in seen.iter().flat_map(served) {
                assert!(is_granted(Some(LIMITED), endpoint), "{framing:?}: {seen:?}");
            }
            assert!(
                seen.iter().all(|seen| seen.path != b"/v1/charges"),
                "{framing:?}: {seen:?}"
            );
        }
        // HTTP/2, with a length that differs from the body's.
        for length in ["0", "1", "999", "-1", "x"] {
            let headers = [caller(Some(LIMITED)), pairs(&[("content-length", length)])].concat();
            let (answer, seen) = gate
                .seen_during(|| gate.http2(b"POST", b"/v1/customers", &headers, inner.as_bytes()));
            assert!(answer.is_none_or(|answer| answer.status < 500), "{length}");
            assert!(
                seen.iter().all(|seen| seen.path != b"/v1/charges"),
                "{length}"
            );
        }
    }
    gate.assert_sound(1);
}
