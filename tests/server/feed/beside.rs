//! A feed and a file from one server: the file holds every key and takes longer, and delays nothing.

use std::fs;

use keyward_harness::{BOUND, eventually};

use super::edge::{Edge, feed};
use super::socket::own_socket;
use crate::world::World;

#[test]
fn a_file_that_cannot_be_written_delays_no_end_on_a_feed() {
    let (_, more) = own_socket();
    let world = World::start_with(|data| feed(data, &more));
    world.account("acct_widgets");
    let data = world.data();
    let edge = Edge::on_socket("edge-1", &data.join("run/feed.sock"), &data);
    let (id, ended) = world.customer_key();
    let (_, kept) = world.customer_key();
    edge.comes_to(&ended, 200);
    edge.comes_to(&kept, 200);
    let behind = || {
        let current = world.api("GET", "/v2/keyward/snapshots/current", None);
        current.json()["behind"].as_u64().unwrap()
    };
    eventually("the file has both", BOUND, || (behind() == 0).then_some(()));

    // A file is in the place of the folder, so nothing can be written into it.
    let folder = data.join("envoy/ecds");
    let away = data.join("away");
    fs::rename(&folder, &away).unwrap();
    fs::write(&folder, "").unwrap();
    let said = world.expire(&id, 20);
    assert_eq!(said["state"], "everywhere", "{said}");
    edge.comes_to(&ended, 401);
    edge.comes_to(&kept, 200);
    assert!(behind() > 0, "the file has not");
    eventually("it is told", BOUND, || {
        world
            .measures("keyward_server_publish_failing 1")
            .then_some(())
    });

    fs::remove_file(&folder).unwrap();
    fs::rename(&away, &folder).unwrap();
    eventually("the file is written again", BOUND, || {
        (behind() == 0 && world.measures("keyward_server_publish_failing 0")).then_some(())
    });
}
