//! `latest_by`: from that time on, no gateway passes an ended key, not even one that is cut off and
//! has never learned of the end. The server and the gateways have one clock, which the test sets.

use keyward_harness::clock::Clock;
use keyward_harness::{BOUND, Relay, eventually, world::now};

use super::edge::{Edge, feed};
use crate::world::{World, straight};

/// How old a head may become.
const AGE: u64 = 3_600;

/// Seconds for what happens between two looks at a clock.
const MARGIN: u64 = 60;

#[test]
fn a_gateway_that_is_cut_off_passes_no_ended_key_after_latest_by() {
    let mut clock = Clock::new();
    let environment = clock.environment();
    let environment = environment.map(|(name, value)| (name, value.into()));
    let world = World::start_in(environment.into(), |data| {
        feed(data, &format!("max_snapshot_age = {AGE}\n"));
    });
    world.account("acct_widgets");
    let data = world.data();
    let relay = Relay::to(world.gateway);
    let start = |name: &str, source| {
        Edge::aging(name, &world.gateway_key(name), source, &data, AGE, &clock)
    };
    let (reached, cut_off) = (
        start("edge-1", world.gateway),
        start("edge-2", relay.address),
    );
    let (id, ended) = world.customer_key();
    let (other, _) = world.customer_key();
    let (_, kept) = world.customer_key();
    for edge in [&reached, &cut_off] {
        edge.comes_to(&ended, 200);
        edge.comes_to(&kept, 200);
    }
    relay.cut();
    let said = world.expire(&id, 1);
    assert_eq!(said["state"], "published", "{said}");
    reached.comes_to(&ended, 401);
    cut_off.comes_to(&ended, 200);
    let latest_by: jiff::Timestamp = said["latest_by"].as_str().unwrap().parse().unwrap();
    let latest_by = u64::try_from(latest_by.as_second()).unwrap();
    assert!(latest_by > now() + AGE - MARGIN, "{said}");

    // Not even then does the gateway that is cut off know more, and it denies everything.
    clock.jump(i64::try_from(latest_by - now()).unwrap());
    for key in [&ended, &kept] {
        cut_off.comes_to(key, 503);
    }
    // Nothing has proved anything meanwhile. The gateway before the server keeps the right time, so
    // the test asks straight.
    let socket = data.join("admin/admin.sock");
    let come = || {
        let path = format!("/v2/keyward/changes/{}", said["change"]);
        let (status, come) = straight(&socket, "GET", &path, &[], None);
        assert_eq!(status, 200, "{come}");
        come["state"].clone()
    };
    assert_eq!(come(), "published");

    // The next head renews the gateways that can be reached, and then the other one.
    let path = format!("/v2/iam/api_keys/{other}/expire");
    assert_eq!(straight(&socket, "POST", &path, &[], None).0, 200);
    reached.comes_to(&kept, 200);
    reached.comes_to(&ended, 401);
    cut_off.comes_to(&kept, 503);
    relay.heal();
    cut_off.comes_to(&kept, 200);
    cut_off.comes_to(&ended, 401);
    eventually("it is everywhere", BOUND, || {
        (come() == "everywhere").then_some(())
    });
}
