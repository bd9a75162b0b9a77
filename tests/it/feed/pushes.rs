//! Pushes of other settings while a feed is followed: a loaded snapshot stays if it is still
//! trusted, and a replaced root stops polling.

use serde_json::json;

use super::{becomes, everywhere, followers, following};
use crate::fail_closed::{ALICE, BOB, snapshot, status};
use crate::support::feed::{Feed, configuration, public_key};
use crate::support::http::Connection;
use crate::support::{BOUND, Push, eventually};

#[test]
fn a_push_of_other_settings_goes_on_with_what_is_loaded() {
    let feed = Feed::start(&snapshot(1, &[ALICE]));
    let envoy = following(&feed, &configuration()).concurrency(2).start();
    everywhere(&envoy, ALICE, 200);
    feed.forget();
    let mut other = configuration();
    other["verify_path"] = json!("/verify");
    other["feed"]["public_keys"] = json!([public_key(2), public_key(1)]);
    assert_eq!(envoy.push_and_wait(&other.to_string()), Push::Accepted);
    // It counts as loaded from the first request on.
    assert_eq!(status(&envoy, ALICE), 200);
    feed.publish(&snapshot(2, &[BOB]));
    everywhere(&envoy, ALICE, 401);
    everywhere(&envoy, BOB, 200);
    let bases = feed
        .seen()
        .iter()
        .filter(|it| it.path.ends_with(b".base"))
        .count();
    assert_eq!(bases, 0);
}

#[test]
fn what_a_key_signed_does_not_survive_its_removal() {
    let feed = Feed::start(&snapshot(1, &[ALICE]));
    let envoy = following(&feed, &configuration()).start();
    becomes(&envoy, ALICE, 200);
    let mut other = configuration();
    other["feed"]["public_keys"] = json!([public_key(2)]);
    assert_eq!(envoy.push_and_wait(&other.to_string()), Push::Accepted);
    becomes(&envoy, ALICE, 503);
    feed.signer(2);
    feed.publish_base(&snapshot(2, &[ALICE]));
    becomes(&envoy, ALICE, 200);
}

#[test]
fn a_superseded_root_polls_no_longer_though_its_stream_lives() {
    let feed = Feed::start(&snapshot(1, &[ALICE]));
    let envoy = following(&feed, &configuration()).start();
    becomes(&envoy, ALICE, 200);
    // A request whose body never ends keeps its stream, and so the old root.
    let mut open = Connection::open(envoy.address());
    let head = format!(
        "POST /v1/customers HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {ALICE}\r\ncontent-length: 100\r\n\r\n"
    );
    open.send_raw(head.as_bytes()).unwrap();
    for number in 0..3 {
        let mut other = configuration();
        other["feed"]["interval"] = json!(2 + number);
        assert_eq!(envoy.push_and_wait(&other.to_string()), Push::Accepted);
    }
    feed.publish(&snapshot(2, &[ALICE, BOB]));
    becomes(&envoy, BOB, 200);
    // In wasm, the worker's VM and the main thread's. Each has one open poll.
    feed.forget();
    eventually("polls", BOUND, || (feed.seen().len() >= 6).then_some(()));
    let vms: std::collections::BTreeSet<String> = feed
        .seen()
        .iter()
        .filter_map(|it| {
            it.header("user-agent")?
                .split("; ")
                .nth(1)
                .map(str::to_owned)
        })
        .collect();
    assert_eq!(vms.len(), followers(1), "{vms:?}");
    drop(open);
    assert_eq!(status(&envoy, BOB), 200);
}
