//! The client's address: forged `X-Forwarded-For` with no, one and two trusted proxies, and IPv6.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{BOUND, Gate, LOCAL, caller, pairs};
use crate::support::bootstrap::{at, hcm};
use crate::support::http;

/// Lines of `X-Forwarded-For`, and the address that results with no, one and two trusted proxies.
/// "" is the connection's own.
const FORWARDED: [(&[&str], [&str; 3]); 30] = [
    (&[], ["", "", ""]),
    (&["203.0.113.7"], ["", "203.0.113.7", ""]),
    (&["203.0.113.7, 9.9.9.9"], ["", "9.9.9.9", "203.0.113.7"]),
    (&["9.9.9.9, 203.0.113.7"], ["", "203.0.113.7", "9.9.9.9"]),
    (
        &["203.0.113.7, 9.9.9.9, 9.9.9.8"],
        ["", "9.9.9.8", "9.9.9.9"],
    ),
    (
        &["9.9.9.9, 203.0.113.7, 9.9.9.8"],
        ["", "9.9.9.8", "203.0.113.7"],
    ),
    (&["203.0.113.7", "9.9.9.9"], ["", "9.9.9.9", "203.0.113.7"]),
    (&["9.9.9.9", "203.0.113.7"], ["", "203.0.113.7", "9.9.9.9"]),
    (&["203.0.113.7,9.9.9.9"], ["", "9.9.9.9", "203.0.113.7"]),
    (&["  203.0.113.7  "], ["", "203.0.113.7", ""]),
    (&["203.0.113.7,"], ["", "", "203.0.113.7"]),
    (&[""], ["", "", ""]),
    (&[","], ["", "", ""]),
    (&["unknown"], ["", "", ""]),
    (&["203.0.113.7, unknown"], ["", "", "203.0.113.7"]),
    (&["203.0.113.007"], ["", "", ""]),
    (&["3405803783"], ["", "", ""]),
    (&["0xcb.0.113.7"], ["", "", ""]),
    (&["203.0.113"], ["", "", ""]),
    (&["203.0.113.7:443"], ["", "", ""]),
    (&["\"203.0.113.7\""], ["", "", ""]),
    (&["for=203.0.113.7"], ["", "", ""]),
    (&["2001:db8::1"], ["", "2001:db8::1", ""]),
    (&["2001:DB8:0:0::1"], ["", "2001:db8::1", ""]),
    (&["[2001:db8::1]"], ["", "", ""]),
    (&["[2001:db8::1]:443"], ["", "", ""]),
    (&["2001:db8::1%eth0"], ["", "", ""]),
    (&["::ffff:203.0.113.7"], ["", "203.0.113.7", ""]),
    (&["::1"], ["", "::1", ""]),
    (&["127.0.0.1"], ["", "127.0.0.1", ""]),
];

/// Returns whether the key [`BOUND`] may be used from this address.
fn is_bound(address: &str) -> bool {
    matches!(address, "203.0.113.7" | "2001:db8::1")
}

#[test]
fn a_forged_address_is_worth_nothing() {
    for hops in 0..3 {
        let gate = Gate::open(json!({}), |builder| builder.trusted_hops(hops));
        let mut sent = 0;
        for _ in gate.settings() {
            for (lines, addresses) in FORWARDED {
                let address = addresses[usize::try_from(hops).unwrap()];
                // The other headers that claim a client's address have no effect here.
                let more = pairs(&[
                    ("forwarded", "for=203.0.113.7"),
                    ("x-real-ip", "203.0.113.7"),
                    ("x-client-ip", "203.0.113.7"),
                    ("true-client-ip", "203.0.113.7"),
                    ("x-envoy-external-address", "203.0.113.7"),
                ]);
                let forwarded: Vec<_> = lines
                    .iter()
                    .map(|line| ("x-forwarded-for", *line))
                    .collect();
                for (key, wanted) in [
                    (BOUND, is_bound(address)),
                    (LOCAL, matches!(address, "" | "127.0.0.1" | "::1")),
                ] {
                    for send in [Gate::http1, Gate::http2] {
                        let headers = [caller(Some(key)), pairs(&forwarded), more.clone()].concat();
                        let answer = send(&gate, b"GET", b"/v1/balance", &headers, b"").unwrap();
                        sent += 1;
                        let reason = answer.header("x-keyward-denied");
                        assert_eq!(
                            reason,
                            (!wanted).then_some("ip_not_allowed"),
                            "{hops} hops, {lines:?}, {key}: {}",
                            answer.text()
                        );
                    }
                }
            }
        }
        gate.assert_sound(sent);
    }
}

#[test]
fn a_client_over_ipv6_is_its_own_address() {
    let gate = Gate::open(json!({}), |builder| {
        builder.edit(|all| {
            let listeners = at(all, "/static_resources/listeners");
            let gateway = listeners
                .as_array_mut()
                .unwrap()
                .iter_mut()
                .find(|listener| listener["name"] == "gateway");
            gateway.unwrap()["additional_addresses"] =
                json!([{"address": {"socket_address": {"address": "::1", "port_value": 0}}}]);
        })
    });
    let page: Value = gate.envoy.admin("GET", "/listeners?format=json").json();
    let listener = page["listener_statuses"]
        .as_array()
        .unwrap()
        .iter()
        .find(|listener| listener["name"] == "gateway")
        .unwrap();
    let port = listener["additional_local_addresses"][0]["socket_address"]["port_value"]
        .as_u64()
        .unwrap();
    let over_6: SocketAddr = format!("[::1]:{port}").parse().unwrap();
    for (key, forged, wanted) in [
        (LOCAL, "9.9.9.9", None),
        (LOCAL, "2001:db8::1", None),
        (BOUND, "2001:db8::1", Some("ip_not_allowed")),
        (BOUND, "203.0.113.7", Some("ip_not_allowed")),
    ] {
        let headers = [caller(Some(key)), pairs(&[("x-forwarded-for", forged)])].concat();
        let answer = http::request(over_6, "GET", "/v1/balance", &headers, b"");
        assert_eq!(answer.header("x-keyward-denied"), wanted, "{key} {forged}");
        if wanted.is_some() {
            assert!(answer.text().contains("(::1)"), "{}", answer.text());
        }
    }
    gate.assert_sound(4);
}

/// A setting that no shipped bootstrap has, with the reason: without `use_remote_address` the
/// client chooses its own address.
#[test]
fn without_the_remote_address_a_client_may_say_anything() {
    let gate = Gate::open(json!({}), |builder| {
        builder.edit(|all| hcm(all)["use_remote_address"] = json!(false))
    });
    let headers = [
        caller(Some(BOUND)),
        pairs(&[("x-forwarded-for", "203.0.113.7")]),
    ]
    .concat();
    assert_eq!(
        gate.http1(b"GET", b"/v1/balance", &headers, b"")
            .unwrap()
            .status,
        200
    );
}
