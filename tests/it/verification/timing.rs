//! The time that an answer takes does not reveal whether a key is known: every failed verification
//! makes the same calls to Envoy, in the same order.

use serde_json::json;

use super::*;

/// Keys that fail rules 3 to 5, each in another way, and the reason in the log.
const FAILING: [(&str, &str); 6] = [
    (STRANGER, "unknown_key"),
    (DELETED, "deleted_key"),
    (EXPIRED, "expired_key"),
    (LATER, "inactive_key"),
    (SUSPENDED, "suspended_account"),
    (ELSEWHERE, "ip_not_allowed"),
];

/// Returns the names of the calls to the host, for every request in Envoy's log.
fn calls(log: &str) -> Vec<Vec<String>> {
    let mut requests = Vec::new();
    let mut current: Option<Vec<String>> = None;
    for line in log.lines() {
        if line.contains("[host->vm] proxy_on_request_headers(") {
            current = Some(Vec::new());
        } else if line.contains("[host<-vm] proxy_on_request_headers return") {
            requests.extend(current.take());
        } else if let (Some(calls), Some((_, call))) =
            (&mut current, line.split_once("[vm->host] "))
        {
            let name = call.split('(').next().unwrap();
            calls.push(name.to_owned());
        }
    }
    requests
}

/// Returns the calls that a verification of each of these keys makes, in an Envoy that has not seen
/// any before.
fn calls_of(keys: &[&str]) -> Vec<Vec<String>> {
    let configuration = configuration(json!({}));
    let envoy = Envoy::builder()
        .config(configuration.to_string())
        .wasm_trace()
        .start();
    // A first request before the timer's first run does the timer's work.
    let revision = configuration["snapshot"]["revision"].as_u64().unwrap();
    crate::wait::serves(&envoy, revision);
    for key in keys {
        assert_eq!(verify(&envoy, key).status, 401);
    }
    eventually("every call is logged", BOUND, || {
        let all = calls(&envoy.logs());
        (all.len() == keys.len()).then_some(all)
    })
}

#[test]
fn verifications_that_fail_make_the_same_calls_whatever_fails() {
    // Each reason's counter is defined on its first use.
    let keys = [FAILING.map(|(key, _)| key); 2].concat();
    let all = calls_of(&keys);
    let expected = [
        "proxy_get_header_map_pairs",
        "proxy_get_current_time_nanoseconds",
        "proxy_get_property",
        "proxy_send_local_response",
        "proxy_set_property",
        "proxy_increment_metric",
    ];
    let expected = expected.map(|call| format!("env.{call}"));
    for (calls, (_, reason)) in all[FAILING.len()..].iter().zip(FAILING) {
        // The timer's call is made with the first request of a second, whichever that is.
        let calls: Vec<&String> = calls
            .iter()
            .filter(|call| *call != "env.proxy_set_tick_period_milliseconds")
            .collect();
        assert_eq!(calls, expected.iter().collect::<Vec<_>>(), "{reason}");
    }
}

#[test]
fn an_unknown_key_sets_the_timer_of_the_counts_as_a_known_one_does() {
    let firsts = [STRANGER, DELETED].map(|key| calls_of(&[key]).remove(0));
    assert_eq!(firsts[0], firsts[1]);
    assert!(firsts[0].contains(&"env.proxy_set_tick_period_milliseconds".to_owned()));
}
