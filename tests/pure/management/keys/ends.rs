//! Keys are replaced, expire and are deleted.

use keyward::key::KeyKind;
use keyward::management::{Command, End, KeyGrants, Note, RecordChange, RotateKey, Value};
use keyward::snapshot::Enforcement;

use super::super::{DAY, Desk, NOW, delete, digest, expire, purge};

#[test]
fn a_replacement_may_do_what_the_old_key_could_and_no_more() {
    for (kind, prefix, name) in [
        (KeyKind::Restricted, "rk_test_", Some("Billing")),
        (KeyKind::Secret, "sk_test_", Some("Secret key")),
        (KeyKind::Publishable, "pk_test_", Some("Publishable key")),
        (KeyKind::Organization, "sk_org_", Some("Billing")),
    ] {
        let mut desk = Desk::new();
        desk.make("mk_1", kind, &[]);
        let old = desk.records.keys.get_mut("mk_1").unwrap();
        old.name = Some("Billing".to_owned());
        old.note = Some("a note".to_owned());
        old.labels.insert("team".to_owned(), "billing".to_owned());
        old.enforcement = Enforcement::Shadow;
        old.not_before = Some(5);
        if kind != KeyKind::Publishable {
            old.grants = Some(KeyGrants::Set("support".to_owned()));
            old.allowed_ips = vec!["192.0.2.1".to_owned()];
        }
        let old = old.clone();
        desk.now += 10;
        let mut decision = desk.good(&Command::RotateKey(RotateKey {
            id: "mk_1".to_owned(),
            keep_for: 7 * DAY,
            keep_from: None,
            expires: End::Unsaid,
            value: Value::Minted,
        }));
        let new = desk.key(decision.key().unwrap()).clone();
        let mut differing = vec!["id", "created", "not_before", "replaces", "sha256"];
        if name != Some("Billing") {
            differing.insert(1, "name");
        }
        differing.push(if kind == KeyKind::Publishable {
            "value"
        } else {
            "last4"
        });
        assert_eq!(new.differences(&old), differing, "{kind:?}");
        assert_eq!((new.name.as_deref(), new.not_before), (name, None));
        assert!(decision.take_minted().unwrap().expose().starts_with(prefix));
        let at = desk.now + 7 * DAY;
        assert_eq!(desk.key("mk_1").expires, Some(at));
        let id = "mk_1".to_owned();
        assert_eq!(decision.notes(), [Note::OldKeyEnds { id, at }]);
    }
}

#[test]
fn a_rotation_never_prolongs_the_old_key() {
    let mut desk = Desk::new();
    desk.make("mk_1", KeyKind::Restricted, &[]);
    desk.good(&expire("mk_1", Some(NOW + 60)));
    desk.good(&Command::RotateKey(RotateKey {
        id: "mk_1".to_owned(),
        keep_for: DAY,
        keep_from: None,
        expires: End::Never,
        value: Value::Digest(digest(1)),
    }));
    assert_eq!(desk.key("mk_1").expires, Some(NOW + 60));
}

/// A server whose clock jumped ahead still ends the old key in time, and the replacement may last as
/// long as its policy says.
#[test]
fn an_overlap_may_count_from_earlier_and_never_from_later() {
    for (from, counted) in [(NOW - 90, NOW - 90), (NOW, NOW), (NOW + 90, NOW)] {
        let mut desk = Desk::new();
        desk.make("mk_1", KeyKind::Restricted, &[]);
        let decision = desk.good(&Command::RotateKey(RotateKey {
            id: "mk_1".to_owned(),
            keep_for: DAY,
            keep_from: Some(from),
            expires: End::Never,
            value: Value::Minted,
        }));
        assert_eq!(desk.key("mk_1").expires, Some(counted + DAY));
        let new = desk.key(decision.key().unwrap());
        assert_eq!(new.created, Some(NOW));
    }
}

#[test]
fn a_key_that_ended_works_again_where_that_is_meant() {
    let mut desk = Desk::new();
    desk.make("mk_1", KeyKind::Restricted, &[]);
    desk.good(&expire("mk_1", Some(NOW)));
    assert!(desk.key("mk_1").is_expired(NOW));
    // An earlier end is not a revival.
    desk.good(&expire("mk_1", Some(NOW - 1)));
    let revive = Command::ExpireKey(keyward::management::ExpireKey {
        id: "mk_1".to_owned(),
        end: None,
        revive: true,
    });
    desk.good(&revive);
    assert_eq!(desk.key("mk_1").expires, None);
}

#[test]
fn a_replaced_key_goes_on_for_7_days_at_most() {
    let mut desk = Desk::new();
    desk.make("mk_1", KeyKind::Restricted, &[]);
    desk.good(&Command::RotateKey(RotateKey {
        id: "mk_1".to_owned(),
        keep_for: DAY,
        keep_from: None,
        expires: End::Unsaid,
        value: Value::Minted,
    }));
    desk.good(&expire("mk_1", Some(NOW + 7 * DAY)));
    desk.refused(&expire("mk_1", Some(NOW + 7 * DAY + 1)));
    desk.refused(&expire("mk_1", None));
}

#[test]
fn deleted_keys_stay_and_purged_ones_go() {
    let mut desk = Desk::new();
    for id in ["mk_1", "mk_2"] {
        desk.make(id, KeyKind::Secret, &[]);
    }
    desk.good(&delete("mk_1"));
    assert!(desk.key("mk_1").is_deleted());
    let decision = desk.good(&purge("mk_2"));
    assert!(matches!(
        decision.changes(),
        [RecordChange::RemoveKey { .. }]
    ));
    desk.good(&purge("mk_1"));
    assert!(desk.records.keys.is_empty());
}

#[test]
fn a_publishable_key_goes_once_it_was_replaced_and_has_ended() {
    let mut desk = Desk::new();
    desk.make("mk_1", KeyKind::Publishable, &[]);
    desk.refused(&purge("mk_1"));
    desk.rotate("mk_1");
    desk.refused(&delete("mk_1"));
    desk.good(&purge("mk_1"));
}
