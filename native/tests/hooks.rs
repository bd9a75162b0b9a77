//! The module's hooks, driven by a fake Envoy.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test may fail loudly"
)]

mod fake;
#[path = "hooks/feed.rs"]
mod feed;

use keyward_native as _;

use std::time::{Duration, Instant};

use keyward::digest::KeyDigest;
use serde_json::{Value, json};

use fake::{Buffer, Envoy, Faults, Filter, Flow, RawParts, Stream};

const SECRET: &str = "sk_test_FAKE-alice-0001";
const RESTRICTED: &str = "rk_test_FAKE-alice-0002";
const STRANGER: &str = "sk_test_FAKE-nobody-003";

fn snapshot(revision: u64) -> Value {
    let key = |id: &str, key: &str, kind: &str| json!({"id": id, "sha256": KeyDigest::of(key.as_bytes()).to_string(), "kind": kind, "livemode": false, "owner": "acct_1"});
    let mut restricted = key("mk_2", RESTRICTED, "restricted");
    restricted["grants"] = json!({"customer": "read"});
    restricted["allowed_ips"] = json!(["203.0.113.0/24"]);
    json!({
        "format": "keyward.snapshot/v1", "revision": revision, "issued_at": 1_795_194_529,
        "accounts": [{"id": "acct_1"}],
        "keys": [key("mk_1", SECRET, "secret"), restricted],
    })
}

fn configuration(revision: u64) -> Vec<u8> {
    json!({"snapshot": snapshot(revision), "verify_path": "/verify"})
        .to_string()
        .into_bytes()
}

fn gateway(envoy: &Envoy) -> Filter {
    let filter = envoy
        .push(&configuration(7))
        .expect("the configuration is good");
    filter.turn();
    filter
}

fn asked(key: &str, more: &[(&str, &str)]) -> Stream {
    let bearer = format!("Bearer {key}");
    let headers: Vec<_> = [("authorization", &*bearer)]
        .into_iter()
        .chain(more.iter().copied())
        .collect();
    Stream::get("/v1/customers", &headers)
}

/// Asserts that the request was denied, in the reply and in the filter state.
#[track_caller]
fn assert_denied(stream: &Stream, flow: Flow, status: u32, reason: &str) {
    assert_eq!(flow, Flow::Stop);
    let [answer] = &*stream.answers else {
        panic!("{:?}", stream.answers);
    };
    assert_eq!(
        (answer.status, &*answer.details),
        (status, &*format!("keyward_denied{{{reason}}}"))
    );
    let told = stream.told().unwrap_or_default();
    assert!(told.starts_with(&format!("deny {reason}")), "{told}");
    assert_eq!(stream.resets, 0);
}

#[test]
fn a_known_key_passes_and_the_upstream_is_told() {
    let envoy = Envoy::start();
    let filter = gateway(&envoy);
    let mut stream = asked(
        SECRET,
        &[
            ("x-keyward-principal", "forged"),
            ("x-keyward-principal", "twice"),
        ],
    );
    assert_eq!(filter.request(&mut stream), Flow::Continue);
    let told = stream.header("x-keyward-principal");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("key=\"mk_1\", kind=secret"), "{told:?}");
    assert!(stream.told().unwrap().starts_with("allow "));
    // Routes may match what was changed. The state is set last: without it, the interlock denies.
    let end = stream.calls.len() - 2;
    assert_eq!(stream.calls[end..], ["route", "state"]);
}

#[test]
fn a_stranger_is_denied_and_counted_once() {
    let envoy = Envoy::start();
    let filter = gateway(&envoy);
    let mut stream = asked(STRANGER, &[]);
    let flow = filter.request(&mut stream);
    assert_denied(&stream, flow, 401, "unknown_key");
    assert_eq!(stream.header("grpc-status"), [""; 0]);
    filter.turn();
    assert_eq!(envoy.requests_total("deny", "unknown_key"), 1);
    filter.turn();
    assert_eq!(envoy.requests_total("deny", "unknown_key"), 1);
}

