//! When a newer base is loaded only because much has changed since the own one.

use serde_json::{Value, json};

use super::source::{Rig, state};

/// A revision later than `revision`, with so many more keys.
fn with(revision: u64, more: usize) -> Value {
    let key = |number: usize| {
        json!({
            "id": format!("mk_{number}"), "sha256": format!("{number:064x}"), "kind": "secret",
            "livemode": true, "owner": "acct_1", "status": "active",
        })
    };
    state(revision, (0..=more).map(key).collect())
}

/// Follows the deltas to so many changed records, while the feed has a newer base.
fn holding(changed: &[usize]) -> Rig {
    let mut before = with(10, 0);
    let mut rig = Rig::new(&before);
    rig.pass(10);
    // The pause is 500 s of 600, or 20 s of 30.
    rig.world.random = 500_000;
    for (revision, more) in (11..).zip(changed) {
        let after = with(revision, *more);
        rig.publish(&before, &after);
        before = after;
    }
    let deltas = rig.head.deltas.clone();
    rig.publish_base(&before);
    rig.head.deltas = deltas;
    rig.pass(10_000);
    let revision = 10 + u64::try_from(changed.len()).unwrap();
    assert_eq!((rig.served.last().unwrap().0, rig.bases), (revision, 1));
    rig
}

#[test]
fn many_changed_records_are_replaced_by_a_newer_base_in_ten_minutes() {
    let mut rig = holding(&[25_000, 50_001]);
    rig.pass(400_000);
    assert_eq!(rig.bases, 1);
    rig.pass(200_000);
    assert_eq!(rig.bases, 2);
}

#[test]
fn near_the_limit_of_changed_records_a_newer_base_is_loaded_in_half_a_minute() {
    let mut rig = holding(&[25_000, 50_001, 75_001]);
    rig.pass(40_000);
    assert_eq!(rig.bases, 2);
}

#[test]
fn a_load_that_was_due_later_is_brought_forward_near_the_limit() {
    let mut rig = holding(&[25_000, 50_001]);
    let (before, after) = (with(12, 50_001), with(13, 75_001));
    rig.publish(&before, &after);
    rig.pass(50_000);
    assert_eq!((rig.served.last().unwrap().0, rig.bases), (13, 2));
}
