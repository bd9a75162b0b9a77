//! Tests which calls a host receives, one by one, and that no failed call lets a request pass.

use serde_json::{Value, json};

use super::*;
use crate::digest::KeyDigest;
use crate::filter::counter::{Counter, Passed, Slot};
use crate::filter::fake::{Call, FakeHost};
use crate::usage::Event;

const GOOD: &str = "sk_test_FAKE-good-0001";
const GONE: &str = "sk_test_FAKE-gone-0001";

const ID: &str = "mk_good";

fn configuration(settings: Value) -> Configuration {
    let key = |id: &str, raw: &str, status: &str| {
        let digest = KeyDigest::of(raw.as_bytes()).to_string();
        json!({"id": id, "sha256": digest, "kind": "secret", "livemode": false, "owner": "acct_1", "status": status})
    };
    let mut all = json!({"verify_path": "/verify", "snapshot": {
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1_795_194_529,
        "endpoints": [
            {"method": "GET", "path": "/healthz", "auth": "none"},
            {"method": "GET", "path": "/verify", "auth": "none"},
        ],
        "accounts": [{"id": "org_1"}, {"id": "acct_1", "parent": "org_1"}],
        "keys": [key(ID, GOOD, "active"), key("mk_gone", GONE, "deleted")],
    }});
    all.as_object_mut()
        .unwrap()
        .extend(settings.as_object().unwrap().clone());
    Configuration::from_json(all.to_string().as_bytes()).unwrap()
}

fn request(path: &str, key: Option<&str>, more: &[(&str, &str)]) -> FakeHost {
    let authorization = key.map(|key| format!("Bearer {key}"));
    let mut headers = vec![(":method", "GET"), (":path", path)];
    headers.extend(
        authorization
            .as_deref()
            .map(|value| ("authorization", value)),
    );
    headers.extend(more);
    FakeHost::new(&headers)
}

const IDENTITY: &str = "key=\"mk_good\", kind=secret, livemode=?0, account=\"acct_1\", path=\"acct_1\", org=\"org_1\", revision=7";

fn added(name: &str, value: &str) -> Call {
    Call::Add(name.to_owned(), value.to_owned())
}

fn state(text: &str) -> Call {
    Call::State("keyward".to_owned(), text.to_owned())
}

fn replied(status: u16, details: &str) -> Call {
    Call::Reply(status, details.to_owned())
}

fn counted(slot: Slot) -> Call {
    Call::Count(Counter::Requests(slot))
}

fn key_counted(event: Event) -> Call {
    Call::CountKey(ID.to_owned(), event)
}

#[test]
fn a_request_that_passes_takes_four_calls_and_its_counts() {
    let configuration = configuration(json!({}));
    let mut host = request("/v1/balance", Some(GOOD), &[]);
    assert_eq!(run(&configuration, &mut host, false), Flow::Continue);
    assert_eq!(
        host.calls(),
        [
            Call::Headers,
            added("x-keyward-principal", IDENTITY),
            state(&format!("allow {IDENTITY}")),
            counted(Slot::Allow(Passed::Key)),
            key_counted(Event::Allowed),
        ]
    );
}

#[test]
fn what_a_client_forged_is_removed_before_anything_is_added() {
    let settings = json!({
        "forward_credential": false,
        "identity_headers": {"x-key": "key", "x-org": "org", "x-revision": "revision"},
    });
    let configuration = configuration(settings);
    let forged = [
        ("X-Keyward-Principal", "key=\"mk_other\""),
        ("X-Key", "mk_other"),
    ];
    let mut host = request("/v1/balance", Some(GOOD), &forged);
    let flow = run(&configuration, &mut host, false);
    assert_eq!(flow, Flow::Continue, "{:?}", host.calls());
    let remove = |name: &str| Call::Remove(name.to_owned());
    let changes: Vec<Call> = host.calls().into_iter().skip(1).take(7).collect();
    assert_eq!(
        changes,
        [
            remove("x-keyward-principal"),
            remove("x-key"),
            added("x-keyward-principal", IDENTITY),
            added("x-key", ID),
            added("x-org", "org_1"),
            added("x-revision", "7"),
            remove("authorization"),
        ]
    );
}