#[test]
fn a_grpc_client_is_told_that_it_failed() {
    let envoy = Envoy::start();
    let filter = gateway(&envoy);
    for (kind, expected) in [
        ("application/grpc", Some("16")),
        ("application/grpc+proto", Some("16")),
        ("application/grpc-web", None),
        ("application/json", None),
    ] {
        let mut stream = asked(STRANGER, &[("content-type", kind)]);
        assert_eq!(filter.request(&mut stream), Flow::Stop);
        let headers = &stream.answers[0].headers;
        let status = headers.iter().find(|(name, _)| name == "grpc-status");
        assert_eq!(status.map(|(_, value)| &**value), expected, "{kind}");
    }
}

#[test]
fn the_clients_address_is_envoys() {
    let envoy = Envoy::start();
    let filter = gateway(&envoy);
    for (source, reason) in [
        ("203.0.113.9:1234", None),
        ("[2001:db8::7]:0", Some("ip_not_allowed")),
        ("", Some("ip_not_allowed")),
        ("/var/run/a.sock", Some("ip_not_allowed")),
    ] {
        let mut stream = asked(RESTRICTED, &[]);
        stream.source = source.as_bytes().into();
        let flow = filter.request(&mut stream);
        match reason {
            None => assert_eq!(flow, Flow::Continue, "{source}"),
            Some(reason) => assert_denied(&stream, flow, 401, reason),
        }
    }
    let mut stream = asked(RESTRICTED, &[]);
    stream.faults.attributes = true;
    let flow = filter.request(&mut stream);
    assert_denied(&stream, flow, 401, "ip_not_allowed");
}

#[test]
fn whatever_envoy_does_not_do_denies() {
    let envoy = Envoy::start();
    let filter = gateway(&envoy);
    let more = [("x-keyward-principal", "forged")];
    let faults: [(&str, Faults); 6] = [
        (
            "none of its headers",
            Faults {
                headers_size: Some(0),
                ..Faults::default()
            },
        ),
        (
            "fewer than it says",
            Faults {
                headers_size: Some(200),
                ..Faults::default()
            },
        ),
        (
            "too many",
            Faults {
                headers_size: Some(10_001),
                ..Faults::default()
            },
        ),
        (
            "no headers",
            Faults {
                get_headers: true,
                ..Faults::default()
            },
        ),
        (
            "nothing removed",
            Faults {
                remove_header: true,
                ..Faults::default()
            },
        ),
        (
            "nothing added",
            Faults {
                add_header: true,
                ..Faults::default()
            },
        ),
    ];
    for (what, fault) in faults {
        let mut stream = asked(SECRET, &more);
        stream.faults = fault;
        let flow = filter.request(&mut stream);
        assert_eq!(flow, Flow::Stop, "{what}");
        assert_denied(&stream, flow, 503, "host_failure");
    }
    let mut stream = asked(SECRET, &more);
    stream.faults.set_state = true;
    assert_eq!(filter.request(&mut stream), Flow::Stop);
    assert_eq!(stream.told(), None);
    assert_eq!(stream.answers[0].status, 503);
    filter.turn();
    assert_eq!(envoy.requests_total("deny", "host_failure"), 7);
}

#[test]
fn a_text_without_a_place_or_without_an_end_denies() {
    let envoy = Envoy::start();
    let filter = gateway(&envoy);
    let longest = 1 << 20;
    for (parts, passes) in [
        (
            RawParts {
                name: None,
                value: Some(0),
            },
            true,
        ),
        (
            RawParts {
                name: None,
                value: Some(1),
            },
            false,
        ),
        (
            RawParts {
                name: None,
                value: Some(longest + 1),
            },
            false,
        ),
        (
            RawParts {
                name: None,
                value: Some(usize::MAX),
            },
            false,
        ),
        (
            RawParts {
                name: Some(0),
                value: None,
            },
            false,
        ),
        (
            RawParts {
                name: Some(5),
                value: None,
            },
            false,
        ),
        (
            RawParts {
                name: Some(usize::MAX),
                value: Some(usize::MAX),
            },
            false,
        ),
    ] {
        let mut stream = asked(SECRET, &[]);
        stream.faults.raw = Some(parts);
        let flow = filter.request(&mut stream);
        if passes {
            assert_eq!(flow, Flow::Continue, "{parts:?}");
        } else {
            assert_denied(&stream, flow, 503, "host_failure");
        }
    }
}

