//! Rotations, taken back and repaired.

use keyward::key::KeyKind;
use keyward::management::{Note, RuleCode};

use super::{DAY, Desk, NOW, delete, purge, rotate};

/// Returns `mk_1` and its replacements, one after the other.
fn rotated(times: usize) -> (Desk, Vec<String>) {
    let mut desk = Desk::new();
    desk.make("mk_1", KeyKind::Restricted, &[]);
    let mut ids = vec!["mk_1".to_owned()];
    for _ in 0..times {
        ids.push(desk.rotate(&ids[ids.len() - 1]));
    }
    (desk, ids)
}

/// Asserts which of `ids` are linked, by their positions.
#[track_caller]
fn assert_links(desk: &Desk, ids: &[String], expected: &[(usize, usize)]) {
    let place = |id: &String| ids.iter().position(|known| known == id).unwrap();
    let mut links = Vec::new();
    for key in desk.records.keys.values() {
        if let Some(next) = &key.replaced_by {
            links.push((place(&key.id), place(next)));
            assert_eq!(desk.key(next).replaces.as_ref(), Some(&key.id));
        }
    }
    links.sort_unstable();
    assert_eq!(links, expected);
}

#[test]
fn a_rotation_that_was_taken_back_can_be_made_again() {
    for end in [delete, purge] {
        let (mut desk, mut ids) = rotated(1);
        assert_links(&desk, &ids, &[(0, 1)]);
        let decision = desk.good(&end(&ids[1]));
        let back = Note::RotationTakenBack {
            id: "mk_1".to_owned(),
            expires: Some(NOW),
        };
        assert_eq!(decision.notes(), [back]);
        assert_links(&desk, &ids, &[]);
        // The first rotation has ended it, so the command must name an expiry.
        assert_eq!(
            desk.refused(&rotate("mk_1")),
            RuleCode::ExpiryOfReplacementMissing {
                id: "mk_1".to_owned()
            }
        );
        desk.records.keys.get_mut("mk_1").unwrap().expires = None;
        ids[1] = desk.rotate("mk_1");
        let (old, new) = (ids[0].clone(), ids[1].clone());
        assert_eq!(desk.key(&old).replaced_by, Some(new));
    }
}

#[test]
fn the_old_key_may_go_and_its_replacement_stays_rotatable() {
    for (end, links) in [
        (delete as fn(&str) -> _, &[(0, 1)][..]),
        (purge as fn(&str) -> _, &[]),
    ] {
        let (mut desk, mut ids) = rotated(1);
        let decision = desk.good(&end("mk_1"));
        assert_eq!(decision.notes(), []);
        assert_links(&desk, &ids, links);
        ids.push(desk.rotate(&ids[1]));
    }
}

#[test]
fn one_in_the_middle_leaves_no_gap() {
    let (mut desk, ids) = rotated(2);
    desk.good(&delete(&ids[1]));
    assert_links(&desk, &ids, &[(0, 1), (1, 2)]);
    let refused = desk.refused(&rotate("mk_1"));
    let (id, by) = ("mk_1".to_owned(), ids[2].clone());
    assert_eq!(refused, RuleCode::KeyWasReplaced { id, by });
    let middle_deleted = desk.records.clone();
    desk.good(&delete(&ids[2]));
    assert_links(&desk, &ids, &[]);
    desk.records = middle_deleted;
    desk.good(&purge(&ids[1]));
    assert_links(&desk, &ids, &[(0, 2)]);
    desk.good(&purge(&ids[2]));
    assert_links(&desk, &ids, &[]);
}

/// Links as an earlier version or an editor left them.
#[test]
fn what_was_cut_by_hand_is_no_obstacle() {
    let (mut desk, ids) = rotated(1);
    let last = desk.records.keys.get_mut(&ids[1]).unwrap();
    last.replaced_by = Some("mk_gone".to_owned());
    let new = desk.rotate(&ids[1]);
    assert_eq!(desk.key(&ids[1]).replaced_by.as_ref(), Some(&new));
    let (mut desk, ids) = rotated(1);
    let last = desk.records.keys.get_mut(&ids[1]).unwrap();
    last.status = keyward::snapshot::KeyStatus::Deleted;
    desk.records.keys.get_mut("mk_1").unwrap().expires = None;
    let new = desk.rotate("mk_1");
    assert_eq!(desk.key("mk_1").replaced_by.as_ref(), Some(&new));
    assert_eq!(desk.key(&ids[1]).replaces, None);
}

#[test]
fn links_in_a_circle_end() {
    let (mut desk, ids) = rotated(2);
    desk.records.keys.get_mut(&ids[2]).unwrap().replaced_by = Some(ids[0].clone());
    desk.records.keys.get_mut(&ids[0]).unwrap().replaces = Some(ids[2].clone());
    for id in &ids {
        let refused = desk.refused(&rotate(id));
        assert!(matches!(refused, RuleCode::KeyWasReplaced { .. }));
    }
    for id in &ids {
        desk.now += DAY;
        desk.good(&delete(id));
    }
}
