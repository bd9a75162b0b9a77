//! The feed's own socket: a gateway of this machine follows without a key, as the user that it runs as; any other user is refused.

use std::process::Command;

use keyward_harness::{BOUND, eventually};
use serde_json::json;

use super::edge::{Edge, feed};
use crate::world::{World, straight};

/// The number of this user, and the settings of a socket on which it is the gateway `edge-1`.
pub(super) fn own_socket() -> (String, String) {
    let own = Command::new("id").arg("-u").output().unwrap();
    let own = String::from_utf8(own.stdout).unwrap().trim().to_owned();
    let more =
        format!("[feed.socket]\npath = \"run/feed.sock\"\ngateways = {{ {own} = \"edge-1\" }}\n");
    (own, more)
}

#[test]
fn a_gateway_of_this_machine_follows_by_the_socket_as_the_user_that_it_runs_as() {
    let (own, more) = own_socket();
    let mut world = World::start_with(|data| feed(data, &more));
    world.account("acct_widgets");
    let socket = world.data().join("run/feed.sock");
    let edge = Edge::on_socket("edge-1", &socket, &world.data());
    let (id, value) = world.customer_key();
    edge.comes_to(&value, 200);
    let ended = world.expire(&id, 20);
    assert_eq!(ended["state"], "everywhere", "{ended}");
    edge.comes_to(&value, 401);
    let state = world.gateway_state("edge-1");
    assert_eq!(
        (&state["state"], &state["workers"]["all"]),
        (&json!("serving"), &json!(3))
    );
    // Nothing but the feed is there.
    let (status, _) = straight(&socket, "GET", "/v2/iam/api_keys", &[], None);
    assert_eq!(status, 404);

    // Another user is refused, though the socket is open to it.
    world.configure(|text| {
        text.replace(&format!("gateways = {{ {} =", own), "gateways = { 12345 =")
    });
    world.restart();
    for path in ["/feed/edge/head", "/feed/edge/o/none"] {
        let (status, said) = straight(&socket, "GET", path, &[], None);
        assert_eq!(
            (status, &said["error"]["code"]),
            (401, &json!("not_through_gateway")),
            "{path}"
        );
    }
    eventually("it is counted", BOUND, || {
        world
            .metrics()
            .lines()
            .any(|line| {
                let count = line.strip_prefix("keyward_server_not_through_gateway_total ");
                count.is_some_and(|count| count.parse::<u64>().unwrap() >= 2)
            })
            .then_some(())
    });
    edge.comes_to(&value, 401);
}
