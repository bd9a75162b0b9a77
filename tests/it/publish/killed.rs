//! A publisher that is killed again and again, while gateways follow, and restart, and change to a mirror and back.

use super::{following, published};
use crate::fail_closed::ask;
use crate::support::publishing::{Press, Served, kills};
use crate::support::{BOUND, Envoy, LONG};

/// One of them is changed all the time and never ends.
const KEYS: usize = 200;

fn key(number: usize) -> String {
    format!("sk_test_FAKE-killed-{number:04}")
}

/// Every worker denies the keys below `ended`, and takes the last one.
#[track_caller]
fn catches_up(envoy: &Envoy, ended: usize) {
    // A base that is the only way is loaded within a minute.
    envoy.on_every_worker("it catches up", LONG, |connection| {
        (ask(connection, &key(ended - 1)).status == 401).then_some(())
    });
    envoy.on_every_worker("what ended before is ended", BOUND, |connection| {
        let some = (0..ended - 1).step_by(1 + ended / 8);
        for number in some {
            assert_eq!(ask(connection, &key(number)).status, 401, "{number}");
        }
        assert_eq!(ask(connection, &key(KEYS - 1)).status, 200);
        Some(())
    });
}

#[test]
fn a_killed_publisher_undoes_no_end_at_any_gateway() {
    let press = Press::new("killed");
    // `feed serve` and the mirror are there before the feed is begun.
    let served = Served::start(&press, &["--path", "/feeds/prod"]);
    let keys: Vec<String> = (0..KEYS).map(key).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let state = published(&keys);
    let mut gateways: Vec<Envoy> = Vec::new();
    let mut most = 0;
    kills::killed(&press, state, KEYS, |round, _, ended| {
        if round % (KEYS - 1) < most {
            // All of its keys have ended by now.
            most = KEYS - 1;
        }
        most = most.max(ended);
        if round % 7 == 0 {
            gateways.truncate(1);
            gateways.push(following(&press, "/feeds/prod", served.address));
        }
        for envoy in &gateways {
            catches_up(envoy, most);
        }
    });
}
