//! A server whose wall clock jumps, forth and back, while a gateway follows its feed.

use keyward_harness::clock::Clock;
use keyward_harness::{BOUND, eventually};

use super::edge::{Edge, feed};
use crate::world::World;

const HOUR: i64 = 3_600;

#[test]
fn a_server_whose_clock_jumps_publishes_again_as_soon_as_it_is_right() {
    let mut clock = Clock::new();
    let environment = clock.environment();
    let environment = environment.map(|(name, value)| (name, value.into()));
    let world = World::start_in(environment.into(), |data| feed(data, ""));
    world.account("acct_widgets");
    let keys: Vec<(String, String)> = (0..5).map(|_| world.customer_key()).collect();
    let (_, kept) = &keys[4];
    let edge = Edge::start(
        "edge-1",
        &world.gateway_key("edge-1"),
        world.gateway,
        &world.data(),
    );
    edge.comes_to(kept, 200);
    assert_eq!(world.expire(&keys[0].0, 20)["state"], "everywhere");

    // A head of the future is one that no gateway takes, and the server does not say that one did.
    clock.jump(2 * HOUR);
    let ended = world.expire(&keys[1].0, 3);
    assert_ne!(ended["state"], "everywhere", "{ended}");
    edge.comes_to(&keys[1].1, 200);
    edge.comes_to(kept, 200);
    // Without a hand, and without waiting for two hours.
    clock.jump(0);
    world.expire(&keys[2].0, 0);
    for (_, value) in &keys[..3] {
        edge.comes_to(value, 401);
    }
    edge.comes_to(kept, 200);
    eventually("that is everywhere", BOUND, || {
        let said = world.come(&ended["change"], 10);
        (said["state"] == "everywhere").then_some(())
    });

    // Set back, it goes on: with the time of the head before, which gateways take.
    clock.jump(-2 * HOUR);
    let ended = world.expire(&keys[3].0, 20);
    edge.comes_to(&keys[3].1, 401);
    edge.comes_to(kept, 200);
    assert_eq!(ended["state"], "everywhere", "{ended}");
    // Prometheus, whose clock is right, sees it.
    let page = world.metrics();
    let line = page
        .lines()
        .find(|line| line.starts_with("keyward_server_time_seconds "));
    let seconds: i64 = line.unwrap().split_once(' ').unwrap().1.parse().unwrap();
    let now = i64::try_from(keyward_harness::world::now()).unwrap();
    assert!((now - seconds - 2 * HOUR).abs() < 60, "{seconds} at {now}");
}
