//! A server that is killed again and again while gateways follow it, restart, and change to its mirror and back. No acknowledged end is undone, and everything
//! catches up without a hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use keyward_harness::{BOUND, LONG, Relay, eventually};
use serde_json::{Value, json};

use super::edge::{Edge, ask, feed};
use super::mirrors::Served;
use crate::world::{World, try_straight};

/// How often the server is killed; `make soak` asks for more.
fn kills() -> usize {
    let asked = std::env::var("KEYWARD_FLEET_KILLS").ok();
    asked.map_or(20, |text| text.parse().unwrap())
}

/// What was acknowledged.
#[derive(Default)]
struct Known {
    /// The values of keys that were made and not ended.
    live: Vec<String>,
    /// The values of keys that ended.
    ended: Vec<(String, String)>,
}

impl Known {
    fn add(&mut self, other: Self) {
        self.live.extend(other.live);
        self.ended.extend(other.ended);
    }
}

/// Makes keys and ends most of them, until no one answers.
fn talk(socket: &Path, ends: &AtomicUsize) -> Known {
    let mut known = Known::default();
    for number in 0.. {
        let body = json!({
            "type": "secret_key", "permissions": ["customer_read"],
            "keyward": {"owner": "acct_widgets", "livemode": true},
        });
        // Without an `Idempotency-Key`, of which one key may send 10,000 in 30 days.
        let Some((status, made)) =
            try_straight(socket, "POST", "/v2/iam/api_keys", &[], Some(&body))
        else {
            return known;
        };
        if status == 429 {
            continue;
        }
        assert_eq!(status, 200, "{made}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (id, value) = (text(&made["id"]), text(&made["secret_key"]["token"]));
        if number % 4 == 3 {
            known.live.push(value);
            continue;
        }
        let path = format!("/v2/iam/api_keys/{id}/expire");
        // What is not answered may have ended or not: nothing is said of it.
        let Some((status, ended)) = try_straight(socket, "POST", &path, &[], None) else {
            return known;
        };
        if status != 429 {
            assert_eq!(status, 200, "{ended}");
            known.ended.push((id, value));
            ends.fetch_add(1, Ordering::SeqCst);
        }
    }
    known
}

/// Every worker of a gateway comes to answer as what was acknowledged says, and stays with it.
#[track_caller]
fn agree(edge: &Edge, live: &[String], ended: &[(String, String)]) {
    let mut workers = edge.envoy.worker_connections();
    for worker in &mut workers {
        // A change is acknowledged before it is published, and two clients make them at the same time:
        // so each is waited for. After many failures, a worker asks every half minute, and Envoy
        // leaves out the only source for as long.
        for (id, value) in ended {
            eventually(&format!("{id} is denied"), LONG, || {
                (ask(worker, value) == 401).then_some(())
            });
        }
        for value in live {
            eventually("what was made works", LONG, || {
                (ask(worker, value) == 200).then_some(())
            });
        }
    }
    for worker in &mut workers {
        for (id, value) in ended {
            assert_eq!(ask(worker, value), 401, "{id}");
        }
        for value in live {
            assert_eq!(ask(worker, value), 200);
        }
    }
}

#[test]
fn a_killed_server_undoes_no_end_at_any_gateway() {
    let mut world = World::start_with(|data| {
        fs::create_dir(data.join("mirror")).unwrap();
        feed(data, "mirrors = [\"mirror\"]\n");
    });
    world.account("acct_widgets");
    let data = world.data();
    let socket: PathBuf = data.join("admin/admin.sock");
    let mirror = Served::start(&data.join("mirror/edge"));
    let relay = Relay::to(world.gateway);
    let keys = ["edge-1", "edge-2"].map(|name| world.gateway_key(name));
    let start = |world: &World| Edge::start("edge-1", &keys[0], world.gateway, &data);
    let mut restarting = start(&world);
    let swapping = Edge::start("edge-2", &keys[1], relay.address, &data);
    let ends = Arc::new(AtomicUsize::new(0));
    let mut dice = Dice(seed());
    println!("seed {}", dice.0);
    let (mut known, mut is_aimed_at_mirror) = (Known::default(), false);
    let (mut checked, mut checked_live) = (0, 0);
    for round in 0..kills() {
        let clients: Vec<JoinHandle<Known>> = (0..2)
            .map(|_| {
                let (socket, ends) = (socket.clone(), Arc::clone(&ends));
                thread::spawn(move || talk(&socket, &ends))
            })
            .collect();
        // Each time at another moment; whichever it is, all of the following holds.
        let before = known.ended.len();
        eventually("an end is acknowledged", BOUND, || {
            (ends.load(Ordering::SeqCst) > before).then_some(())
        });
        thread::sleep(Duration::from_millis(dice.below(600)));
        world.kill();
        for client in clients {
            known.add(client.join().unwrap());
        }
        if round % 7 == 3 {
            restarting = start(&world);
        }
        if round % 4 == 1 {
            is_aimed_at_mirror = !is_aimed_at_mirror;
            relay.aim(if is_aimed_at_mirror {
                mirror.address
            } else {
                world.gateway
            });
        }
        world.serve(&[]);
        if round % 10 == 9 {
            for edge in [&restarting, &swapping] {
                agree(edge, &known.live[checked_live..], &known.ended[checked..]);
            }
            (checked, checked_live) = (known.ended.len(), known.live.len());
            println!("{} kills, {checked} ends", round + 1);
        }
    }
    println!(
        "{} kills, {} ends, {} keys live",
        kills(),
        known.ended.len(),
        known.live.len()
    );
    let fresh = start(&world);
    for edge in [&restarting, &swapping, &fresh] {
        agree(edge, &known.live, &known.ended);
    }
    assert!(world.measures("keyward_server_restored_store 0"));
}

struct Dice(u64);

impl Dice {
    /// Below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Another one each time, which a failure names.
fn seed() -> u64 {
    let asked = std::env::var("KEYWARD_FLEET_SEED").ok();
    asked.map_or_else(keyward_harness::world::now, |text| text.parse().unwrap())
}
