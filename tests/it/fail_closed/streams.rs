//! Long-lived streams across pushes. Envoy keeps a root context, and with it the snapshot that it
//! serves, as long as one of its streams is open.

use super::passes::route;
use super::*;
use crate::support::upstream::Reply;
use crate::support::{Push, Upstream, find};

/// An upstream that answers `/v1/slow` only on a signal, and the streams that wait for the answer.
struct Slow {
    upstream: Upstream,
    is_open: Arc<AtomicBool>,
    arrived: Arc<AtomicU64>,
    streams: Vec<JoinHandle<u16>>,
}

impl Slow {
    fn new() -> Self {
        let is_open = Arc::new(AtomicBool::new(false));
        let arrived = Arc::new(AtomicU64::new(0));
        let upstream = Upstream::answering({
            let (is_open, arrived) = (Arc::clone(&is_open), Arc::clone(&arrived));
            move |seen| {
                if seen.path == b"/v1/slow" {
                    arrived.fetch_add(1, Ordering::Relaxed);
                    eventually("the streams may end", LONG, || {
                        is_open.load(Ordering::Relaxed).then_some(())
                    });
                }
                Reply::echo(seen)
            }
        });
        Self {
            upstream,
            is_open,
            arrived,
            streams: Vec::new(),
        }
    }

    fn builder(&self) -> Builder {
        Envoy::builder()
            .upstream(self.upstream.address())
            .edit(route(json!({"timeout": "0s"})))
    }

    /// Opens one more stream, and waits until it has passed the filter.
    #[track_caller]
    fn stream(&mut self, envoy: &Envoy, key: &'static str) {
        let address = envoy.address();
        self.streams.push(std::thread::spawn(move || {
            let mut connection = Connection::open(address).with_timeout(LONG);
            let authorization = [("authorization", format!("Bearer {key}"))];
            connection
                .request("GET", "/v1/slow", &authorization, b"")
                .status
        }));
        let open = self.streams.len() as u64;
        eventually("the stream is open", BOUND, || {
            (self.arrived.load(Ordering::Relaxed) == open).then_some(())
        });
    }

    /// Ends all streams, and returns the status of each.
    fn end(mut self) -> Vec<u16> {
        self.is_open.store(true, Ordering::Relaxed);
        self.streams
            .drain(..)
            .map(|stream| stream.join().unwrap())
            .collect()
    }
}

#[test]
fn a_stream_ends_as_it_was_decided_at_its_start() {
    let mut slow = Slow::new();
    let start = configuration(1, &[ALICE]).to_string();
    let envoy = slow.builder().config(start).start();
    everywhere(&envoy, ALICE, 200);
    slow.stream(&envoy, ALICE);
    assert_eq!(
        envoy.push_and_wait(&configuration(2, &[BOB]).to_string()),
        Push::Accepted
    );
    everywhere(&envoy, BOB, 200);
    assert_eq!(status(&envoy, ALICE), 401);
    assert_eq!(slow.end(), [200]);
}

/// A push is reverted. Envoy then reuses the old root context, which the stream has kept, without
/// configuring it.
#[test]
fn the_very_same_configuration_comes_back_while_a_stream_of_it_is_open() {
    let mut slow = Slow::new();
    let start = configuration(1, &[ALICE, CAROL]).to_string();
    let envoy = slow.builder().config(&*start).start();
    everywhere(&envoy, ALICE, 200);
    slow.stream(&envoy, ALICE);
    let carol = Watch::start(envoy.address(), CAROL);
    for _ in 0..3 {
        assert_eq!(
            envoy.push_and_wait(&configuration(2, &[BOB, CAROL]).to_string()),
            Push::Accepted
        );
        everywhere(&envoy, BOB, 200);
        assert_eq!(status(&envoy, ALICE), 401);
        assert_eq!(envoy.push_and_wait(&start), Push::Accepted);
        everywhere(&envoy, ALICE, 200);
        assert_eq!(status(&envoy, BOB), 401);
    }
    assert_eq!(carol.stop().into_keys().collect::<Vec<_>>(), [200]);
    assert_eq!(slow.end(), [200]);
}

#[test]
fn the_gauge_follows_a_configuration_that_comes_back() {
    let mut slow = Slow::new();
    let start = configuration(1, &[ALICE]).to_string();
    let envoy = slow.builder().config(&*start).start();
    everywhere(&envoy, ALICE, 200);
    slow.stream(&envoy, ALICE);
    for (push, key, revision) in [
        (configuration(2, &[BOB]).to_string(), BOB, 2),
        (start, ALICE, 1),
    ] {
        assert_eq!(envoy.push_and_wait(&push), Push::Accepted);
        everywhere(&envoy, key, 200);
        let shown = "wasmcustom.keyward_snapshot_revision";
        eventually("the gauge shows it", BOUND, || {
            (envoy.stat(shown) == revision).then_some(())
        });
    }
    assert_eq!(envoy.stat("wasmcustom.keyward_snapshot_rollbacks"), 1);
    assert_eq!(slow.end(), [200]);
}

/// One stream for each push, with a snapshot that needs 50 MiB or more.
#[test]
fn open_streams_do_not_keep_old_snapshots_until_the_vm_is_full() {
    let _one = heavy();
    let mut slow = Slow::new();
    let start = deep(1, &[ALICE], 20_000, 20);
    let envoy = slow
        .builder()
        .wasm(find::trap_door_wasm())
        .config(start)
        .start();
    everywhere(&envoy, ALICE, 200);
    let alice = Watch::start(envoy.address(), ALICE);
    for revision in 2..16 {
        slow.stream(&envoy, ALICE);
        let key = if revision % 2 == 0 { BOB } else { CAROL };
        assert_eq!(
            envoy.push_and_wait(&deep(revision, &[ALICE, key], 20_000, 20)),
            Push::Accepted
        );
        everywhere(&envoy, key, 200);
    }
    assert_eq!(alice.stop().into_keys().collect::<Vec<_>>(), [200]);
    let logs = envoy.logs();
    assert!(!logs.contains("configuration not loaded"), "{logs}");
    assert!(
        logs.contains("an old snapshot that open streams had kept is given up"),
        "{logs}"
    );
    let live: Vec<u64> = logs
        .lines()
        .filter_map(|line| line.split_once(" live ")?.1.split(' ').next()?.parse().ok())
        .map(|kibibytes: u64| kibibytes >> 10)
        .collect();
    // The configurations before the first one are empty.
    let one = *live.iter().find(|live| **live > 0).unwrap();
    assert!(one > 40, "{live:?}");
    // The snapshots that may be kept, the one served, and the one being loaded. Without a bound
    // there would be 15.
    assert!(live.iter().all(|live| *live < 256 + 2 * one), "{live:?}");
    assert_eq!(slow.end(), [200; 14]);
}
