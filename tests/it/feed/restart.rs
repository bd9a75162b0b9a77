//! A new Envoy takes over the sockets of an old one, and both follow the feed meanwhile.

use std::fs;

use serde_json::json;

use super::{becomes, following};
use crate::fail_closed::restart::{free_port, second_epoch};
use crate::fail_closed::{ALICE, BOB, BOTH, STRANGER, Watch, snapshot, status, with_interlock};
use crate::support::bootstrap::at;
use crate::support::feed::{Feed, configuration};
use crate::support::{BOUND, Upstream, eventually};

#[test]
fn a_hot_restart_lets_nobody_in_between_and_the_new_envoy_follows() {
    for interlock in BOTH {
        let feed = Feed::start(&snapshot(1, &[ALICE]));
        let upstream = Upstream::start();
        let port = free_port();
        let builder = following(&feed, &configuration())
            .upstream(upstream.address())
            .arguments(&["--base-id-path", "base-id"])
            .arguments(&["--drain-time-s", "1", "--parent-shutdown-time-s", "2"])
            .edit(move |all| {
                let listener = "/static_resources/listeners/0/address/socket_address/port_value";
                *at(all, listener) = json!(port);
            });
        let mut first = with_interlock(builder, interlock).start();
        becomes(&first, ALICE, 200);
        let watched = [ALICE, BOB, STRANGER].map(|key| Watch::start(first.address(), key));
        let mut second = second_epoch(&first);
        let mut revision = 1;
        eventually("the first Envoy is gone", BOUND, || {
            let log = first.directory().join("envoy-2.log");
            assert!(!second.has_ended(), "{:?}", fs::read_to_string(log));
            // Changes go on, and none of them is about BOB.
            revision += 1;
            feed.publish(&snapshot(revision, &[ALICE]));
            first.has_ended().then_some(())
        });
        becomes(&first, ALICE, 200);
        assert_eq!(status(&first, STRANGER), 401);
        // A new process begins without a snapshot, and denies until it has verified a head.
        let [alice, bob, stranger] = watched.map(Watch::stop);
        let kinds = |answers: &std::collections::BTreeMap<u16, u64>, expected: &[u16]| {
            answers.keys().all(|status| expected.contains(status))
        };
        assert!(kinds(&alice, &[0, 200, 503]), "{alice:?}");
        assert!(kinds(&bob, &[0, 401, 503]), "{bob:?}");
        assert!(kinds(&stranger, &[0, 401, 503]), "{stranger:?}");
        assert!(alice.contains_key(&200) && bob.contains_key(&401));
        // It follows, by itself.
        feed.forget();
        feed.publish(&snapshot(revision + 1, &[BOB]));
        becomes(&first, BOB, 200);
        becomes(&first, ALICE, 401);
        let bases = feed.seen();
        let bases = bases.iter().filter(|it| it.path.ends_with(b".base"));
        assert_eq!(bases.count(), 0);
    }
}
