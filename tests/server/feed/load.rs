//! Ends under a load of creations, with one gateway of three that is cut off and comes back all the time: what the server calls `everywhere` is held against the
//! answers of every worker.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keyward_harness::http::Connection;
use keyward_harness::{BOUND, eventually};
use serde_json::Value;

use super::edge::{Edge, ask, feed};
use super::relay::Relay;
use crate::world::World;

/// How many keys are ended; `make soak` asks for 1,000.
fn ends() -> usize {
    let asked = std::env::var("KEYWARD_FLEET_ENDS").ok();
    asked.map_or(40, |text| text.parse().unwrap())
}

/// How many creations a second are tried, by how many clients.
const RATE: u32 = 500;
const CREATORS: u32 = 8;
/// How many clients end keys.
const ENDERS: usize = 6;

/// Ends the load whatever else ends.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// What was said of the ends.
#[derive(Default)]
struct Told {
    everywhere: AtomicUsize,
    /// Values and changes of those that were not everywhere in time.
    later: Mutex<Vec<(String, Value)>>,
}

impl Told {
    fn later(&self) -> usize {
        self.later.lock().unwrap().len()
    }
}

#[track_caller]
fn is_refused(workers: &mut [Connection], value: &str, said: &Value) {
    for (worker, connection) in workers.iter_mut().enumerate() {
        assert_eq!(ask(connection, value), 401, "worker {worker}: {said}");
    }
}

#[test]
fn everywhere_is_never_said_too_early_under_a_load_of_creations() {
    let world = World::start_with(|data| {
        feed(data, "");
        let file = data.join("keyward-server.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let more = text.replace(
            "creations_per_second = 10\n",
            "creations_per_second = 10000\n",
        );
        assert_ne!(text, more);
        std::fs::write(file, more).unwrap();
    });
    world.account("acct_widgets");
    let relay = Relay::to(world.gateway);
    let data = world.data();
    let edges = ["edge-1", "edge-2", "edge-3"].map(|name| {
        let source = if name == "edge-3" {
            relay.address
        } else {
            world.gateway
        };
        Edge::start(name, &world.gateway_key(name), source, &data)
    });
    let keys: Vec<(String, String)> = (0..ends()).map(|_| world.customer_key()).collect();
    let (_, last) = keys.last().unwrap();
    for edge in &edges {
        edge.comes_to(last, 200);
    }
    let workers = || -> Vec<Connection> {
        let all = edges.iter().map(|edge| edge.envoy.worker_connections());
        all.flatten().collect()
    };
    let left = Mutex::new(keys.iter());
    let (told, is_over, created) = (Told::default(), AtomicBool::new(false), AtomicU32::new(0));
    let begun = Instant::now();
    thread::scope(|scope| {
        let over = Over(&is_over);
        for _ in 0..CREATORS {
            scope.spawn(|| {
                let pause = Duration::from_secs(1) * CREATORS / RATE;
                let mut next = Instant::now();
                while !is_over.load(Ordering::SeqCst) {
                    world.customer_key();
                    created.fetch_add(1, Ordering::Relaxed);
                    next += pause;
                    thread::sleep(next.saturating_duration_since(Instant::now()));
                }
            });
        }
        // It is cut off until an end was not everywhere, and back until one was.
        scope.spawn(|| {
            let changes = |now: &dyn Fn() -> usize| {
                let before = now();
                while now() == before && !is_over.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(5));
                }
            };
            while !is_over.load(Ordering::SeqCst) {
                relay.cut();
                changes(&|| told.later());
                relay.heal();
                changes(&|| told.everywhere.load(Ordering::SeqCst));
            }
        });
        let enders: Vec<_> = (0..ENDERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut workers = workers();
                    loop {
                        let next = left.lock().unwrap().next();
                        let Some((id, value)) = next else { return };
                        let said = world.expire(id, 2);
                        if said["state"] == "everywhere" {
                            is_refused(&mut workers, value, &said);
                            told.everywhere.fetch_add(1, Ordering::SeqCst);
                        } else {
                            let late = (value.clone(), said["change"].clone());
                            told.later.lock().unwrap().push(late);
                        }
                    }
                })
            })
            .collect();
        for ender in enders {
            ender.join().unwrap();
        }
        drop(over);
    });
    let rate = f64::from(created.load(Ordering::SeqCst)) / begun.elapsed().as_secs_f64();
    relay.heal();
    let later = told.later.into_inner().unwrap();
    let everywhere = told.everywhere.into_inner();
    println!(
        "{} ends: {everywhere} everywhere in time, {} later; {rate:.0} creations a second",
        ends(),
        later.len()
    );
    assert!(
        everywhere > 0 && !later.is_empty(),
        "{everywhere} and {}",
        later.len()
    );
    let mut workers = workers();
    for (value, change) in &later {
        let said = eventually("it is everywhere after all", BOUND, || {
            let said = world.come(change, 20);
            (said["state"] == "everywhere").then_some(said)
        });
        is_refused(&mut workers, value, &said);
    }
}
