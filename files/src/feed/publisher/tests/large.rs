use super::super::parts::{MOST_RECORDS, ends, split};
use super::*;
use crate::feed::publisher::Step;
use keyward::snapshot::delta::MOST_CHANGED;

/// Returns two states with many keys: between them the first keys end, the next ones change, and
/// new ones are added.
fn change(keys: usize, ended: usize, changed: usize, added: usize) -> (Value, Value) {
    let before = world(keys);
    let mut after = before.clone();
    for number in 0..ended {
        after["keys"][number]["status"] = json!("deleted");
    }
    for number in ended..ended + changed {
        after["keys"][number]["grants"] = json!("writers");
    }
    let rows = after["keys"].as_array_mut().unwrap();
    rows.extend((0..added).map(|number| row(keys + number, json!({}))));
    (before, after)
}

fn touched(before: &Value, after: &Value) -> (Content, Content, Touched) {
    let (before, after) = (content(before), content(after));
    let touched = Touched::between(before.snapshot(), after.snapshot());
    (before, after, touched)
}

#[test]
fn a_large_change_goes_out_in_revisions_what_ends_first() {
    let (state, next) = change(45_000, 21_000, 15_000, 10_000);
    let world = World::begun(&state);
    let mut gateway = Gateway::new(&world);
    let published = world.publish(&next, &request(), NOW + 1).unwrap();
    let steps = &published.steps;
    assert_eq!(steps.len(), 4, "{steps:?}");
    assert!(steps.iter().all(|step| matches!(step, Step::Delta(_))));
    // A gateway that polls in between has all ends before any other change.
    let head = world.present().head;
    let keys = [public(1)];
    let profile = &world.profile;
    let reader = reader(&world.store, profile, &keys);
    let ended = |snapshot: &Snapshot| snapshot.keys().filter(|(_, key)| key.is_deleted()).count();
    let mut at = gateway.snapshot.clone();
    let mut seen = Vec::new();
    for entry in &head.deltas {
        at = at.apply(&reader.delta(entry).unwrap(), profile).unwrap();
        seen.push((ended(&at), at.key_count()));
    }
    let all = (21_000, 45_000);
    assert_eq!(seen[..2], [(MOST_RECORDS, 45_000), all]);
    assert_eq!(seen[3], (21_000, 55_000));
    gateway.follow(&world);
    gateway.has(&next);
    assert_eq!(gateway.bases, 1);
}

#[test]
fn ends_go_first_as_far_as_there_is_room() {
    let (before, after, all) = {
        let (before, after) = change(1_000, 100, 0, 0);
        touched(&before, &after)
    };
    // There is room for only half of the ends.
    let parts = split(
        before.snapshot(),
        after.snapshot(),
        all,
        MOST_CHANGED - 50,
        NOW,
    );
    assert!(parts.needs_base);
    assert_eq!(parts.deltas.iter().map(Touched::len).sum::<usize>(), 50);
}

#[test]
fn suspensions_that_there_is_no_room_for_need_a_base() {
    let mut before = world(20);
    let accounts = before["accounts"].as_array_mut().unwrap();
    accounts.extend((0..100).map(|number| json!({"id": format!("acct_x{number}")})));
    let mut after = before.clone();
    for account in after["accounts"].as_array_mut().unwrap().iter_mut().skip(7) {
        account["status"] = json!("suspended");
    }
    let (before, after, all) = touched(&before, &after);
    let (before, after) = (before.snapshot(), after.snapshot());
    // A small part is as large as the whole, because only a large change is split.
    let parts = split(before, after, all.clone(), MOST_CHANGED - 50, NOW);
    assert!(parts.needs_base);
    assert_eq!(parts.deltas.iter().map(Touched::len).sum::<usize>(), 50);
    let parts = split(before, after, all, MOST_CHANGED, NOW);
    assert_eq!((parts.deltas.len(), parts.needs_base), (0, true));
}

