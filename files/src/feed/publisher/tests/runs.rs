//! Long runs of revisions that lead to no whole content: ends one after another, while everything
//! else is held back.

use super::followers::Followers;
use super::*;

/// Returns a source in which keys are missing, so that nothing but its ends may be published.
fn held_back(state: &Value) -> Value {
    let mut source = state.clone();
    let keys = source["keys"].as_array_mut().unwrap();
    keys.truncate(keys.len() / 2);
    source
}

fn publish_ends(world: &World, state: &Value, now: u64) -> Published {
    let mut publisher = Publisher::new(&world.store, settings(1)).unwrap();
    let ends = publisher.publish_ends(&content(&held_back(state)), &request(), now);
    ends.unwrap().expect("it ends something")
}

/// Ends the first keys one after another. Gateways at each revision follow.
fn end_one_after_another(world: &World, state: &mut Value, ends: usize, mut now: u64) {
    let mut followers = Followers::new(world);
    for number in 0..ends {
        now += 1;
        state["keys"][number]["status"] = json!("deleted");
        assert_eq!(publish_ends(world, state, now).records, 1);
        followers.advance(world);
        if number % 9 == 0 || number + 1 == ends {
            followers.all_reach(world, state);
            Gateway::new(world).has(state);
        }
        assert!(world.present().head.deltas.len() <= 18, "{number}");
    }
}

#[test]
fn a_hundred_ends_in_a_row_reach_gateways_at_every_revision() {
    let mut state = world(240);
    let world = World::begun(&state);
    end_one_after_another(&world, &mut state, 100, NOW);
}

#[test]
fn ends_go_on_after_a_full_chain_and_a_bridge() {
    let mut state = world(160);
    let world = World::begun(&state);
    let mut now = NOW;
    for number in 60..90_u64 {
        now += 1;
        let place = usize::try_from(number).unwrap();
        state["keys"][place]["expires_at"] = json!(NOW + 900_000 + number);
        let request = Request {
            base: number == 71,
            ..request()
        };
        world.publish(&state, &request, now).unwrap();
    }
    // Another contract and other grants: a state does not have them as they were written.
    state["catalogue"] = json!("none");
    state["endpoints"] = json!([
        {"method": "GET", "path": "/v1/a", "permission": "customer"},
        {"method": "GET", "path": "/v1/b", "permission": "own_one"},
        {"method": "POST", "path": "/v1/c", "permission": "charge"}]);
    state["grant_sets"]["readers"] = json!({"own_one": "read"});
    state["keys"][95]["grants"] = json!({"own_one": "write", "charge": "read"});
    state["keys"][95]["connect_grants"] = json!({"charge": "write"});
    state["keys"][95]["allowed_ips"] = json!(["10.0.0.0/8"]);
    world.publish(&state, &request(), now + 1).unwrap();
    end_one_after_another(&world, &mut state, 40, now + 1);
}