#[test]
fn a_denial_is_answered_and_counted() {
    let configuration = configuration(json!({}));
    let mut host = request("/v1/balance", Some(GONE), &[]);
    assert_eq!(run(&configuration, &mut host, false), Flow::Stop);
    let told =
        "deny deleted_key key=\"mk_gone\", kind=secret, livemode=?0, org=\"org_1\", revision=7";
    assert_eq!(
        host.calls(),
        [
            Call::Headers,
            replied(401, "keyward_denied{deleted_key}"),
            state(told),
            counted(Slot::Deny(DenyReason::DeletedKey)),
            Call::CountKey("mk_gone".to_owned(), Event::Denied),
        ]
    );
    let reply = host.last_reply.unwrap();
    assert!(
        reply
            .headers
            .contains(&("Request-Id".to_owned(), "req_70000000000000".to_owned()))
    );
}

#[test]
fn a_public_endpoint_is_counted_for_no_key() {
    let configuration = configuration(json!({}));
    let mut host = request("/healthz", None, &[]);
    assert_eq!(run(&configuration, &mut host, false), Flow::Continue);
    assert_eq!(
        host.calls(),
        [
            Call::Headers,
            state("allow public"),
            counted(Slot::Allow(Passed::Public)),
        ]
    );
}

#[test]
fn a_pass_in_shadow_is_counted_as_what_it_would_have_been() {
    let configuration = configuration(json!({"enforcement": "shadow"}));
    let mut host = request("/v1/balance", Some(GONE), &[]);
    assert_eq!(run(&configuration, &mut host, false), Flow::Continue);
    let calls = host.calls();
    assert_eq!(
        calls[2..],
        [
            counted(Slot::WouldDeny(DenyReason::DeletedKey)),
            Call::CountKey("mk_gone".to_owned(), Event::WouldDeny),
        ]
    );
}

#[test]
fn a_verification_asks_for_the_activity_and_is_answered() {
    let configuration = configuration(json!({}));
    let mut host = request("/verify", Some(GOOD), &[]);
    assert_eq!(run(&configuration, &mut host, false), Flow::Stop);
    assert_eq!(
        host.calls(),
        [
            Call::Headers,
            Call::Now,
            Call::Address,
            Call::Activity(ID.to_owned()),
            replied(200, "keyward_verified"),
            state("verify key=\"mk_good\", kind=secret, livemode=?0, org=\"org_1\", revision=7"),
            counted(Slot::Verify),
            key_counted(Event::Verified),
        ]
    );
    assert!(
        host.last_reply
            .unwrap()
            .body
            .contains("\"verification_count\": 3")
    );
}

#[test]
fn a_verification_of_a_stranger_costs_what_one_of_a_known_key_costs() {
    let configuration = configuration(json!({}));
    let mut host = request("/verify", Some("sk_test_FAKE-stranger-1"), &[]);
    assert_eq!(run(&configuration, &mut host, false), Flow::Stop);
    let calls = host.calls();
    assert_eq!(calls[1..3], [Call::Now, Call::Address]);
    assert_eq!(
        calls[5..],
        [
            counted(Slot::Deny(DenyReason::UnknownKey)),
            Call::CountNoKey,
        ]
    );
}

#[test]
fn a_secret_in_the_query_is_counted_whatever_becomes_of_it() {
    let configuration = configuration(json!({}));
    for path in ["/healthz", "/v1/balance"] {
        let mut host = request(&format!("{path}?key={GOOD}"), None, &[]);
        let _ = run(&configuration, &mut host, false);
        let exposed = Call::Count(Counter::SecretKeysInQuery);
        let times = host.calls().iter().filter(|call| **call == exposed).count();
        assert_eq!(times, 1, "{path}");
    }
}

