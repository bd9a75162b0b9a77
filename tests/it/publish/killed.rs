//! A publisher that is killed again and again, while gateways follow, restart, and change to the
//! mirror and back. No end is undone at any worker, and all of them catch up without a hand.

use std::fs;
use std::time::{Duration, Instant};

use keyward_harness::Relay;

use super::{following, published};
use crate::fail_closed::ask;
use crate::support::publishing::{Press, Served, kills};
use crate::support::{BOUND, Envoy, LONG};

fn key(number: usize) -> String {
    format!("sk_test_FAKE-killed-{number:04}")
}

/// A gateway, and how many keys every worker of it has denied.
struct Gateway {
    envoy: Envoy,
    relay: Relay,
    denied: usize,
    is_at_mirror: bool,
}

impl Gateway {
    fn start(press: &Press, served: &Served) -> Self {
        let relay = Relay::to(served.address);
        Self {
            envoy: following(press, "/feeds/prod", relay.address),
            relay,
            denied: 0,
            is_at_mirror: false,
        }
    }

    /// What every worker denied once, it denies now.
    #[track_caller]
    fn undoes_nothing(&self) {
        let keys = (0..self.denied).rev().step_by(1 + self.denied / 8);
        let keys: Vec<String> = keys.map(key).collect();
        for worker in &mut self.envoy.worker_connections() {
            for key in &keys {
                assert_eq!(ask(worker, key).status, 401, "{key}");
            }
        }
    }

    /// Every worker denies the keys below `ended`, and takes the last one. Returns how long that
    /// took.
    #[track_caller]
    fn catches_up(&mut self, ended: usize, last: &str) -> Duration {
        let begun = Instant::now();
        self.envoy
            .on_every_worker("it catches up", LONG, |connection| {
                (ask(connection, &key(ended - 1)).status == 401).then_some(())
            });
        let took = begun.elapsed();
        self.denied = ended;
        self.undoes_nothing();
        self.envoy
            .on_every_worker("the last key works", BOUND, |connection| {
                (ask(connection, last).status == 200).then_some(())
            });
        took
    }
}

#[test]
fn a_killed_publisher_undoes_no_end_at_any_gateway() {
    let press = Press::new("killed");
    fs::create_dir(press.path("mirror")).unwrap();
    // `feed serve` is there before the feed is begun.
    let path = ["--path", "/feeds/prod"];
    let served = Served::start(&press, &path);
    let mirror = Served::of(&press, "mirror", &path);
    let keys: Vec<String> = (0..kills::keys()).map(key).collect();
    let last = keys.last().unwrap();
    let state = published(&keys.iter().map(String::as_str).collect::<Vec<_>>());
    let mut gateways: Vec<Gateway> = Vec::new();
    let mut slowest = Duration::ZERO;
    let more = ["--mirror", "mirror"];
    let ended = kills::killed(&press, state, keys.len(), &more, |round, ended| {
        if round % 7 == 0 {
            gateways.truncate(1);
            gateways.push(Gateway::start(&press, &served));
        }
        if round % 5 == 4 {
            let first = &mut gateways[0];
            first.is_at_mirror = !first.is_at_mirror;
            first.relay.aim(match first.is_at_mirror {
                true => mirror.address,
                false => served.address,
            });
        }
        for gateway in &mut gateways {
            gateway.undoes_nothing();
            // A killed publisher may leave the mirror behind, until the next one.
            if !gateway.is_at_mirror {
                slowest = slowest.max(gateway.catches_up(ended, last));
            }
        }
    });
    for gateway in &mut gateways {
        gateway.catches_up(ended, last);
    }
    println!("the slowest gateway caught up in {slowest:.1?}");
}
