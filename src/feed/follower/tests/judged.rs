//! Tests of which heads a follower accepts.

use super::*;

/// A change to a source.
type Alter = fn(&mut Rig);

#[test]
fn nobody_but_a_trusted_key_leads_it_anywhere() {
    let [first, second, _] = states();
    let bad: [(Alter, &str); 7] = [
        (|rig: &mut Rig| rig.signer = 2, "signature"),
        (|rig| rig.head.feed = "test".into(), "other_feed"),
        (|rig| rig.head.packed = 2, "unsupported"),
        (|rig| rig.signed = Some(b"hello\n".to_vec()), "signature"),
        (|rig| rig.signed = Some(vec![b'x'; 65_537]), "head"),
        (
            |rig| {
                let mut signed = rig.signed();
                *signed.last_mut().unwrap() = b' ';
                rig.signed = Some(signed);
            },
            "signature",
        ),
        (|rig| rig.head.issued_at += 400, "ahead"),
    ];
    for (alter, word) in bad {
        // Nothing is served before the first head, and nothing else after it.
        let mut rig = Rig::new(&first);
        alter(&mut rig);
        rig.pass(3000);
        assert_eq!(
            (rig.follower.snapshot().is_none(), rig.follower.word()),
            (true, word)
        );
        let mut rig = Rig::new(&first);
        rig.pass(10);
        rig.publish(&first, &second);
        alter(&mut rig);
        rig.pass(20_000);
        assert_eq!((rig.served.len(), rig.follower.word()), (1, word));
        assert!(rig.told[0].starts_with(word), "{:?}", rig.told);
        assert!(!is_deleted(&rig, 2));
    }
}

#[test]
fn no_head_leads_back() {
    let [first, second, third] = states();
    let mut rig = Rig::new(&first);
    rig.pass(10);
    let old = rig.signed();
    rig.world.now += 5000;
    rig.publish(&first, &second);
    rig.pass(6000);
    assert!(is_deleted(&rig, 2));
    rig.signed = Some(old);
    rig.pass(20_000);
    assert_eq!((rig.follower.word(), rig.served.len()), ("rollback", 2));
    // Neither another line nor an older time helps.
    let back: [Alter; 4] = [
        |rig: &mut Rig| rig.head.issued_at -= 1,
        |rig| {
            rig.head.issued_at -= 1;
            rig.head.line = "l2".into();
        },
        // The same revision with other content.
        |rig| rig.head.keys += 1,
        |rig| rig.head.line = "l2".into(),
    ];
    for alter in back {
        rig.signed = None;
        let before = rig.head.clone();
        alter(&mut rig);
        rig.pass(40_000);
        assert_eq!((rig.follower.word(), rig.served.len()), ("rollback", 2));
        rig.head = before;
    }
    rig.publish(&second, &third);
    rig.pass(40_000);
    assert_eq!((rig.follower.word(), rig.served.len()), ("ok", 3));
}

#[test]
fn a_key_that_is_trusted_no_longer_takes_what_it_raised_with_it() {
    let [first, second, _] = states();
    let mut rig = Rig::new(&first);
    rig.pass(10);
    // A thief raises the revision out of reach.
    let mut far = second.clone();
    far["revision"] = serde_json::json!(999_999);
    rig.publish_base(&far);
    rig.head.base.urgent = true;
    rig.pass(6000);
    assert_eq!(rig.served.last().unwrap().0, 999_999);
    let mut other = feed();
    other.public_keys = [pair(2).1].into();
    rig.follower = rig.follower.reconfigured(other, None);
    assert!(rig.follower.snapshot().is_none());
    rig.signer = 2;
    rig.publish_base(&second);
    rig.pass(1000);
    assert_eq!(rig.served.last().unwrap().0, 11);
    // While both keys are trusted, the last head of the old key cannot be replayed.
    let mut both = feed();
    both.public_keys = [pair(1).1, pair(2).1].into();
    rig.follower = rig.follower.reconfigured(both, None);
    rig.signer = 1;
    rig.publish_base(&first);
    rig.pass(3000);
    assert_eq!(rig.follower.word(), "rollback");
}

