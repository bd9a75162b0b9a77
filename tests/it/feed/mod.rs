//! A real Envoy as a gateway that follows a signed feed: every worker serves what is published, and
//! whatever happens to the source, no key works unless a verified head allowed it.

mod held;
mod manners;
mod pushes;
mod restart;
mod way;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::fail_closed::{ALICE, BOB, STRANGER, ask, snapshot, status};
use crate::support::builder::Builder;
use crate::support::feed::{CLUSTER, Feed, cluster, configuration};
use crate::support::upstream::Reply;
use crate::support::{BOUND, Envoy, Host, eventually};

/// Returns a builder for an Envoy that follows a feed.
pub fn following(feed: &Feed, configuration: &Value) -> Builder {
    let address = feed.address();
    Envoy::builder()
        .config(configuration.to_string())
        .edit(move |bootstrap| {
            let clusters = &mut bootstrap["static_resources"]["clusters"];
            clusters
                .as_array_mut()
                .unwrap()
                .push(cluster(CLUSTER, address));
        })
}

/// Returns the number of followers in an Envoy with this many workers: each VM, including the main
/// thread's, or a single one in the native module.
pub fn followers(workers: usize) -> usize {
    match Host::chosen() {
        Host::Wasm => workers + 1,
        Host::Native => 1,
    }
}

/// Waits for a key's status on every worker.
#[track_caller]
pub fn everywhere(envoy: &Envoy, key: &str, expected: u16) {
    envoy.on_every_worker(&format!("{key}: {expected}"), BOUND, |connection| {
        (ask(connection, key).status == expected).then_some(())
    });
}

#[track_caller]
pub fn becomes(envoy: &Envoy, key: &str, expected: u16) {
    eventually(&format!("{key}: {expected}"), BOUND, || {
        (status(envoy, key) == expected).then_some(())
    });
}

/// Waits for a line in Envoy's log.
#[track_caller]
pub fn logged(envoy: &Envoy, line: &str) {
    eventually(line, BOUND, || envoy.logs().contains(line).then_some(()));
}

#[test]
fn what_is_published_is_served_by_every_worker() {
    let feed = Feed::start(&snapshot(1, &[ALICE]));
    let envoy = following(&feed, &configuration()).concurrency(3).start();
    everywhere(&envoy, ALICE, 200);
    everywhere(&envoy, BOB, 401);
    // One key is added, and one is removed.
    feed.forget();
    feed.publish(&snapshot(2, &[ALICE, BOB]));
    everywhere(&envoy, BOB, 200);
    everywhere(&envoy, ALICE, 200);
    feed.publish(&snapshot(3, &[BOB]));
    everywhere(&envoy, ALICE, 401);
    everywhere(&envoy, BOB, 200);
    everywhere(&envoy, STRANGER, 401);
    let seen = feed.seen();
    let paths = |end: &str| {
        seen.iter()
            .filter(|it| it.path.ends_with(end.as_bytes()))
            .count()
    };
    assert_eq!(paths(".base"), 0, "no change makes a gateway load a base");
    let deltas = paths(".delta");
    assert!(deltas >= 2 * followers(2), "{deltas}");
    if Host::chosen() == Host::Native {
        assert_eq!(deltas, 2, "one follower for all workers");
    }
    let revisions = envoy.stats("keyward[_.]snapshot_revision$");
    assert!(
        !revisions.is_empty() && revisions.values().all(|revision| *revision == 3),
        "{revisions:?}"
    );
    let agent = seen
        .last()
        .unwrap()
        .header("user-agent")
        .unwrap()
        .to_owned();
    assert!(
        agent.starts_with("keyward/") && agent.contains("; rev="),
        "{agent}"
    );
}

#[test]
fn before_the_first_verified_head_nothing_passes() {
    let feed = Feed::empty();
    let envoy = following(&feed, &configuration()).start();
    let denied = envoy.get(
        "/v1/balance",
        &[("authorization", format!("Bearer {ALICE}"))],
    );
    assert_eq!(denied.status, 503);
    assert_eq!(denied.header("x-keyward-denied"), Some("no_snapshot"));
    logged(
        &envoy,
        "keyward: feed `prod`: the head was answered with status 404",
    );
    feed.publish(&snapshot(1, &[ALICE]));
    becomes(&envoy, ALICE, 200);
    logged(&envoy, "keyward: feed `prod`: it is followed again");
    assert!(
        envoy
            .stats("keyward[_.]feed_troubles_total")
            .values()
            .any(|count| *count > 0)
    );
}

