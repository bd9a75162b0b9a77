//! Answers that end before they should. Where a call fails, a host has nothing of its answer; here the answer comes as if it were whole, as that of a server without a
//! `content-length` does.

use super::*;

/// A follower that serves the first state, while the second is published.
fn behind() -> Rig {
    let [first, second, _] = states();
    let mut rig = Rig::new(&first);
    rig.pass(10);
    rig.publish(&first, &second);
    rig
}

#[test]
fn an_answer_that_ends_at_any_of_its_bytes_changes_nothing_and_the_next_is_taken() {
    let whole = behind();
    let head = whole.signed().len();
    let delta = usize::try_from(whole.head.deltas[0].size).unwrap();
    let of_head = (0..head).map(|end| vec![Manner::Cut(end)]);
    let of_delta = (0..delta).map(|end| vec![Manner::Well, Manner::Cut(end)]);
    let mut rig = behind();
    for manners in of_head.chain(of_delta) {
        let about = format!("{manners:?}");
        // The same state before each of them.
        if rig.served.len() > 1 {
            rig = behind();
        }
        rig.manners = manners.into();
        // It asks after 4 seconds, and after a failure in one more.
        rig.pass(4500);
        assert!(rig.manners.is_empty(), "{about}: it was not asked");
        assert_eq!((rig.served.len(), rig.told.len()), (1, 1), "{about}");
        assert!(!is_deleted(&rig, 2), "{about}");
        rig.pass(40_000);
        assert!(is_deleted(&rig, 2), "{about}");
        assert_eq!(rig.told.last().unwrap(), "recovered", "{about}");
    }
}

#[test]
fn how_long_an_object_took_is_counted_without_the_time_that_nothing_was_asked() {
    let [first, _, third] = states();
    let mut rig = Rig::new(&first);
    rig.pass(10);
    rig.world.random = 20_000;
    rig.publish_base(&third);
    // It is asked for at a random moment, and its answer comes at once: the clock does not advance meanwhile.
    rig.pass(10_000);
    assert_eq!(rig.served.len(), 1);
    rig.pass(60_000);
    assert_eq!(rig.served.len(), 2);
    assert_eq!(rig.took, [0, 0]);
}
