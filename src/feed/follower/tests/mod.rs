mod cut;
mod judged;
mod objects;
mod overlay;
mod source;
mod waiting;

use serde_json::Value;
use source::{Manner, Rig, START, feed, key, revision, state};

use super::*;
use crate::feed::head::PACKED;
use crate::feed::request::Wanted;
use crate::signify::tests::pair;

/// Returns two keys at revision 10, the second one revoked at 11, and a third one at 12.
fn states() -> [Value; 3] {
    let active = |count: u8| -> Vec<Value> {
        (0..count)
            .map(|number| key(&format!("mk_{number}"), number + 1, "active"))
            .collect()
    };
    let mut second = active(2);
    second[1] = key("mk_1", 2, "deleted");
    let mut third = second.clone();
    third.push(key("mk_2", 3, "active"));
    [state(10, active(2)), state(11, second), state(12, third)]
}

fn heads(rig: &Rig) -> usize {
    let heads = rig.asked.iter();
    heads.filter(|it| matches!(it, Wanted::Head { .. })).count()
}

fn is_deleted(rig: &Rig, digest: u8) -> bool {
    let digest = crate::digest::KeyDigest::from_bytes([digest; 32]);
    rig.follower
        .snapshot()
        .unwrap()
        .key(&digest)
        .unwrap()
        .is_deleted()
}

#[test]
fn the_base_comes_first_and_then_one_delta_a_change() {
    let [first, second, third] = states();
    let mut rig = Rig::new(&first);
    assert!(rig.follower.snapshot().is_none());
    assert_eq!(rig.follower.word(), "loading");
    rig.pass(10);
    assert_eq!(rig.served, [(10, START / 1000)]);
    assert_eq!((rig.bases, rig.kept, rig.follower.word()), (1, 1, "ok"));
    rig.publish(&first, &second);
    rig.pass(6000);
    assert!(is_deleted(&rig, 2));
    rig.publish(&second, &third);
    rig.pass(6000);
    let revisions: Vec<u64> = rig.served.iter().map(|(revision, _)| *revision).collect();
    assert_eq!(revisions, [10, 11, 12]);
    assert_eq!(rig.bases, 1);
    assert_eq!(rig.told, Vec::<String>::new());
}

#[test]
fn a_server_that_does_not_wait_is_asked_after_the_interval() {
    let [first, ..] = states();
    let mut rig = Rig::new(&first);
    rig.pass(60_000);
    // Random between 4 and 6 seconds. Here it is always 4.
    assert_eq!(heads(&rig), 16);
    let unconditional = |it: &&Wanted| matches!(it, Wanted::Head { known: None, .. });
    assert_eq!(rig.asked.iter().filter(unconditional).count(), 1);
    rig.asked.clear();
    rig.world.random = 2000;
    rig.pass(60_000);
    assert_eq!(heads(&rig), 10);
}

#[test]
fn a_server_that_waits_is_asked_again_at_once() {
    let [first, second, _] = states();
    let mut rig = Rig::new(&first);
    rig.waits = true;
    rig.pass(10);
    assert_eq!(rig.held.len(), 1);
    assert_eq!(rig.held[0].timeout, 35_000);
    // Nothing happens for a while. The server answers that, and is polled again.
    rig.pass(25_000);
    let asked = heads(&rig);
    rig.release();
    assert_eq!(heads(&rig), asked + 1);
    // A change is answered at once, and served without a tick.
    rig.publish(&first, &second);
    rig.release();
    assert!(is_deleted(&rig, 2));
    assert_eq!(rig.served.last(), Some(&(11, rig.world.now / 1000)));
    assert_eq!(rig.held.len(), 1);
}

#[test]
fn a_server_that_says_it_waits_and_does_not_is_asked_once_a_second() {
    let [first, ..] = states();
    let mut rig = Rig::new(&first);
    rig.waits = true;
    rig.manners = std::iter::repeat_n(Manner::Whole, 100).collect();
    rig.pass(10_000);
    assert!((9..=12).contains(&heads(&rig)), "{}", heads(&rig));
}

