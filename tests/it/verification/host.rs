//! Verification in Envoys that each refuse one kind of call: nothing passes, whatever is unknown.

use serde_json::json;

use super::*;
use crate::fail_closed::plugin::Plugin;
use crate::support::Upstream;
use crate::support::http::Connection;

/// Returns the answers to a good key and to a bad one if `call` is refused, and how many requests
/// reached the upstream. The status 0 means that the stream was reset.
fn answers(call: &'static str, interlock: bool) -> ([(u16, String); 2], usize) {
    let mut plugin = Plugin::new("keyward", "keyward", "keyward");
    plugin.forbidden = vec![call];
    plugin.push(&configuration(json!({})).to_string());
    let upstream = Upstream::start();
    let mut builder = plugin
        .in_place_of_keyward(Envoy::builder())
        .upstream(upstream.address());
    if !interlock {
        builder = builder.without_interlock();
    }
    let envoy = builder.start();
    let told = [FULL, STRANGER].map(|key| {
        let answer = Connection::open(envoy.address()).try_request("GET", PATH, &bearer(key), b"");
        answer.map_or((0, String::new()), |answer| {
            let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            (
                answer.status,
                body["code"].as_str().unwrap_or("-").to_owned(),
            )
        })
    });
    (told, upstream.count())
}

#[test]
fn an_answer_that_cannot_be_sent_is_no_pass() {
    for interlock in [true, false] {
        let (told, reached) = answers("proxy_send_local_response", interlock);
        let none = (0, String::new());
        assert_eq!((told, reached), ([none.clone(), none], 0), "{interlock}");
    }
}

#[test]
fn an_answer_needs_no_state_and_no_count() {
    for call in [
        "proxy_set_property",
        "proxy_get_shared_data",
        "proxy_set_shared_data",
        "proxy_set_tick_period_milliseconds",
        "proxy_increment_metric",
    ] {
        let (told, reached) = answers(call, false);
        let expected = [
            (200, "API_KEY_VERIFIED".to_owned()),
            (401, "API_KEY_INVALID".to_owned()),
        ];
        assert_eq!((told, reached), (expected, 0), "{call}");
    }
}

#[test]
fn a_request_that_cannot_be_read_is_no_verification() {
    let (told, reached) = answers("proxy_get_header_map_pairs", false);
    let failed = (503, "-".to_owned());
    assert_eq!((told, reached), ([failed.clone(), failed], 0));
}
