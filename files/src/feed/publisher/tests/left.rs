//! Ends while the rest of the source differs from the feed: each one reaches gateways, and nothing
//! else does.

use super::followers::Followers;
use super::*;

fn publish_ends(world: &World, source: &Value, now: u64) -> anyhow::Result<Option<Published>> {
    let mut publisher = Publisher::new(&world.store, settings(1))?;
    publisher.publish_ends(&content(source), &request(), now)
}

/// Publishes the ends of `source` over `state`, and asserts that gateways then have `meant`.
#[track_caller]
fn ends(state: &Value, source: &Value, meant: &Value, count: usize) {
    let world = World::begun(state);
    let followers = Followers::new(&world);
    let published = publish_ends(&world, source, NOW + 1).unwrap().unwrap();
    assert_eq!(published.records, count);
    followers.all_reach(&world, meant);
    Gateway::new(&world).has(meant);
    // There is nothing left to do.
    assert!(publish_ends(&world, source, NOW + 2).unwrap().is_none());
}

/// Returns a source that differs in everything that a key may depend on.
fn elsewhere(state: &Value) -> Value {
    let mut source = state.clone();
    source["grant_sets"]["readers"] = json!({"charge": "write"});
    source["grant_sets"]["more"] = json!({"charge": "read"});
    source["endpoints"] = json!([{"method": "GET", "path": "/v1/own", "permission": "own_one"}]);
    source["accounts"] = json!([{"id": "acct_0", "children": "any"}, {"id": "acct_1"},
        {"id": "acct_2", "parent": "acct_1"}, {"id": "acct_3", "parent": "acct_1"},
        {"id": "acct_4", "parent": "acct_0"}, {"id": "acct_5", "parent": "acct_4"},
        {"id": "acct_6", "parent": "acct_5"}, {"id": "acct_7", "status": "suspended"}]);
    source["keys"][40]["grants"] = json!({"own_one": "read"});
    source["keys"]
        .as_array_mut()
        .unwrap()
        .push(row(900, json!({})));
    source
}

#[test]
fn an_ended_key_keeps_its_grants_while_all_that_it_depends_on_differs() {
    let mut state = world(60);
    state["keys"][2]["grants"] = json!({"customer": "write"});
    state["keys"][2]["connect_grants"] = json!("writers");
    state["keys"][2]["allowed_ips"] = json!(["10.1.0.0/16", "2001:db8::/32"]);
    state["keys"][2]["annotations"] = json!({"user_id": "u-7"});
    let (mut source, mut meant) = (elsewhere(&state), state.clone());
    for number in 0..7 {
        source["keys"][number]["status"] = json!("deleted");
        meant["keys"][number]["status"] = json!("deleted");
    }
    source["keys"][8]["expires_at"] = json!(NOW);
    meant["keys"][8]["expires_at"] = json!(NOW);
    ends(&state, &source, &meant, 8);
}

#[test]
fn a_suspended_account_stops_its_keys_wherever_it_is_in_the_source() {
    let state = world(60);
    let (mut source, mut meant) = (elsewhere(&state), state.clone());
    for number in [0, 2, 3, 6] {
        source["accounts"][number]["status"] = json!("suspended");
        meant["accounts"][number]["status"] = json!("suspended");
    }
    ends(&state, &source, &meant, 4);
}

#[test]
fn a_key_that_does_not_work_yet_ends_too() {
    let mut state = world(60);
    for number in 10..13 {
        state["keys"][number]["not_before"] = json!(NOW + 5_000);
    }
    let (mut source, mut meant) = (elsewhere(&state), state.clone());
    source["keys"][10]["status"] = json!("deleted");
    meant["keys"][10]["status"] = json!("deleted");
    // It moved to an account that is suspended. For gateways it stays with the old one.
    source["keys"][11]["owner"] = json!("acct_7");
    meant["keys"][11]["status"] = json!("deleted");
    source["keys"][12]["not_before"] = json!(NOW + 6_000);
    meant["keys"][12]["not_before"] = json!(NOW + 6_000);
    ends(&state, &source, &meant, 3);
}

#[test]
fn an_end_that_is_still_ahead_is_published_now() {
    let mut state = world(60);
    state["keys"][20]["expires_at"] = json!(NOW + 9_000);
    let (mut source, mut meant) = (elsewhere(&state), state.clone());
    for (number, end) in [(20, 8_000), (21, 7_000)] {
        source["keys"][number]["expires_at"] = json!(NOW + end);
        meant["keys"][number]["expires_at"] = json!(NOW + end);
    }
    // It ends later in the source, and moved to a suspended account as well: it ends now.
    source["keys"][22]["expires_at"] = json!(NOW + 7_000);
    source["keys"][22]["owner"] = json!("acct_7");
    meant["keys"][22]["expires_at"] = json!(NOW + 7_000);
    meant["keys"][22]["status"] = json!("deleted");
    // Other changes stay out.
    source["keys"][20]["status"] = json!("active");
    source["keys"][23]["not_before"] = json!(NOW - 5);
    ends(&state, &source, &meant, 3);
}

#[test]
fn ends_that_gateways_cannot_hold_are_counted_and_not_called_published() {
    let state = world(100_700);
    let world = World::begun(&state);
    let mut source = state.clone();
    source["keys"]
        .as_array_mut()
        .unwrap()
        .push(row(200_000, json!({})));
    for number in 0..100_500 {
        source["keys"][number]["status"] = json!("deleted");
    }
    let lax = Settings {
        verify_all: false,
        ..settings(1)
    };
    let mut publisher = Publisher::new(&world.store, lax).unwrap();
    let refused = publisher.publish_ends(&content(&source), &request(), NOW + 1);
    let refused = format!("{:#}", refused.unwrap_err());
    assert!(
        refused.starts_with("500 ends are not published"),
        "{refused}"
    );
    let there = world.present().snapshot;
    let ended = there.keys().filter(|(_, key)| key.is_deleted()).count();
    assert_eq!((ended, there.key_count()), (100_000, 100_700));
}
