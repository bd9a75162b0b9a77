//! The signing key of the server's feed, exchanged while a gateway follows; and a gateway's own key that ends soon.

use std::fs;

use keyward_harness::{BOUND, eventually};
use serde_json::json;

use super::edge::{Edge, signing_key};
use crate::world::World;

#[test]
fn a_gateway_follows_through_a_rotation_of_the_signing_key() {
    let mut world = World::with_feed();
    world.account("acct_widgets");
    let data = world.data();
    let old = fs::read_to_string(data.join("feed.pub")).unwrap();
    let new = signing_key(&data.join("feed-new.sec"));
    let sources = [world.gateway];
    let keys: Vec<(String, String)> = (0..4).map(|_| world.customer_key()).collect();
    let [
        (first, first_value),
        (second, second_value),
        (third, third_value),
        (_, kept),
    ] = &keys[..]
    else {
        panic!("four keys");
    };
    // Both keys are pushed to the gateway first. The other gateway was forgotten.
    let both = Edge::trusting(
        "edge-1",
        &world.gateway_key("edge-1"),
        &sources,
        &[&old, &new],
    );
    let only_old = Edge::trusting("edge-2", &world.gateway_key("edge-2"), &sources, &[&old]);
    for edge in [&both, &only_old] {
        edge.comes_to(kept, 200);
    }
    assert_eq!(world.expire(first, 20)["state"], "everywhere");

    world.configure(|text| {
        text.replace(
            "signing_key = \"feed.sec\"\n",
            &format!(
                "signing_key = \"feed-new.sec\"\ntrusted_keys = [\"{}\"]\n",
                old.trim()
            ),
        )
    });
    world.restart();
    let ended = world.expire(second, 3);
    both.comes_to(second_value, 401);
    both.comes_to(kept, 200);
    // A gateway without the new key keeps its snapshot, and reports it.
    assert_eq!(world.come(&ended["change"], 0)["state"], "published");
    only_old.comes_to(second_value, 200);
    let told = eventually("the gateway without the key is told of", BOUND, || {
        let state = world.gateway_state("edge-2");
        (state["state"] == "refused").then_some(state)
    });
    assert!(told["refused_for"].is_string(), "{told}");

    // The old key is taken away from the server, and from a gateway that starts.
    world.configure(|text| {
        let (before, after) = text.split_once("trusted_keys").unwrap();
        format!("{before}{}", after.split_once('\n').unwrap().1)
    });
    world.restart();
    world.expire(third, 0);
    both.comes_to(third_value, 401);
    let fresh = Edge::trusting("edge-3", &world.gateway_key("edge-3"), &sources, &[&new]);
    fresh.comes_to(kept, 200);
    for value in [first_value, second_value, third_value] {
        fresh.comes_to(value, 401);
    }
}

#[test]
fn a_gateways_key_that_ends_soon_is_told_of() {
    let world = World::with_feed();
    let end = jiff_in(3 * 86_400);
    let body = json!({
        "type": "secret_key", "permissions": ["snapshot_read"], "expires_at": end,
        "keyward": {
            "owner": "acct_operator", "livemode": true, "labels": {"gateway": "edge-1"},
            "override_policy": true, "reason": "a gateway's key",
        },
    });
    let made = world.api("POST", "/v2/iam/api_keys", Some(body));
    assert_eq!(made.status, 200, "{}", made.text());
    let key = made.json()["secret_key"]["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let data = world.data();
    let _edge = Edge::start("edge-1", &key, world.gateway, &data);
    eventually("the gateway has asked", BOUND, || {
        let state = world.gateway_state("edge-1");
        (state["state"] == "serving").then_some(())
    });
    assert_eq!(world.gateway_state("edge-1")["key_expires_at"], json!(end));
    assert!(
        world.measures("keyward_server_feed_key_expiring 1"),
        "{}",
        world.metrics()
    );
}

/// The time in so many seconds, as the API writes it.
fn jiff_in(seconds: u64) -> String {
    let output = std::process::Command::new("date")
        .args([
            "--utc",
            "--date",
            &format!("{seconds} seconds"),
            "+%Y-%m-%dT%H:%M:%S.000Z",
        ])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