#[test]
fn a_source_that_does_not_wait_is_polled() {
    let feed = Feed::start(&snapshot(1, &[ALICE]));
    feed.waits(false);
    let envoy = following(&feed, &configuration()).concurrency(2).start();
    everywhere(&envoy, ALICE, 200);
    feed.publish(&snapshot(2, &[BOB]));
    everywhere(&envoy, ALICE, 401);
    everywhere(&envoy, BOB, 200);
}

#[test]
fn an_open_poll_brings_each_change_and_none_waits_for_the_interval() {
    let feed = Feed::start(&snapshot(1, &[ALICE]));
    let mut slow = configuration();
    slow["feed"]["interval"] = json!(3600);
    slow["feed"]["wait"] = json!(60);
    let envoy = following(&feed, &slow).concurrency(3).start();
    everywhere(&envoy, ALICE, 200);
    // As soon as the first head is served.
    feed.publish(&snapshot(2, &[BOB]));
    everywhere(&envoy, ALICE, 401);
    everywhere(&envoy, BOB, 200);
    // After trouble.
    feed.manner(Some(Arc::new(|_, _| Reply {
        status: 500,
        headers: Vec::new(),
        body: Vec::new(),
    })));
    feed.publish(&snapshot(3, &[ALICE, BOB]));
    logged(&envoy, "the head was answered with status 500");
    feed.manner(None);
    everywhere(&envoy, ALICE, 200);
    feed.publish(&snapshot(4, &[BOB]));
    everywhere(&envoy, ALICE, 401);
}

#[test]
fn a_head_that_is_not_renewed_ages_and_a_heartbeat_renews_it() {
    let feed = Feed::start(&snapshot(1, &[ALICE]));
    let mut configuration = configuration();
    configuration["max_snapshot_age"] = json!(3);
    let envoy = following(&feed, &configuration).start();
    let renewed = || {
        eventually("a heartbeat is served", BOUND, || {
            feed.alter(|head| head.issued_at = crate::support::feed::now());
            (status(&envoy, ALICE) == 200).then_some(())
        });
    };
    renewed();
    // Monitoring reads a feed's age from this gauge.
    let issued_at = envoy.stats("keyward[_.]snapshot_issued_at$");
    let now = crate::support::feed::now();
    assert!(
        !issued_at.is_empty() && issued_at.values().all(|it| now - it < 5),
        "{issued_at:?} {now}"
    );
    // Meanwhile the source answers 304, which carries no signature.
    becomes(&envoy, ALICE, 503);
    let denied = envoy.get(
        "/v1/balance",
        &[("authorization", format!("Bearer {ALICE}"))],
    );
    assert_eq!(denied.header("x-keyward-denied"), Some("stale_snapshot"));
    renewed();
}

#[test]
fn a_seed_serves_only_where_it_is_told_to() {
    let feed = Feed::empty();
    for (serves, expected) in [(false, 503), (true, 200)] {
        let mut configuration = configuration();
        configuration["snapshot"] = snapshot(7, &[ALICE]);
        configuration["snapshot"]["issued_at"] = json!(crate::support::feed::now());
        configuration["feed"]["serve_seed"] = json!(serves);
        let envoy = following(&feed, &configuration).start();
        assert_eq!(status(&envoy, ALICE), expected, "serve_seed: {serves}");
        assert_eq!(status(&envoy, STRANGER), if serves { 401 } else { 503 });
    }
    // The gateway accepts nothing older than the seed.
    feed.publish(&snapshot(6, &[BOB]));
    let mut configuration = configuration();
    configuration["snapshot"] = snapshot(7, &[ALICE]);
    let envoy = following(&feed, &configuration).start();
    logged(
        &envoy,
        "the head of revision 6: it is older than a head that was verified, or than `min_revision`",
    );
    assert_eq!(status(&envoy, BOB), 503);
    feed.publish(&snapshot(8, &[BOB]));
    becomes(&envoy, BOB, 200);
}
