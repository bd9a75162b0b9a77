//! Follows a feed through the hooks. Only the newest configuration makes calls, their result is on
//! every worker, and nothing unsigned lets a request pass. Each test has its own feed, because the
//! process remembers the newest head of each.

use ed25519_dalek::{Signer, SigningKey};
use keyward::feed::head::{BaseEntry, Head, PACKED, Sha256};
use keyward::profile::Profile;
use keyward::signify::{PublicKey, seal};
use keyward::snapshot::packed::{Packed, Trust};
use serde_json::{Value, json};
use sha2::Digest;

use super::fake::{Envoy, Filter, Flow, Parts};
use super::{SECRET, STRANGER, asked, assert_denied, snapshot};

/// The module's event for a follower.
const FEED: u64 = 1;

fn public_key(signer: u8) -> String {
    let point = SigningKey::from_bytes(&[signer; 32])
        .verifying_key()
        .to_bytes();
    let key = PublicKey::from_parts([signer; 8], &point).unwrap();
    key.line()
}

fn configuration(feed: &str, signer: u8) -> Value {
    json!({"max_snapshot_age": 3_000_000_000_u64, "feed": {
        "name": feed, "cluster": "keyward_feed", "authority": "feed.test", "path": "/feeds",
        "public_keys": [public_key(signer)],
    }})
}

fn push(envoy: &Envoy, configuration: &Value) -> Filter {
    let filter = envoy.push(configuration.to_string().as_bytes());
    filter.expect("the configuration is good")
}

/// Returns a signed head, and the base that it names.
fn published(feed: &str, signer: u8, revision: u64) -> (Vec<u8>, Vec<u8>) {
    publish(feed, signer, &snapshot(revision))
}

fn publish(feed: &str, signer: u8, snapshot: &Value) -> (Vec<u8>, Vec<u8>) {
    let keys = snapshot["keys"].as_array().unwrap().len();
    let profile = Profile::stripe();
    let json = snapshot.to_string();
    let packed = Packed::from_json(json.as_bytes(), &profile).unwrap();
    let snapshot = packed.snapshot(&profile, Trust::Nothing).unwrap();
    let base = packed.chunks().unwrap().concat();
    let head = Head {
        feed: feed.into(),
        source: "file:test".into(),
        line: "l1".into(),
        packed: PACKED,
        revision: snapshot.revision(),
        issued_at: 1_795_194_529,
        keys: u64::try_from(keys).unwrap(),
        accounts: 1,
        base: BaseEntry {
            revision: snapshot.revision(),
            size: u32::try_from(base.len()).unwrap(),
            sha256: Sha256::new(sha2::Sha256::digest(&base).into()),
            urgent: true,
        },
        deltas: Vec::new(),
    };
    let json = head.to_json().unwrap();
    let signature = SigningKey::from_bytes(&[signer; 32]).sign(&json).to_bytes();
    (seal("keyward feed", [signer; 8], &signature, &json), base)
}

/// Returns a configuration whose source has another path.
fn configuration_at(path: &str, feed: &str, signer: u8) -> Value {
    let mut configuration = configuration(feed, signer);
    configuration["feed"]["path"] = json!(path);
    configuration
}

/// Brings the filter to that revision.
fn lead(filter: &Filter, feed: &str, revision: u64) {
    let (head, base) = published(feed, 1, revision);
    filter.answer(filter.call("/head").number, &head);
    filter.answer(filter.call(".base").number, &base);
}

#[track_caller]
fn assert_passes(filter: &Filter) {
    for worker in [0, 1, 9] {
        let mut stream = asked(SECRET, &[]);
        stream.faults.worker = worker;
        assert_eq!(filter.request(&mut stream), Flow::Continue, "{worker}");
    }
    let mut stream = asked(STRANGER, &[]);
    let flow = filter.request(&mut stream);
    assert_denied(&stream, flow, 401, "unknown_key");
}

#[track_caller]
fn assert_closed(filter: &Filter) {
    for worker in [0, 1, 9] {
        let mut stream = asked(SECRET, &[]);
        stream.faults.worker = worker;
        let flow = filter.request(&mut stream);
        assert_denied(&stream, flow, 503, "no_snapshot");
    }
}

fn troubles(envoy: &Envoy, word: &str) -> u64 {
    let name = format!("feed_troubles_total.reason.{word}");
    envoy.stat(&name).expect("it is there from the start")
}

