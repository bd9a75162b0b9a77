//! A real Envoy that follows `keyward feed serve`: how soon a revoked key is denied by every worker, what that moves, how long requests wait meanwhile, and how soon a new
//! Envoy serves.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use keyward_benches::{Kind, World, key};
use serde_json::{Value, json};

use crate::command::{Killed, PUBLISH, Press};
use crate::requests::{Steady, ask, longest};
use crate::support::bootstrap::{at, hcm};
use crate::support::feed::{CLUSTER, cluster};
use crate::support::http::Connection;
use crate::support::{Envoy, Host, LONG, eventually, find};
use crate::{Bound, median};

/// The median of so many is reported.
const ROUNDS: usize = 5;

/// A key that comes and goes: the first restricted one.
const REVOKED: u32 = 1;

const REST: Duration = Duration::from_millis(500);

/// A feed of many keys, its publisher, and its source.
struct Source {
    press: Press,
    address: SocketAddr,
    public_key: String,
    /// Without the key's revocation, and with it.
    states: [Vec<u8>; 2],
    _server: Killed,
}

impl Source {
    fn start(keys: u32) -> Self {
        let world = World::new(keys, Kind::Restricted);
        let states = [None, Some(REVOKED)].map(|revoked| world.packed(1, revoked));
        let press = Press::new();
        press.write(&states[0]);
        press.good(&[&PUBLISH[..], &["--begin"]].concat());
        let shown = press
            .command(&["feed", "key", "show", "feed.sec"])
            .stdout(std::process::Stdio::piped())
            .output()
            .unwrap();
        let public_key = String::from_utf8(shown.stdout).unwrap().trim().to_owned();
        let address = crate::fleet::free_address();
        let server = crate::fleet::serve(&press, address);
        Self {
            press,
            address,
            public_key,
            states,
            _server: Killed(server),
        }
    }

    fn configuration(&self) -> Value {
        json!({
            "max_snapshot_age": 86400,
            "feed": {
                "name": "bench", "cluster": CLUSTER, "authority": "feed.bench",
                "public_keys": [self.public_key],
            },
        })
    }

    /// When the head that is there was renamed into place. A rename changes a file's status and not
    /// its content, so this is its ctime, which Linux takes from a clock that is up to a tick behind.
    fn renamed(&self) -> Instant {
        let head = fs::metadata(self.press.0.path().join("feed/head")).unwrap();
        let seconds = Duration::from_secs(head.ctime().try_into().unwrap());
        let changed = seconds + Duration::from_nanos(head.ctime_nsec().try_into().unwrap());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Instant::now() - now.checked_sub(changed).unwrap()
    }

    fn gateway(&self, workers: u32) -> Envoy {
        start(&self.configuration(), Some(self.address), workers)
    }
}

/// An Envoy whose filter answers all that pass.
fn start(configuration: &Value, source: Option<SocketAddr>, workers: u32) -> Envoy {
    Envoy::builder()
        .host(Host::Wasm)
        .concurrency(workers)
        .config(configuration.to_string())
        .edit(move |bootstrap| {
            if let Some(address) = source {
                let clusters = at(bootstrap, "/static_resources/clusters");
                let clusters = clusters.as_array_mut().unwrap();
                clusters.push(cluster(CLUSTER, address));
            }
            let hcm = hcm(bootstrap);
            hcm.as_object_mut().unwrap().remove("access_log");
            *at(hcm, "/route_config/virtual_hosts/0/routes") = json!([
                {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "{}"}}}
            ]);
        })
        .start()
}

pub(crate) fn measure(keys: u32) -> Vec<Bound> {
    assert!(find::envoy().exists());
    let mut source = Source::start(keys);
    let mut all = starts(&source, keys);
    let watcher = source
        .press
        .command(&[&PUBLISH[..], &["--watch"]].concat())
        .spawn()
        .unwrap();
    let watcher = Killed(watcher);
    sleep(Duration::from_secs(5));
    all.extend(revocations(&source, keys));
    all.push(pauses_of_deltas(&source, keys));
    drop(watcher);
    all.push(pauses_of_bases(&mut source, keys));
    all
}

