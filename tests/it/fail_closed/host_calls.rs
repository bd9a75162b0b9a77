//! Envoys that each refuse one kind of call. keyward denies if the decision depends on the call,
//! but not if the call only reports.

use super::plugin::Plugin;
use super::*;

struct Host {
    envoy: Envoy,
}

impl Host {
    /// Starts an Envoy that refuses these calls, with two keys. Bob's is bound to loopback and to
    /// times.
    fn without(calls: &[&'static str], interlock: bool) -> Self {
        let mut plugin = Plugin::new("keyward", "keyward", "keyward");
        plugin.forbidden = calls.to_vec();
        let mut configuration = configuration(1, &[ALICE, BOB]);
        let bob = &mut configuration["snapshot"]["keys"][1];
        bob["allowed_ips"] = json!(["127.0.0.0/8"]);
        bob["expires_at"] = json!(4_000_000_000_u64);
        plugin.push(&configuration.to_string());
        let builder = plugin.in_place_of_keyward(Envoy::builder());
        Self {
            envoy: with_interlock(builder, interlock).start(),
        }
    }

    /// Returns the status and reason of Envoy's answer to each of these keys.
    fn answers(&self) -> [(u16, Option<String>); 3] {
        [ALICE, BOB, STRANGER].map(|key| {
            let answer = Connection::open(self.envoy.address()).try_request(
                "GET",
                "/v1/balance",
                &[("authorization", format!("Bearer {key}"))],
                b"",
            );
            // A stream that is reset has no answer.
            answer.map_or((0, None), |answer| {
                let reason = answer.header("x-keyward-denied").map(str::to_owned);
                (answer.status, reason)
            })
        })
    }

    #[track_caller]
    fn assert_answers(&self, what: &str, expected: [(u16, &str); 3]) {
        for _ in 0..3 {
            let answers = self.answers();
            let answers = answers.each_ref().map(|(status, reason)| {
                let reason = reason.as_deref();
                (*status, reason.unwrap_or("-"))
            });
            assert_eq!(answers, expected, "{what}\n{}", self.envoy.logs());
        }
    }
}

const GOOD: (u16, &str) = (200, "-");
const UNKNOWN: (u16, &str) = (401, "unknown_key");
const FAILED: (u16, &str) = (503, "host_failure");

#[test]
fn a_call_that_the_decision_rests_on_denies() {
    for interlock in BOTH {
        for (call, expected) in [
            ("proxy_get_header_map_pairs", [FAILED, FAILED, FAILED]),
            // Nothing passes without the verdict's state. A denial does not need it.
            ("proxy_set_property", [FAILED, FAILED, UNKNOWN]),
            ("proxy_add_header_map_value", [FAILED, FAILED, UNKNOWN]),
            (
                "proxy_get_property",
                [GOOD, (401, "ip_not_allowed"), UNKNOWN],
            ),
            (
                "proxy_get_current_time_nanoseconds",
                [GOOD, (401, "expired_key"), UNKNOWN],
            ),
            // The filter cannot read the configuration and rejects it, and the default denies.
            (
                "proxy_get_buffer_bytes",
                [
                    (503, "no_snapshot"),
                    (503, "no_snapshot"),
                    (503, "no_snapshot"),
                ],
            ),
            // If the filter cannot send a denial, the stream ends.
            ("proxy_send_local_response", [GOOD, GOOD, (0, "-")]),
        ] {
            let host = Host::without(&[call], interlock);
            host.assert_answers(&format!("{call}, interlock {interlock}"), expected);
            let failures = host.envoy.requests_total("deny", "host_failure");
            let good = expected.iter().filter(|answer| **answer == GOOD).count();
            let expected = expected.iter().filter(|answer| **answer == FAILED).count();
            assert_eq!(failures, expected as u64 * 3, "{call}");
            let passed = host.envoy.requests_total("allow", "key");
            assert_eq!(passed, good as u64 * 3, "{call}");
        }
    }
}

#[test]
fn a_call_that_only_tells_changes_no_verdict() {
    for call in [
        "proxy_log",
        "proxy_define_metric",
        "proxy_increment_metric",
        "proxy_record_metric",
        "proxy_set_tick_period_milliseconds",
        "proxy_get_shared_data",
        "proxy_set_shared_data",
        "proxy_close_stream",
        "fd_write",
    ] {
        let host = Host::without(&[call], true);
        host.assert_answers(call, [GOOD, GOOD, UNKNOWN]);
    }
}

/// Envoy then never calls the filter. The interlock exists for this case.
#[test]
fn a_filter_that_is_never_asked() {
    for interlock in BOTH {
        let host = Host::without(&["proxy_on_request_headers"], interlock);
        let skipped = (skipped(interlock), "-");
        host.assert_answers("never asked", [skipped, skipped, skipped]);
        if interlock {
            let denied = host
                .envoy
                .stat("http.gateway.rbac.keyward_interlock.denied");
            assert_eq!(denied, 9);
        }
    }
}
