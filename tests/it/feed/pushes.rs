//! Pushes of other settings while a feed is followed: a loaded snapshot stays if it is still
//! trusted, and a superseded root stops polling.

use serde_json::json;

use super::held::resident;
use super::{becomes, everywhere, followers, following};
use crate::fail_closed::{ALICE, BOB, snapshot, status};
use crate::support::feed::{CLUSTER, Feed, configuration, public_key};
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
    // The snapshot is loaded from the first request on.
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
    // A request whose body never ends keeps its stream open, and with it the old root.
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
    // In wasm, these are the VMs of the worker and of the main thread. Each has one open poll.
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

#[test]
fn a_hundred_pushes_leave_no_poll_no_connection_and_no_memory() {
    let feed = Feed::start(&snapshot(1, &[ALICE]));
    let envoy = following(&feed, &configuration()).concurrency(2).start();
    everywhere(&envoy, ALICE, 200);
    let push = |number: u64| {
        let mut other = configuration();
        // Other settings, and another set of keys among which the signer's is.
        other["feed"]["interval"] = json!(1 + number % 9);
        if number.is_multiple_of(2) {
            other["feed"]["public_keys"] = json!([public_key(1), public_key(2)]);
        }
        assert_eq!(envoy.push_and_wait(&other.to_string()), Push::Accepted);
        assert_eq!(status(&envoy, ALICE), 200, "{number}");
        assert_eq!(status(&envoy, BOB), 401, "{number}");
    };
    (0..20).for_each(push);
    let before = resident(&envoy);
    (20..120).for_each(push);
    let grown = resident(&envoy).saturating_sub(before) >> 20;
    println!("{grown} MiB more after 100 pushes");
    // A follower that stayed in each of 3 VMs would be some 30 KiB each, and what it loaded more.
    assert!(grown < 8, "{grown} MiB more after 100 pushes");
    feed.publish(&snapshot(2, &[BOB]));
    everywhere(&envoy, ALICE, 401);
    everywhere(&envoy, BOB, 200);
    let polls = u64::try_from(followers(2)).unwrap();
    eventually("one connection for each that polls", BOUND, || {
        let open = envoy.stat(&format!("cluster.{CLUSTER}.upstream_rq_active"));
        (open == polls).then_some(())
    });
    let bases = feed.seen();
    let bases = bases.iter().filter(|it| it.path.ends_with(b".base"));
    assert_eq!(bases.count(), followers(2), "one each, before the pushes");
}
