//! A source that holds its answers: a change never waits for the polling interval, whatever came
//! before it. Otherwise a revocation would take seconds.

use super::*;

/// A follower of a source that waits, which serves the first state.
fn waiting(first: &Value) -> Rig {
    let mut rig = Rig::new(first);
    rig.waits = true;
    rig.pass(10);
    assert_eq!(rig.served.len(), 1);
    rig
}

/// Publishes the second state, and checks that the open poll brings it before any tick.
fn arrives_at_once(rig: &mut Rig) {
    let [first, second, _] = states();
    assert_eq!(rig.held.len(), 1, "no poll is open: {:?}", rig.asked);
    rig.publish(&first, &second);
    rig.release();
    assert!(is_deleted(rig, 2));
    assert_eq!(rig.served.last(), Some(&(11, rig.world.now / 1000)));
}

#[test]
fn a_change_after_the_first_head_does_not_wait_for_the_interval() {
    let [first, ..] = states();
    let mut rig = waiting(&first);
    let Wanted::Head { known: None, wait } = rig.asked[0] else {
        panic!("{:?}", rig.asked);
    };
    assert_eq!(wait, 25);
    arrives_at_once(&mut rig);
}

#[test]
fn a_change_after_a_head_that_another_vm_verified_does_not_wait() {
    let [first, ..] = states();
    let mut rig = Rig::new(&first);
    rig.waits = true;
    let signed = rig.signed();
    let keys = [pair(1).1];
    rig.follower
        .floor()
        .restore(&signed, &keys, "prod")
        .unwrap();
    rig.pass(10);
    arrives_at_once(&mut rig);
}

#[test]
fn a_change_after_other_settings_does_not_wait() {
    let [first, ..] = states();
    let mut rig = waiting(&first);
    rig.held.clear();
    rig.follower = rig.follower.reconfigured(feed(), None);
    rig.pass(10);
    arrives_at_once(&mut rig);
}

#[test]
fn a_change_after_a_failure_does_not_wait() {
    let [first, ..] = states();
    for manner in [Manner::Fails, Manner::With(500, Vec::new())] {
        let mut rig = waiting(&first);
        rig.manners = [manner].into();
        rig.release();
        assert_eq!(rig.told.len(), 1);
        rig.pass(2100);
        assert_eq!(rig.told.last().unwrap(), "recovered");
        arrives_at_once(&mut rig);
    }
}

#[test]
fn a_server_that_stops_is_asked_again_in_a_moment_and_one_that_is_full_after_the_interval() {
    let [first, ..] = states();
    let mut rig = waiting(&first);
    // It answers all polls before it ends. Another one takes its place.
    rig.manners = [Manner::Impatient].into();
    rig.release();
    rig.pass(2100);
    arrives_at_once(&mut rig);
    let mut rig = waiting(&first);
    rig.manners = std::iter::repeat_n(Manner::Impatient, 100).collect();
    rig.release();
    rig.asked.clear();
    rig.pass(30_000);
    // Once after a second, and then each 4 seconds.
    assert!((7..=9).contains(&heads(&rig)), "{}", heads(&rig));
}

#[test]
fn a_source_that_only_pretends_to_wait_is_asked_about_once_a_second() {
    let [first, second, _] = states();
    // With no entity tag, each poll is answered with the head.
    let mut untagged = Rig::new(&first);
    untagged.waits = true;
    untagged.tags = false;
    // The same where only a base leads to the head, which is loaded later.
    let mut later = waiting(&first);
    later.world.random = 29_000;
    later.publish_base(&second);
    later.tags = false;
    // Between two good answers it fails.
    let mut broken = Rig::new(&first);
    broken.waits = true;
    let alternating = [Manner::Fails, Manner::Whole].into_iter().cycle();
    // Its first head and its base come well.
    let first = [Manner::Well, Manner::Well].into_iter();
    broken.manners = first.chain(alternating.take(200)).collect();
    for (mut rig, about) in [(untagged, "untagged"), (later, "later"), (broken, "broken")] {
        rig.release();
        rig.asked.clear();
        rig.pass(20_000);
        let asked = heads(&rig);
        assert!((5..=22).contains(&asked), "{about}: {asked}");
    }
}