fn everywhere(connections: &mut [Connection], key: &str, expected: u16) {
    eventually("every worker follows", LONG, || {
        let mut all = connections.iter_mut();
        all.all(|connection| ask(connection, key) == expected)
            .then_some(())
    });
}

/// From Envoy's start to the moment when each worker serves, without what the same Envoy takes without keys.
fn starts(source: &Source, keys: u32) -> Vec<Bound> {
    let measured = |workers: u32| {
        let good = key(Kind::Restricted, REVOKED);
        let one = || {
            let begun = Instant::now();
            drop(start(&json!({}), None, workers));
            let without = begun.elapsed();
            let begun = Instant::now();
            let envoy = source.gateway(workers);
            let mut connections = envoy.worker_connections();
            everywhere(&mut connections, &good, 200);
            let with = begun.elapsed();
            (with.saturating_sub(without), with)
        };
        let all: Vec<_> = (0..3).map(|_| one()).collect();
        median(&all)
    };
    [(1, [1_500, 600]), (10, [5_000, 2_000])]
        .map(|(workers, limits)| {
            eprintln!("bench: starts with {workers} workers");
            let (added, whole) = measured(workers);
            let what = format!(
                "start to serving {keys} keys by a feed, {workers} workers: beyond the start without keys"
            );
            Bound {
                more: format!(" ({:.0} ms with Envoy's own start)", whole.as_secs_f64() * 1e3),
                ..Bound::time(what, limits, added)
            }
        })
        .into()
}

/// Bytes both ways between Envoy and the source.
fn moved(envoy: &Envoy) -> u64 {
    let stats = envoy.stats(&format!(
        "cluster\\.{CLUSTER}\\.upstream_cx_[rt]x_bytes_total$"
    ));
    assert_eq!(stats.len(), 2);
    stats.values().sum()
}

/// Asks every worker in turn without a pause until each has denied the key. Returns when the last of
/// them did so for the first time.
fn denied(connections: &mut [Connection], key: &str) -> Instant {
    let begun = Instant::now();
    let mut first: Vec<Option<Instant>> = vec![None; connections.len()];
    while first.contains(&None) {
        assert!(begun.elapsed() < LONG, "not every worker denies it");
        for (connection, first) in connections.iter_mut().zip(&mut first) {
            match ask(connection, key) {
                401 => first.get_or_insert_with(Instant::now),
                status => {
                    assert!(first.is_none() && status == 200, "{status}");
                    continue;
                }
            };
        }
    }
    first.into_iter().flatten().max().unwrap()
}

/// From the head's rename to the first denial of the last worker, and what moves for it.
fn revocations(source: &Source, keys: u32) -> Vec<Bound> {
    const WORKERS: u32 = 10;
    eprintln!("bench: revocations at {WORKERS} workers");
    let envoy = source.gateway(WORKERS);
    let mut connections = envoy.worker_connections();
    let key = key(Kind::Restricted, REVOKED);
    everywhere(&mut connections, &key, 200);
    let (mut times, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (before, head) = (moved(&envoy), source.press.head());
        source.press.write(&source.states[1]);
        let last = denied(&mut connections, &key);
        assert!(source.press.head() != head, "denied without another head");
        times.push(last.checked_duration_since(source.renamed()).unwrap());
        sleep(REST);
        bytes.push((moved(&envoy) - before) as f64 / f64::from(WORKERS + 1));
        source.press.write(&source.states[0]);
        everywhere(&mut connections, &key, 200);
        sleep(REST);
    }
    let worst = times.iter().max().unwrap().as_secs_f64() * 1e3;
    let what =
        format!("published to denied by every worker, {keys} keys, long poll, {WORKERS} workers");
    vec![
        Bound {
            more: format!(" (at most {worst:.1} ms of {ROUNDS})"),
            ..Bound::time(what, [100, 20], median(&times))
        },
        Bound {
            what: "bytes for each VM for one revoked key, both ways, headers included".to_owned(),
            most: 8192.0,
            goal: 3072.0,
            measured: median(&bytes),
            unit: "bytes",
            more: String::new(),
        },
    ]
}