#[test]
fn nothing_below_the_least_revision_is_taken() {
    let [first, second, _] = states();
    for (least, seed) in [(Some(11), None), (None, Some(11)), (Some(11), Some(3))] {
        let mut rig = Rig::new(&first);
        let mut feed = feed();
        feed.min_revision = least.map(revision);
        rig.follower = Follower::new(feed, seed.map(revision));
        rig.pass(3000);
        assert_eq!((rig.follower.word(), rig.served.len()), ("rollback", 0));
        rig.publish(&first, &second);
        rig.pass(40_000);
        assert_eq!(rig.served.last().unwrap().0, 11);
    }
}

#[test]
fn what_another_vm_verified_is_the_floor_of_a_new_one() {
    let [first, second, _] = states();
    let mut rig = Rig::new(&first);
    let old = rig.signed();
    rig.world.now += 1000;
    rig.publish(&first, &second);
    let newest = rig.signed();
    let keys = [pair(1).1];
    let floor = rig.follower.floor();
    let mut forged = newest.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert!(floor.restore(&forged, &keys, "prod").is_err());
    assert!(floor.restore(&newest, &keys, "other").is_err());
    assert!(floor.restore(&newest, &[pair(2).1], "prod").is_err());
    assert_eq!(floor.newest_bytes(), None);
    floor.restore(&newest, &keys, "prod").unwrap();
    floor.restore(&old, &keys, "prod").unwrap();
    assert_eq!(floor.newest_bytes(), Some(&*newest));
    rig.signed = Some(old);
    rig.pass(3000);
    assert_eq!((rig.follower.word(), rig.served.len()), ("rollback", 0));
    rig.signed = None;
    rig.pass(40_000);
    assert!(is_deleted(&rig, 2));
}

#[test]
fn another_line_is_reached_by_its_base() {
    let [first, second, third] = states();
    let mut rig = Rig::new(&first);
    rig.pass(10);
    rig.publish(&first, &second);
    rig.head.line = "l2".into();
    // The delta's revisions fit, but it belongs to another line, so the base comes first.
    rig.pass(6000);
    assert_eq!((rig.bases, rig.served.last().unwrap().0), (2, 11));
    rig.publish(&second, &third);
    rig.pass(6000);
    assert_eq!((rig.bases, rig.served.last().unwrap().0), (2, 12));
}

#[test]
fn counts_that_differ_are_mended_by_the_base_and_never_served() {
    let [first, second, third] = states();
    let mut rig = Rig::new(&first);
    rig.pass(10);
    // The delta lacks a key, so its result does not match the head's count.
    rig.publish(&first, &second);
    rig.head.keys += 1;
    rig.pass(30_000);
    assert_eq!((rig.follower.word(), rig.served.len()), ("counts", 1));
    assert!(rig.told[0].contains("counts 3 keys and 1 accounts, and its objects have 2 and 1"));
    assert!(rig.bases >= 2);
    rig.world.now += 1000;
    rig.publish_base(&third);
    rig.pass(40_000);
    assert_eq!(
        (rig.follower.word(), rig.served.last().unwrap().0),
        ("ok", 12)
    );
}

#[test]
fn a_base_that_is_the_only_way_is_loaded_in_its_time_or_at_once_if_it_is_urgent() {
    let [first, second, third] = states();
    let mut rig = Rig::new(&first);
    rig.pass(10);
    rig.world.random = 20_000;
    rig.publish_base(&second);
    rig.pass(10_000);
    assert_eq!(rig.served.len(), 1);
    rig.pass(30_000);
    assert_eq!(rig.served.last().unwrap().0, 11);
    rig.publish_base(&third);
    rig.head.base.urgent = true;
    rig.pass(7000);
    assert_eq!(rig.served.last().unwrap().0, 12);
}