#[test]
fn the_usage_report_is_for_this_machine_and_is_not_counted() {
    let configuration = Configuration::from_json(br#"{"role": "usage_report"}"#).unwrap();
    let near = "127.0.0.1".parse().ok();
    for (peer, part) in [(near, true), ("192.0.2.1".parse().ok(), false)] {
        let mut host = request("/usage?from=256", None, &[(":authority", "localhost:9902")]);
        (host.peer, host.own) = (peer, near);
        assert_eq!(run(&configuration, &mut host, false), Flow::Stop);
        let told = match part {
            true => vec![
                Call::Report(256),
                replied(200, "keyward_usage"),
                state("report"),
            ],
            false => vec![
                replied(404, "keyward_denied{unknown_endpoint}"),
                state("deny unknown_endpoint"),
            ],
        };
        assert_eq!(host.calls()[2..], told);
    }
}

#[test]
fn a_gateway_without_a_snapshot_denies() {
    let mut host = request("/v1/balance", Some(GOOD), &[]);
    assert_eq!(run(&Configuration::closed(), &mut host, false), Flow::Stop);
    assert_eq!(host.state().as_deref(), Some("deny no_snapshot"));
}

/// Fails each call that can fail, once. No request may pass, remain unanswered, or be counted
/// twice.
#[test]
fn a_call_that_is_refused_denies_the_request() {
    let settings = json!({"forward_credential": false, "identity_headers": {"x-key": "key"}});
    let configuration = configuration(settings);
    let forged = [("x-keyward-principal", "a")];
    let mut host = request("/v1/balance", Some(GOOD), &forged);
    let _ = run(&configuration, &mut host, false);
    let refusable = host.calls().iter().filter(|call| call.can_fail()).count();
    assert_eq!(refusable, 6);
    for number in 0..refusable {
        let mut host = request("/v1/balance", Some(GOOD), &forged);
        host.refuses = vec![number];
        assert_eq!(
            run(&configuration, &mut host, false),
            Flow::Stop,
            "{number}"
        );
        let (state, key) = match number {
            0 => ("deny host_failure", None),
            _ => (
                "deny host_failure key=\"mk_good\", kind=secret, livemode=?0, org=\"org_1\", revision=7",
                Some(key_counted(Event::Denied)),
            ),
        };
        assert_eq!(host.state().as_deref(), Some(state), "{number}");
        let calls = host.calls();
        let answers = calls
            .iter()
            .filter(|call| **call == replied(503, "keyward_denied{host_failure}"));
        assert_eq!(answers.count(), 1, "{number}");
        let ledger: Vec<Call> = calls
            .into_iter()
            .filter(|call| matches!(call, Call::Count(_) | Call::CountKey(..) | Call::CountNoKey))
            .collect();
        let expected = [counted(Slot::Deny(DenyReason::HostFailure))];
        assert_eq!(
            ledger,
            expected.into_iter().chain(key).collect::<Vec<_>>(),
            "{number}"
        );
    }
}

#[test]
fn a_refused_call_is_logged_with_its_fault() {
    let configuration = configuration(json!({}));
    let mut host = request("/v1/balance", Some(GOOD), &[]);
    host.refuses = vec![2];
    assert_eq!(run(&configuration, &mut host, false), Flow::Stop);
    let line = "keyward: the host refused to carry out a verdict: status 2; denied";
    assert!(
        host.calls()
            .contains(&Call::Log(LogLevel::Error, line.to_owned()))
    );
}

#[test]
fn an_answer_that_cannot_be_sent_resets_the_request() {
    let configuration = configuration(json!({}));
    for refuses in [vec![1], vec![1, 2]] {
        let mut host = request("/v1/balance", Some(GONE), &[]);
        host.refuses = refuses;
        assert_eq!(run(&configuration, &mut host, false), Flow::Stop);
        assert!(host.calls().contains(&Call::Reset));
        assert!(
            host.calls()
                .contains(&counted(Slot::Deny(DenyReason::DeletedKey)))
        );
    }
}

#[test]
fn a_request_that_is_called_twice_is_refused() {
    let mut host = request("/v1/balance", Some(GOOD), &[]);
    assert_eq!(refuse(&Configuration::closed(), &mut host), Flow::Stop);
    assert_eq!(
        host.calls(),
        [
            replied(503, "keyward_denied{host_failure}"),
            state("deny host_failure"),
            counted(Slot::Deny(DenyReason::HostFailure)),
        ]
    );
}