#[test]
fn a_failing_source_is_asked_at_most_once_a_second_and_less_and_less() {
    let [first, second, _] = states();
    let mut rig = Rig::new(&first);
    rig.pass(10);
    rig.asked.clear();
    rig.manners = std::iter::repeat_n(Manner::Fails, 1000).collect();
    rig.pass(60_000);
    assert!(rig.asked.len() <= 60, "{}", rig.asked.len());
    rig.world.random = 29_000;
    rig.asked.clear();
    rig.pass(300_000);
    assert!(rig.asked.len() <= 20, "{}", rig.asked.len());
    assert_eq!(rig.follower.word(), "unreachable");
    assert_eq!(rig.told[0], "unreachable: a call failed");
    assert!(rig.told[1..].iter().all(|told| told == "unreachable again"));
    // The verified snapshot stays in use meanwhile, and the follower recovers by itself.
    assert!(!is_deleted(&rig, 2));
    rig.publish(&first, &second);
    rig.manners.clear();
    rig.pass(31_000);
    assert!(is_deleted(&rig, 2));
    assert_eq!(rig.told.last().unwrap(), "recovered");
}

#[test]
fn a_call_that_cannot_be_made_waits_for_a_tick() {
    let mut follower = Follower::new(feed(), None);
    let mut world = source::World {
        now: START,
        random: 0,
        room: 0,
    };
    for _ in 0..3 {
        let out = follower.tick(&Profile::stripe(), &mut world);
        let [Output::Call(call)] = &out[..] else {
            panic!("{out:?}");
        };
        let out = follower.failed(call.id, &mut world);
        assert!(matches!(
            out[..],
            [Output::Trouble(Trouble::Unreachable, _) | Output::Again(Trouble::Unreachable)]
        ));
        assert!(follower.tick(&Profile::stripe(), &mut world).is_empty());
        world.now += 1000;
    }
}

#[test]
fn an_answer_that_never_comes_is_given_up() {
    let [first, ..] = states();
    let mut rig = Rig::new(&first);
    rig.waits = true;
    rig.pass(10);
    rig.held.clear();
    let asked = heads(&rig);
    rig.pass(44_000);
    assert_eq!(heads(&rig), asked);
    rig.pass(3000);
    assert_eq!(heads(&rig), asked + 2);
    assert_eq!(rig.told, ["unreachable: an answer never came", "recovered"]);
}

#[test]
fn a_heartbeat_renews_the_age_and_a_304_does_not() {
    let [first, ..] = states();
    let mut rig = Rig::new(&first);
    rig.pass(20_000);
    assert_eq!(rig.served.len(), 1);
    rig.head.issued_at = rig.world.now / 1000;
    let later = rig.head.issued_at;
    rig.pass(6000);
    assert_eq!(rig.served, [(10, START / 1000), (10, later)]);
    assert_eq!((rig.bases, rig.kept), (1, 2));
}

#[test]
fn other_settings_keep_what_is_loaded_where_it_is_still_trusted() {
    let [first, second, _] = states();
    let loaded = || {
        let mut rig = Rig::new(&first);
        rig.pass(10);
        rig
    };
    let with = |change: fn(&mut Feed)| {
        let mut feed = feed();
        change(&mut feed);
        let mut rig = loaded();
        rig.follower = rig.follower.reconfigured(feed, None);
        rig
    };
    let both = |feed: &mut Feed| feed.public_keys = [pair(2).1, pair(1).1].into();
    assert!(with(both).follower.snapshot().is_some());
    assert!(
        with(|feed| feed.interval = 60)
            .follower
            .snapshot()
            .is_some()
    );
    assert!(
        with(|feed| feed.min_revision = Some(revision(10)))
            .follower
            .snapshot()
            .is_some()
    );
    // A removed key's forgeries must not survive it.
    let other = |feed: &mut Feed| feed.public_keys = [pair(2).1].into();
    assert!(with(other).follower.snapshot().is_none());
    assert!(
        with(|feed| feed.name = "other".into())
            .follower
            .snapshot()
            .is_none()
    );
    assert!(
        with(|feed| feed.min_revision = Some(revision(11)))
            .follower
            .snapshot()
            .is_none()
    );
    // It continues with deltas.
    let mut rig = with(|feed| feed.wait = 20);
    rig.publish(&first, &second);
    rig.pass(10);
    assert_eq!((rig.bases, is_deleted(&rig, 2)), (1, true));
}

#[test]
fn a_clock_that_is_put_back_stops_nothing_for_long() {
    let [first, second, _] = states();
    let mut rig = Rig::new(&first);
    rig.pass(10);
    rig.world.now -= 250_000;
    rig.publish(&first, &second);
    rig.head.issued_at = START / 1000;
    rig.pass(40_000);
    assert!(is_deleted(&rig, 2));
}