#[test]
fn what_a_head_leads_to_is_served_by_every_worker_and_told() {
    let envoy = Envoy::start();
    let filter = push(&envoy, &configuration("feed-1", 1));
    assert_closed(&filter);
    assert!(filter.calls().is_empty(), "its first round makes the first");
    filter.turn();
    let call = filter.call("/feeds/head");
    assert_eq!(call.cluster, "keyward_feed");
    assert_eq!(call.header(":authority"), Some("feed.test"));
    assert_closed(&filter);
    lead(&filter, "feed-1", 8);
    assert_passes(&filter);
    assert_eq!(envoy.stat("snapshot_revision"), Some(8));
    assert_eq!(envoy.stat("feed_bases_total"), Some(1));
    assert_eq!(envoy.stat("feed_loads_total"), Some(1));
    let (head, base) = published("feed-1", 1, 8);
    let received = u64::try_from(head.len() + base.len()).unwrap();
    assert_eq!(envoy.stat("feed_received_bytes_total"), Some(received));
    assert!(envoy.stat("feed_load_milliseconds_total").unwrap() < 60_000);
    assert_eq!(
        envoy.stat("snapshot_vms_revision_sum.plugin.keyward"),
        Some(24)
    );
}

#[test]
fn the_module_asks_for_the_followers_turns() {
    let envoy = Envoy::start();
    let mut filter = push(&envoy, &configuration("feed-2", 1));
    filter.refuse_calls();
    filter.turn();
    assert_eq!(troubles(&envoy, "unreachable"), 1);
    let start = std::time::Instant::now();
    while troubles(&envoy, "unreachable") < 2 {
        assert!(start.elapsed().as_secs() < 20, "it is not asked again");
        if !envoy.process.lock().unwrap().scheduled.is_empty() {
            filter.turn_for(FEED);
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_closed(&filter);
}

#[test]
fn a_push_takes_over_and_the_calls_of_the_old_one_have_ended_by_then() {
    let envoy = Envoy::start();
    let old = push(&envoy, &configuration("feed-3", 1));
    old.turn();
    lead(&old, "feed-3", 8);
    old.turn();
    let mut other = configuration("feed-3", 1);
    other["verify_path"] = json!("/verify");
    let new = push(&envoy, &other);
    assert_eq!(
        old.calls(),
        [],
        "Envoy may destroy it on a worker from now on"
    );
    assert_passes(&new);
    old.turn_for(FEED);
    new.turn();
    assert_eq!((old.calls(), new.calls().len()), (vec![], 1));
    let (head, base) = published("feed-3", 1, 9);
    new.answer(new.call("/head").number, &head);
    new.answer(new.call(".base").number, &base);
    assert_eq!(envoy.stat("snapshot_revision"), Some(9));
    assert_passes(&old);
    drop(old);
    new.turn();
    assert_passes(&new);
}

#[test]
fn where_envoy_drops_the_new_one_at_once_the_old_one_goes_on() {
    let envoy = Envoy::start();
    let old = push(&envoy, &configuration("feed-4", 1));
    old.turn();
    lead(&old, "feed-4", 8);
    let mut other = configuration("feed-4", 1);
    other["verify_path"] = json!("/verify");
    drop(push(&envoy, &other));
    assert_eq!(old.calls(), []);
    old.turn();
    assert_eq!(old.calls().len(), 1);
    lead(&old, "feed-4", 9);
    assert_passes(&old);
    assert_eq!(envoy.stat("snapshot_revision"), Some(9));
}

#[test]
fn two_listeners_have_one_follower() {
    let envoy = Envoy::start();
    let [one, two] = [(), ()].map(|()| push(&envoy, &configuration("feed-5", 1)));
    for _ in 0..3 {
        one.turn();
        two.turn();
    }
    assert_eq!((one.calls().len(), two.calls().len()), (0, 1));
    lead(&two, "feed-5", 8);
    assert_passes(&one);
    assert_passes(&two);
    drop(two);
    one.turn();
    assert_eq!(one.calls().len(), 1);
}

#[test]
fn what_a_key_signed_goes_with_it_and_so_does_another_feeds() {
    let envoy = Envoy::start();
    let old = push(&envoy, &configuration("feed-6", 1));
    old.turn();
    lead(&old, "feed-6", 8);
    for other in [
        configuration_at("/new", "feed-6", 2),
        configuration_at("/new", "test", 1),
    ] {
        let new = push(&envoy, &other);
        assert_closed(&new);
        new.turn();
        assert_closed(&new);
        let (head, _) = published("feed-6", 1, 9);
        new.answer(new.call("/new/head").number, &head);
        assert_closed(&new);
    }
    assert_eq!(troubles(&envoy, "signature"), 1);
    assert_eq!(troubles(&envoy, "other_feed"), 1);
}

#[test]
fn two_feeds_of_one_plugin_are_both_followed() {
    let envoy = Envoy::start();
    let one = push(&envoy, &configuration_at("/one", "feed-13", 1));
    one.turn();
    lead(&one, "feed-13", 8);
    let two = push(&envoy, &configuration_at("/two", "feed-14", 1));
    assert_eq!(one.calls(), [], "this may be its successor");
    for _ in 0..3 {
        two.turn();
        one.turn();
    }
    assert_eq!((one.calls().len(), two.calls().len()), (0, 2));
    assert_passes(&one);
    assert_closed(&two);
    // A revocation in the older one's feed reaches it, and does not affect the other.
    let mut revoked = snapshot(9);
    revoked["keys"].as_array_mut().unwrap().remove(0);
    let (head, base) = publish("feed-13", 1, &revoked);
    two.answer(two.call("/one/head").number, &head);
    two.answer(two.call(".base").number, &base);
    let mut stream = asked(SECRET, &[]);
    let flow = one.request(&mut stream);
    assert_denied(&stream, flow, 401, "unknown_key");
    assert_closed(&two);
    let (head, base) = published("feed-14", 1, 3);
    two.answer(two.call("/two/head").number, &head);
    two.answer(two.call(".base").number, &base);
    assert_passes(&two);
    let mut stream = asked(SECRET, &[]);
    let flow = one.request(&mut stream);
    assert_denied(&stream, flow, 401, "unknown_key");
    // The one that is left goes on with its own.
    drop(two);
    one.turn();
    assert_eq!(one.calls().len(), 1);
    one.call("/one/head");
}

#[test]
fn a_feed_that_nothing_follows_any_more_is_not_asked() {
    let envoy = Envoy::start();
    let old = push(&envoy, &configuration("feed-7", 1));
    old.turn();
    lead(&old, "feed-7", 8);
    let new = push(&envoy, &json!({"snapshot": snapshot(1)}));
    for _ in 0..2 {
        new.turn();
        old.turn();
    }
    // Streams may still be on the old one. Envoy may release it at any time, so it makes no call.
    assert_eq!((old.calls(), new.calls().len()), (vec![], 1));
    assert_passes(&new);
    assert_passes(&old);
    drop(old);
    new.turn();
    assert_eq!(new.calls(), []);
    assert_passes(&new);
}

#[test]
fn a_seed_serves_only_where_it_is_told_to() {
    let envoy = Envoy::start();
    let mut configuration = configuration("feed-8", 1);
    configuration["snapshot"] = snapshot(7);
    assert_closed(&push(&envoy, &configuration));
    configuration["feed"]["serve_seed"] = json!(true);
    let filter = push(&envoy, &configuration);
    assert_passes(&filter);
    // A revision older than the seed is rejected.
    filter.turn();
    let (head, _) = published("feed-8", 1, 6);
    filter.answer(filter.call("/head").number, &head);
    assert_eq!(troubles(&envoy, "rollback"), 1);
    assert_passes(&filter);
}

#[test]
fn a_new_follower_of_the_process_remembers_the_newest_head() {
    let envoy = Envoy::start();
    let feed = "remembered";
    let filter = push(&envoy, &configuration(feed, 1));
    filter.turn();
    let (head, base) = published(feed, 1, 8);
    filter.answer(filter.call("/head").number, &head);
    filter.answer(filter.call(".base").number, &base);
    assert_passes(&filter);
    drop(filter);
    let filter = push(&envoy, &configuration(feed, 1));
    assert_closed(&filter);
    filter.turn();
    let (head, _) = published(feed, 1, 7);
    filter.answer(filter.call("/head").number, &head);
    assert_eq!(troubles(&envoy, "rollback"), 1);
    assert_closed(&filter);
}

#[test]
fn whatever_envoy_hands_over_of_an_answer_leads_to_nothing_that_is_not_signed() {
    let (head, base) = published("feed-10", 1, 8);
    let status: Parts<'_> = Parts::Headers(&[(b":status", b"200")]);
    let long = vec![0; 1 << 20];
    let much: Vec<&[u8]> = vec![&long; 33];
    let broken: [&[Parts<'_>]; 12] = [
        &[Parts::Complete],
        &[Parts::Reset],
        &[Parts::NoHeaders(0), Parts::Complete],
        &[Parts::NoHeaders(3), Parts::Data(&[&head]), Parts::Complete],
        &[Parts::NoHeaders(usize::MAX), Parts::Complete],
        &[
            Parts::Headers(&[(b"status", b"200")]),
            Parts::Data(&[&head]),
            Parts::Complete,
        ],
        &[status, Parts::Data(&[&head]), Parts::Reset],
        &[
            status,
            Parts::NoData(1),
            Parts::Data(&[&head]),
            Parts::Complete,
        ],
        &[status, Parts::NoData(usize::MAX), Parts::Complete],
        &[
            status,
            Parts::NoChunk(9),
            Parts::Data(&[&head]),
            Parts::Complete,
        ],
        &[status, Parts::NoChunk(usize::MAX), Parts::Complete],
        &[status, Parts::Data(&much), Parts::Complete],
    ];
    for parts in broken {
        let envoy = Envoy::start();
        let filter = push(&envoy, &configuration("feed-10", 1));
        filter.turn();
        let call = filter.call("/head").number;
        for part in parts {
            filter.hand_over(call, *part);
        }
        assert_closed(&filter);
        assert_eq!(filter.calls(), [], "{parts:?}");
        assert_eq!(troubles(&envoy, "unreachable"), 1, "{parts:?}");
        // Answers to calls that the module did not make.
        for part in parts {
            filter.hand_over(call + 7, *part);
        }
    }
    // A base that does not match the head.
    let envoy = Envoy::start();
    let filter = push(&envoy, &configuration("feed-10", 1));
    filter.turn();
    filter.answer(filter.call("/head").number, &head);
    let mut other = base.clone();
    *other.last_mut().unwrap() ^= 1;
    filter.answer(filter.call(".base").number, &other);
    assert_eq!(troubles(&envoy, "hash"), 1);
    assert_closed(&filter);
}

#[test]
fn an_answer_without_end_is_ended_in_the_next_turn() {
    let envoy = Envoy::start();
    let filter = push(&envoy, &configuration("feed-11", 1));
    filter.turn();
    let call = filter.call("/head").number;
    filter.hand_over(call, Parts::Headers(&[(b":status", b"200")]));
    let long = vec![0; 1 << 20];
    for _ in 0..33 {
        filter.hand_over(call, Parts::Data(&[&long]));
    }
    assert_eq!(filter.calls().len(), 1, "not from its own hook");
    filter.turn_for(FEED);
    assert_eq!(filter.calls(), []);
    assert_eq!(troubles(&envoy, "unreachable"), 1);
    assert_closed(&filter);
}

#[test]
fn an_answer_that_is_reset_at_any_of_its_bytes_leads_nowhere() {
    let (head, base) = published("feed-12", 1, 8);
    let status: Parts<'_> = Parts::Headers(&[(b":status", b"200")]);
    let cut = |answer: &[u8], end: usize, is_base: bool| {
        let envoy = Envoy::start();
        let filter = push(&envoy, &configuration("feed-12", 1));
        filter.turn();
        if is_base {
            filter.answer(filter.call("/head").number, &head);
        }
        let call = filter.call(if is_base { ".base" } else { "/head" }).number;
        filter.hand_over(call, status);
        // In two parts, as it may come.
        let (one, two) = answer[..end].split_at(end / 2);
        filter.hand_over(call, Parts::Data(&[one, two]));
        filter.hand_over(call, Parts::Reset);
        assert_closed(&filter);
        assert_eq!(troubles(&envoy, "unreachable"), 1, "{end}");
        assert_eq!(filter.calls(), [], "{end}");
    };
    for end in 0..=head.len() {
        cut(&head, end, false);
    }
    for end in 0..=base.len() {
        cut(&base, end, true);
    }
}