#[test]
fn a_suspension_of_more_accounts_than_gateways_keep_is_published_whole() {
    let mut state = world(20);
    let accounts = state["accounts"].as_array_mut().unwrap();
    accounts.extend((0..100_100).map(|number| json!({"id": format!("acct_x{number}")})));
    let world = World::begun(&state);
    let mut gateway = Gateway::new(&world);
    for account in state["accounts"].as_array_mut().unwrap() {
        account["status"] = json!("suspended");
    }
    let published = world.publish(&state, &request(), NOW + 1).unwrap();
    assert!(
        matches!(published.steps[..], [Step::Delta(_), Step::Jump(_)]),
        "{published:?}"
    );
    gateway.follow(&world);
    gateway.has(&state);
}

#[test]
fn a_base_of_a_revision_that_gateways_have_has_its_content() {
    let state = world(20);
    let world = World::begun(&state);
    let mut changed = state.clone();
    changed["keys"][3]["status"] = json!("deleted");
    world.publish(&changed, &request(), NOW + 1).unwrap();
    let head = world.present().head;
    let mut publisher = Publisher::new(&world.store, settings(1)).unwrap();
    publisher.read(&world.profile).unwrap();
    // More than a delta from one base to the next can hold.
    let many = (0..140_000_u32).map(|number| KeyDigest::of(&number.to_le_bytes()));
    publisher
        .present
        .as_mut()
        .unwrap()
        .touched
        .keys
        .extend(many);
    let mut other = changed.clone();
    other["keys"][4]["status"] = json!("deleted");
    let refused = publisher.compact(&content(&other), "file:test", true, NOW + 2);
    let refused = refused.err().unwrap().to_string();
    assert!(refused.contains("the feed does not lead to"), "{refused}");
    assert_eq!(world.present().head, head);
    let same = publisher.compact(&content(&changed), "file:test", true, NOW + 2);
    let same = same.unwrap().unwrap().ok().unwrap();
    assert!(matches!(same, Step::Compacted(_, false)), "{same:?}");
    Gateway::new(&world).has(&changed);
}

#[test]
fn a_change_of_more_than_gateways_keep_is_an_urgent_base() {
    let (state, next) = change(130_000, 500, 110_000, 0);
    let world = World::begun(&state);
    let mut gateway = Gateway::new(&world);
    let published = world.publish(&next, &request(), NOW + 1).unwrap();
    assert!(
        matches!(published.steps[..], [Step::Delta(_), Step::Jump(_)]),
        "{published:?}"
    );
    let head = world.present().head;
    assert!(head.base.urgent && head.base.revision == head.revision);
    gateway.follow(&world);
    gateway.has(&next);
    assert_eq!(gateway.bases, 2);
}

#[test]
fn a_part_that_goes_first_brings_along_nothing_that_others_depend_on() {
    let state = world(100);
    let mut next = state.clone();
    // One account moves, one is suspended, and one is suspended below an account that moves.
    next["accounts"] = json!([{"id": "acct_0"}, {"id": "acct_1"}, {"id": "acct_2", "parent": "acct_0", "status": "suspended"},
        {"id": "acct_3", "parent": "acct_1", "status": "suspended"}, {"id": "acct_4", "parent": "acct_0"},
        {"id": "acct_5", "parent": "acct_0"}, {"id": "acct_6", "parent": "acct_0"}]);
    for number in 0..7 {
        next["keys"][number]["status"] = json!("deleted");
    }
    next["keys"].as_array_mut().unwrap().remove(9);
    let (before, after, all) = touched(&state, &next);
    let first = ends(before.snapshot(), after.snapshot(), &all, NOW);
    let accounts: Vec<&str> = first.accounts.iter().map(String::as_str).collect();
    assert_eq!(accounts, ["acct_2"]);
    let ids: Vec<String> = first
        .keys
        .iter()
        .map(|digest| before.snapshot().key(digest).unwrap().id().to_owned())
        .collect();
    // Keys of changed accounts wait. The missing key refers to nothing.
    let mut ids = ids;
    ids.sort();
    assert_eq!(
        ids,
        [
            "mk_000000",
            "mk_000004",
            "mk_000005",
            "mk_000006",
            "mk_000009"
        ]
    );
    // With other grant sets, keys that have grants also wait.
    next["grant_sets"]["readers"]["charge"] = json!("read");
    let (before, after, all) = touched(&state, &next);
    let first = ends(before.snapshot(), after.snapshot(), &all, NOW);
    assert_eq!((first.keys.len(), first.grant_sets.len()), (1, 0));
}
