//! A source that misbehaves, with and without the interlock: the last good snapshot stays in use,
//! the gateway recovers by itself, and the operator sees the fault.

use std::sync::Arc;

use super::{becomes, followers, following, logged};
use crate::fail_closed::{ALICE, BOB, BOTH, STRANGER, snapshot, status, with_interlock};
use crate::support::feed::{Feed, Manner, configuration, now};
use crate::support::upstream::{Reply, Seen};
use crate::support::{BOUND, eventually};

fn is_head(seen: &Seen) -> bool {
    seen.path.ends_with(b"/head")
}

fn altered(alter: impl Fn(&Seen, &mut Reply) + Send + Sync + 'static) -> Manner {
    Arc::new(move |seen, mut reply| {
        alter(seen, &mut reply);
        reply
    })
}

fn of_objects(alter: impl Fn(&mut Reply) + Send + Sync + 'static) -> Manner {
    altered(move |seen, reply| {
        if !is_head(seen) {
            alter(reply);
        }
    })
}

/// Returns faults of a source, each with the gateway's message.
fn manners() -> Vec<(&'static str, Manner)> {
    vec![
        (
            "its signature is not the key's",
            altered(|seen, reply| {
                if is_head(seen) && reply.status == 200 {
                    *reply.body.last_mut().unwrap() ^= 1;
                }
            }),
        ),
        (
            "expected signify's two lines",
            altered(|seen, reply| {
                if is_head(seen) {
                    *reply = Reply {
                        status: 200,
                        headers: Vec::new(),
                        body: b"<html>".to_vec(),
                    };
                }
            }),
        ),
        (
            "expected a head of at most 65536 bytes",
            altered(|seen, reply| {
                if is_head(seen) {
                    *reply = Reply {
                        status: 200,
                        headers: Vec::new(),
                        body: vec![b'a'; 1 << 20],
                    };
                }
            }),
        ),
        (
            "the head was answered with status 302",
            altered(|seen, reply| {
                if is_head(seen) {
                    let there = ("location".to_owned(), "http://127.0.0.1:1/head".to_owned());
                    *reply = Reply {
                        status: 302,
                        headers: vec![there],
                        body: Vec::new(),
                    };
                }
            }),
        ),
        (
            "the head was answered with status 500",
            altered(|_, reply| reply.status = 500),
        ),
        (
            "the hash of an object is another",
            of_objects(|reply| *reply.body.last_mut().unwrap() ^= 1),
        ),
        (
            "an object was answered with status 200",
            of_objects(|reply| {
                reply.body.pop();
            }),
        ),
        (
            "an object was answered with status 200",
            of_objects(|reply| reply.body = vec![0; 2 << 20]),
        ),
        (
            "an object was answered with status 404",
            of_objects(|reply| reply.status = 404),
        ),
        (
            "an object was answered with status 200",
            of_objects(|reply| {
                reply
                    .headers
                    .push(("content-encoding".into(), "gzip".into()))
            }),
        ),
    ]
}

#[test]
fn whatever_the_source_answers_the_last_good_snapshot_goes_on_and_it_recovers() {
    for interlock in BOTH {
        let feed = Feed::start(&snapshot(1, &[ALICE]));
        let builder = following(&feed, &configuration());
        let envoy = with_interlock(builder, interlock).start();
        becomes(&envoy, ALICE, 200);
        for (number, (told, manner)) in (2_u64..).zip(manners()) {
            let keys = if number % 2 == 0 { [BOB] } else { [ALICE] };
            let (new, old) = if number % 2 == 0 {
                (BOB, ALICE)
            } else {
                (ALICE, BOB)
            };
            let before = envoy.logs().matches(told).count();
            feed.manner(Some(manner));
            feed.publish(&snapshot(number, &keys));
            eventually(told, BOUND, || {
                (envoy.logs().matches(told).count() > before).then_some(())
            });
            assert_eq!(status(&envoy, old), 200, "{told}");
            assert_eq!(status(&envoy, new), 401, "{told}");
            assert_eq!(status(&envoy, STRANGER), 401, "{told}");
            feed.manner(None);
            becomes(&envoy, new, 200);
            assert_eq!(status(&envoy, old), 401, "{told}");
        }
    }
}

#[test]
fn no_head_leads_back_by_number_by_key_by_line_or_by_feed() {
    for interlock in BOTH {
        let feed = Feed::start(&snapshot(1, &[ALICE]));
        let first = feed.signed();
        let builder = following(&feed, &configuration());
        let envoy = with_interlock(builder, interlock).start();
        becomes(&envoy, ALICE, 200);
        feed.publish(&snapshot(2, &[BOB]));
        becomes(&envoy, ALICE, 401);
        let refused = |told: &str| {
            logged(&envoy, told);
            assert_eq!(status(&envoy, ALICE), 401, "{told}");
            assert_eq!(status(&envoy, BOB), 200, "{told}");
        };
        feed.show(first);
        refused("the head of revision 1: it is older than a head that was verified");
        feed.signer(2);
        feed.publish_base(&snapshot(3, &[ALICE]));
        refused("it is signed by a key that is not among `public_keys`");
        feed.signer(1);
        feed.alter(|head| head.feed = "test".into());
        refused("it is the head of another feed");
        feed.alter(|head| {
            head.feed = "prod".into();
            head.issued_at = now() + 1000;
        });
        refused("it was issued more than 5 minutes ahead of this clock");
        feed.alter(|head| {
            head.issued_at = now();
            head.packed = 2;
        });
        refused("the head names objects of layout 2");
        feed.alter(|head| head.packed = 1);
        feed.publish_base(&snapshot(2, &[ALICE]));
        feed.alter(|head| head.line = "l2".into());
        refused("another head of its revision was verified");
        feed.publish_base(&snapshot(4, &[ALICE]));
        becomes(&envoy, ALICE, 200);
        becomes(&envoy, BOB, 401);
    }
}

#[test]
fn a_source_that_is_gone_is_asked_at_most_once_a_second_and_loses_nothing() {
    let feed = Feed::start(&snapshot(1, &[ALICE]));
    let envoy = following(&feed, &configuration()).concurrency(2).start();
    // Each request on a new connection: both workers have it.
    eventually("every worker serves the feed", BOUND, || {
        (0..40).all(|_| status(&envoy, ALICE) == 200).then_some(())
    });
    feed.manner(Some(altered(|_, reply| reply.status = 503)));
    feed.forget();
    logged(&envoy, "the head was answered with status 503");
    let begin = std::time::Instant::now();
    eventually("some polls", BOUND, || {
        (feed.seen().len() >= 3 * followers(2)).then_some(())
    });
    // Each follower polls at most once a second, plus one poll that was under way.
    let allowed = followers(2) * (usize::try_from(begin.elapsed().as_secs()).unwrap() + 2);
    assert!(
        feed.seen().len() <= allowed + followers(2),
        "{} > {allowed}",
        feed.seen().len()
    );
    assert_eq!(status(&envoy, ALICE), 200);
    drop(feed);
    logged(&envoy, "keyward: feed `prod`");
    assert_eq!(status(&envoy, ALICE), 200);
    assert_eq!(status(&envoy, STRANGER), 401);
}