/// How much longer the longest wait was than in as long a time without a change: the median.
fn added(waits: &[(Duration, Duration)]) -> Bound {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let more: Vec<f64> = waits
        .iter()
        .map(|(with, without)| milliseconds(*with) - milliseconds(*without))
        .collect();
    let [with, without] = [
        |waits: &(Duration, Duration)| waits.0,
        |waits: &(Duration, Duration)| waits.1,
    ]
    .map(|of| milliseconds(median(&waits.iter().map(of).collect::<Vec<_>>())));
    Bound {
        what: String::new(),
        most: 0.0,
        goal: 0.0,
        measured: median(&more),
        unit: "ms",
        more: format!(" ({with:.1} against {without:.1})"),
    }
}

fn pauses_of_deltas(source: &Source, keys: u32) -> Bound {
    eprintln!("bench: pauses of deltas");
    let envoy = source.gateway(1);
    let key = key(Kind::Restricted, REVOKED);
    let mut connections = envoy.worker_connections();
    everywhere(&mut connections, &key, 200);
    let steady = Steady::start(envoy.address(), key.clone());
    let mut windows = Vec::new();
    for round in 0..2 * ROUNDS {
        let (state, expected) = match round % 2 {
            0 => (&source.states[1], 401),
            _ => (&source.states[0], 200),
        };
        sleep(REST);
        source.press.write(state);
        everywhere(&mut connections, &key, expected);
        let renamed = source.renamed();
        sleep(REST);
        windows.push((renamed, renamed + REST / 2, Instant::now()));
        sleep(REST);
    }
    let answers = steady.stop();
    let waits: Vec<_> = windows
        .iter()
        .map(|(from, to, rest)| {
            let with = longest(&answers, *from, *to);
            (with, longest(&answers, *rest, *rest + (*to - *from)))
        })
        .collect();
    Bound {
        what: format!("what a delta adds to the longest wait of a request, {keys} keys"),
        most: 5.0,
        goal: 1.0,
        ..added(&waits)
    }
}

/// A new line makes every gateway load the base.
fn pauses_of_bases(source: &mut Source, keys: u32) -> Bound {
    eprintln!("bench: pauses of bases");
    let envoy = source.gateway(1);
    let key = key(Kind::Restricted, REVOKED);
    let mut connections = envoy.worker_connections();
    everywhere(&mut connections, &key, 200);
    let steady = Steady::start(envoy.address(), key);
    let bases = || -> u64 { envoy.stats("keyward[_.]feed_bases_total$").values().sum() };
    let mut windows = Vec::new();
    for _ in 0..ROUNDS {
        let before = bases();
        let above = crate::fleet::revision(&source.press.head())
            .unwrap()
            .to_string();
        let line = ["--new-line", "--above", &above];
        source.press.good(&[&PUBLISH[..], &line].concat());
        let renamed = source.renamed();
        // The worker's VM and the main thread's.
        eventually("both have loaded it", LONG, || {
            (bases() == before + 2).then_some(())
        });
        let loaded = Instant::now();
        sleep(REST);
        let rest = Instant::now();
        sleep(loaded - renamed);
        windows.push((renamed, loaded, rest));
    }
    let answers = steady.stop();
    let waits: Vec<_> = windows
        .iter()
        .map(|(from, to, rest)| {
            let with = longest(&answers, *from, *to);
            (with, longest(&answers, *rest, *rest + (*to - *from)))
        })
        .collect();
    let took = median(
        &windows
            .iter()
            .map(|(from, to, _)| *to - *from)
            .collect::<Vec<_>>(),
    );
    let mut bound = Bound {
        what: format!("what a base adds to the longest wait of a request, {keys} keys"),
        most: 20.0,
        goal: 8.0,
        ..added(&waits)
    };
    bound.more = format!(
        "{}, loaded in {:.0} ms",
        bound.more,
        took.as_secs_f64() * 1e3
    );
    bound
}