#[test]
fn more_headers_than_the_stack_has_places_for_are_read() {
    let envoy = Envoy::start();
    let filter = gateway(&envoy);
    for count in [31, 32, 33, 100, 1_000, 9_000] {
        let names: Vec<String> = (0..count - 5).map(|number| format!("x-{number}")).collect();
        let more: Vec<_> = names.iter().map(|name| (&**name, "1")).collect();
        let mut stream = asked(SECRET, &more);
        assert_eq!(stream.headers.len(), count);
        assert_eq!(filter.request(&mut stream), Flow::Continue, "{count}");
    }
}

#[test]
fn no_plugin_and_no_stream_are_no_pass() {
    let envoy = Envoy::start();
    let filter = gateway(&envoy);
    let mut stream = asked(SECRET, &[]);
    let flow = fake::request_of_none(&mut stream);
    assert_denied(&stream, flow, 503, "host_failure");
    assert_eq!(fake::request_without_stream(&filter), 1);
}

#[test]
fn a_bad_push_is_refused_and_told_by_the_good_one() {
    let envoy = Envoy::start();
    let filter = gateway(&envoy);
    let refused = |envoy: &Envoy| envoy.stat("snapshot_push_refused.plugin.keyward");
    assert_eq!(refused(&envoy), Some(0));
    assert!(
        envoy
            .push(br#"{"snapshot": {"revision": 8, "x": 1}}"#)
            .is_none()
    );
    assert!(
        envoy.log().contains("keyward: configuration refused: "),
        "{}",
        envoy.log()
    );
    filter.turn();
    assert_eq!(refused(&envoy), Some(1));
    assert_eq!(
        envoy.stat("snapshot_refused_revision.plugin.keyward"),
        Some(8)
    );
    assert_eq!(filter.request(&mut asked(SECRET, &[])), Flow::Continue);
    let next = envoy.push(&configuration(9)).unwrap();
    next.turn();
    assert_eq!(refused(&envoy), Some(0));
}

#[test]
fn a_push_without_metrics_a_scheduler_or_a_place_is_refused() {
    let envoy = Envoy::start();
    let good = configuration(7);
    for most in [0, 1, 5, 13] {
        let filter = envoy.push_with(b"keyward", &good, |config| config.most_metrics = most);
        assert!(filter.is_none(), "{most} metrics");
    }
    assert!(
        envoy
            .push_with(b"keyward", &good, |config| config.has_scheduler = false)
            .is_none()
    );
    let nowhere = Buffer {
        length: 3,
        ..Buffer::NULL
    };
    assert!(!envoy.push_raw(Buffer::of(b"keyward"), nowhere));
    assert!(!envoy.push_raw(nowhere, Buffer::of(&good)));
    let endless = Buffer {
        length: (128 << 20) + 1,
        ..Buffer::of(&good)
    };
    assert!(!envoy.push_raw(endless, Buffer::of(&good)));
    // No bytes are an empty configuration, which denies everything.
    assert!(envoy.push_raw(Buffer::of(b"keyward"), Buffer::NULL));
}

#[test]
fn what_is_served_is_announced_and_counted_back() {
    let envoy = Envoy::start();
    let filter = gateway(&envoy);
    assert_eq!(envoy.stat("snapshot_revision"), Some(7));
    assert_eq!(envoy.stat("snapshot_keys"), Some(2));
    assert_eq!(envoy.stat("snapshot_rollbacks"), Some(0));
    assert_eq!(envoy.stat("snapshot_vms.plugin.keyward"), Some(3));
    assert_eq!(
        envoy.stat("snapshot_vms_revision_sum.plugin.keyward"),
        Some(21)
    );
    let older = envoy.push(&configuration(6)).unwrap();
    drop(filter);
    older.turn();
    assert_eq!(envoy.stat("snapshot_revision"), Some(6));
    assert_eq!(envoy.stat("snapshot_rollbacks"), Some(1));
    assert_eq!(
        envoy.stat("snapshot_vms_revision_sum.plugin.keyward"),
        Some(18)
    );
}

#[test]
fn what_was_counted_is_told_when_the_configuration_goes() {
    let envoy = Envoy::start();
    let filter = gateway(&envoy);
    for worker in [0, 1, 7] {
        let mut stream = asked(SECRET, &[]);
        stream.faults.worker = worker;
        assert_eq!(filter.request(&mut stream), Flow::Continue);
    }
    drop(filter);
    assert_eq!(envoy.requests_total("allow", "key"), 3);
}

/// A commit keeps the configuration alive for a moment. If the main thread releases it just then,
/// Envoy calls `config_destroy` inside the commit, on the module's own thread.
#[test]
fn a_commit_may_be_the_last_owner_of_a_configuration() {
    let envoy = Envoy::start();
    let mut filters = vec![gateway(&envoy), envoy.push(&configuration(2)).unwrap()];
    for destroyed in 1..=2 {
        envoy.process.lock().unwrap().given_up = filters.pop();
        let until = Instant::now() + Duration::from_secs(20);
        while envoy.process.lock().unwrap().destroyed < destroyed {
            assert!(Instant::now() < until, "the commit does not return");
            std::thread::sleep(Duration::from_millis(10));
        }
        for filter in &filters {
            let mut stream = asked(SECRET, &[]);
            assert_eq!(filter.request(&mut stream), Flow::Continue);
        }
    }
}

#[test]
fn the_modules_own_thread_asks_for_a_round_every_second() {
    let envoy = Envoy::start();
    let filter = gateway(&envoy);
    let start = std::time::Instant::now();
    while envoy.process.lock().unwrap().scheduled.is_empty() {
        assert!(start.elapsed().as_secs() < 10, "no round was asked for");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    drop(filter);
}

#[test]
fn a_verification_says_how_often_the_key_was_used_on_every_worker() {
    let envoy = Envoy::start();
    let filter = envoy
        .push_with(b"verifying", &configuration(7), |_| {})
        .unwrap();
    for worker in [0, 1] {
        let mut stream = asked(SECRET, &[]);
        stream.faults.worker = worker;
        assert_eq!(filter.request(&mut stream), Flow::Continue);
    }
    let verify = || {
        let mut stream = Stream::get("/verify", &[("authorization", &format!("Bearer {SECRET}"))]);
        assert_eq!(filter.request(&mut stream), Flow::Stop);
        let body: Value = serde_json::from_str(&stream.answers[0].body).unwrap();
        (stream.answers[0].status, body)
    };
    let (status, first) = verify();
    assert_eq!(status, 200, "{first}");
    filter.turn();
    let (_, second) = verify();
    assert_ne!(first, second, "the first verification was counted, too");
}

#[test]
fn two_configurations_of_one_process_do_not_see_each_others_keys() {
    let envoy = Envoy::start();
    let filter = gateway(&envoy);
    let closed = envoy.push_with(b"another", b"{}", |_| {}).unwrap();
    assert_eq!(filter.request(&mut asked(SECRET, &[])), Flow::Continue);
    let mut stream = asked(SECRET, &[]);
    let flow = closed.request(&mut stream);
    assert_denied(&stream, flow, 503, "no_snapshot");
}

#[test]
fn workers_decide_at_the_same_time() {
    let envoy = Envoy::start();
    let filter = gateway(&envoy);
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let filter = &filter;
            scope.spawn(move || {
                for turn in 0..500 {
                    let key = if turn % 2 == 0 { SECRET } else { STRANGER };
                    let mut stream = asked(key, &[]);
                    stream.faults.worker = worker;
                    let expected = if turn % 2 == 0 {
                        Flow::Continue
                    } else {
                        Flow::Stop
                    };
                    assert_eq!(filter.request(&mut stream), expected);
                }
            });
        }
        for _ in 0..50 {
            filter.turn();
        }
    });
    filter.turn();
    assert_eq!(envoy.requests_total("allow", "key"), 1_000);
    assert_eq!(envoy.requests_total("deny", "unknown_key"), 1_000);
}
