//! The effects of commands on keys. The tests of rejections are in `refusals`.

mod ends;
mod imports;

pub(super) use imports::import;

use keyward::key::{KeyKind, Livemode};
use keyward::management::{
    Command, CreateKey, Details, DuplicateKey, End, Grant, GrantsChange, IpAction, IpChange, Key,
    KeyGrants, NewGrants, Note, Patch, Side, Value, first_keys,
};
use keyward::permission::{AccessLevel, PermissionRegistry};
use keyward::snapshot::Enforcement;

use super::{DAY, Desk, NOW, create, digest, edit, following, granted, read, write};

#[track_caller]
fn assert_grants(grants: Option<&KeyGrants>, expected: &[(&str, &str)]) {
    let Some(KeyGrants::Inline(granted)) = grants else {
        panic!("{grants:?}");
    };
    let shown: Vec<(&str, &str)> = granted
        .iter()
        .map(|(name, level)| (name.as_str(), level.name()))
        .collect();
    assert_eq!(shown, expected);
}

#[track_caller]
fn assert_granted(grants: &[Grant], expected: &[(&str, &str)]) {
    let mut desk = Desk::new();
    desk.make("mk_1", KeyKind::Restricted, grants);
    assert_grants(desk.key("mk_1").grants.as_ref(), expected);
}

#[test]
fn a_new_key_may_do_what_is_granted_and_is_made_now() {
    let mut desk = Desk::new();
    let new = Command::CreateKey(CreateKey {
        grants: granted(&[read("customer")]),
        details: Details {
            name: Some("Billing".to_owned()),
            expires: End::At(NOW + DAY),
            allowed_ips: vec!["203.0.113.7 10.0.0.0/8".to_owned()],
            ..Details::default()
        },
        ..create("acct_1")
    });
    let mut decision = desk.good(&new);
    let id = decision.key().unwrap().to_owned();
    let secret = decision.take_minted().unwrap();
    assert!(decision.take_minted().is_none(), "it is shown once");
    assert!(secret.expose().starts_with("rk_test_"));
    let key = desk.key(&id);
    assert!(id.starts_with("mk_") && id.len() == 19);
    assert_eq!(key.kind, KeyKind::Restricted);
    assert_eq!(key.created, Some(NOW));
    assert_eq!(key.created_by.as_deref(), Some("ann@example.com"));
    assert_eq!(key.expires, Some(NOW + DAY));
    assert_eq!(key.allowed_ips, ["203.0.113.7", "10.0.0.0/8"]);
    assert!(secret.expose().ends_with(key.last4.as_deref().unwrap()));
    assert_grants(key.grants.as_ref(), &[("customer", "read")]);
}

#[test]
fn an_organization_has_organization_keys() {
    let mut desk = Desk::new();
    let decision = desk.good(&Command::CreateKey(create("org_1")));
    let key = desk.key(decision.key().unwrap());
    assert_eq!((key.kind, &key.grants), (KeyKind::Organization, &None));
}

#[test]
fn a_key_made_elsewhere_is_known_by_its_digest() {
    let mut desk = Desk::new();
    let new = CreateKey {
        value: Value::Digest(digest(1)),
        ..create("acct_1")
    };
    let mut decision = desk.good(&Command::CreateKey(new));
    assert!(decision.take_minted().is_none());
    let key = desk.key(decision.key().unwrap());
    assert_eq!((key.digest, &key.last4), (digest(1), &None));
}

#[test]
fn permissions_are_granted_under_their_canonical_names() {
    assert_granted(
        &[read("rak_customer"), write("topup"), write("widget")],
        &[
            ("customer", "read"),
            ("top_up", "write"),
            ("widget", "write"),
        ],
    );
}

#[test]
fn a_later_grant_wins_and_none_takes_away() {
    assert_granted(
        &[
            write("customer"),
            read("charge"),
            read("customer"),
            Grant::new("charge", None),
        ],
        &[("customer", "read")],
    );
}

#[test]
fn an_endpoint_of_ones_own_may_ask_for_any_level() {
    assert_granted(
        &[write("tax_settings"), read("api_key")],
        &[("api_key", "read"), ("tax_settings", "write")],
    );
}

#[test]
fn a_category_grants_each_permission_what_it_has() {
    let registry = PermissionRegistry::stripe();
    for level in [AccessLevel::Read, AccessLevel::Write] {
        let mut desk = Desk::new();
        let all = Grant::new("category:connect", Some(level));
        desk.make("mk_1", KeyKind::Restricted, &[all]);
        let Some(KeyGrants::Inline(granted)) = &desk.key("mk_1").grants else {
            panic!("it has a list");
        };
        for permission in registry.iter() {
            let name = registry.name(permission);
            let wanted = match registry.category(permission) {
                Some("Connect") if registry.has_level(permission, level) => Some(level),
                Some("Connect") if level == AccessLevel::Write => Some(AccessLevel::Read),
                _ => None,
            };
            assert_eq!(granted.get(name).copied(), wanted, "{name} at {level:?}");
        }
    }
}

#[test]
fn a_grant_is_read_as_the_api_spells_it() {
    let grants = ["customer_read", "category:billing_write", "top_up_write"];
    let expected = [read("customer"), write("category:billing"), write("top_up")];
    assert_eq!(grants.map(Grant::of_api), expected.map(Some));
    for text in ["customer", "customer=read", "_read", "read", ""] {
        assert_eq!(Grant::of_api(text), None, "{text}");
    }
}

#[test]
fn a_key_follows_a_set_until_its_own_grants_change() {
    let mut desk = Desk::new();
    desk.make("mk_1", KeyKind::Restricted, &[read("balance")]);
    let change = |change| {
        Command::EditKey(keyward::management::EditKey {
            grants: change,
            ..edit("mk_1")
        })
    };
    let edit_grants = |set: Option<&str>, grants: &[Grant], revoked: &[&str]| {
        change(GrantsChange::Edit {
            set: set.map(str::to_owned),
            grants: grants.to_vec(),
            revoked: revoked.iter().map(|name| (*name).to_owned()).collect(),
        })
    };
    desk.good(&edit_grants(Some("support"), &[], &[]));
    let set = KeyGrants::Set("support".to_owned());
    assert_eq!(desk.key("mk_1").grants, Some(set.clone()));
    let decision = desk.good(&edit_grants(None, &[], &["rak_charge"]));
    assert_grants(desk.key("mk_1").grants.as_ref(), &[("customer", "read")]);
    let note = Note::NoLongerFollows {
        side: Side::Own,
        set: "support".to_owned(),
    };
    assert_eq!(decision.notes(), [note]);
    // A set plus more grants becomes a copy.
    desk.good(&edit_grants(
        Some("support"),
        &[read("balance")],
        &["charge"],
    ));
    let expected = [("balance", "read"), ("customer", "read")];
    assert_grants(desk.key("mk_1").grants.as_ref(), &expected);
    desk.good(&change(GrantsChange::Replace(Vec::new())));
    assert_grants(desk.key("mk_1").grants.as_ref(), &[]);
}

#[test]
fn names_notes_and_labels_change_and_go() {
    let mut desk = Desk::new();
    desk.make("mk_1", KeyKind::Secret, &[]);
    let first = keyward::management::EditKey {
        name: Patch::Set("Old".to_owned()),
        note: Patch::Set("old".to_owned()),
        labels: vec![("team".to_owned(), "a".to_owned())],
        ..edit("mk_1")
    };
    desk.good(&Command::EditKey(first));
    let second = keyward::management::EditKey {
        name: Patch::Set("New".to_owned()),
        note: Patch::Clear,
        labels: vec![("env".to_owned(), "x".to_owned())],
        unlabels: vec!["team".to_owned()],
        enforcement: Some(Enforcement::Shadow),
        ..edit("mk_1")
    };
    desk.good(&Command::EditKey(second));
    let key = desk.key("mk_1");
    assert_eq!((key.name.as_deref(), &key.note), (Some("New"), &None));
    assert_eq!(key.labels, [("env".to_owned(), "x".to_owned())].into());
    assert_eq!(key.enforcement, Enforcement::Shadow);
}

#[test]
fn an_edit_that_changes_nothing_is_none() {
    let mut desk = Desk::new();
    desk.make("mk_1", KeyKind::Secret, &[]);
    let decision = desk.good(&Command::EditKey(edit("mk_1")));
    assert_eq!(
        (decision.changes(), decision.key()),
        (&[][..], Some("mk_1"))
    );
}

#[test]
fn a_key_with_everything_is_narrowed_where_that_is_said() {
    for kind in [KeyKind::Secret, KeyKind::Organization] {
        let mut desk = Desk::new();
        desk.make("mk_1", kind, &[]);
        let limit = keyward::management::EditKey {
            grants: GrantsChange::Replace(vec![read("customer")]),
            limit: true,
            ..edit("mk_1")
        };
        desk.good(&Command::EditKey(limit));
        assert_grants(desk.key("mk_1").grants.as_ref(), &[("customer", "read")]);
    }
}

#[test]
fn limits_are_added_removed_set_and_cleared() {
    let mut desk = Desk::new();
    desk.make("mk_1", KeyKind::Restricted, &[]);
    for (action, texts, expected, notes) in [
        (
            IpAction::Add,
            &["192.0.2.1 192.0.2.2"][..],
            &["192.0.2.1", "192.0.2.2"][..],
            &[Note::FirstLimit][..],
        ),
        (
            IpAction::Add,
            &["192.0.2.1/32"],
            &["192.0.2.1", "192.0.2.2"],
            &[],
        ),
        (IpAction::Remove, &["192.0.2.1"], &["192.0.2.2"], &[]),
        (
            IpAction::Set,
            &["10.0.0.0/8", "192.0.2.1"],
            &["10.0.0.0/8", "192.0.2.1"],
            &[],
        ),
        (IpAction::Clear, &[], &[], &[]),
    ] {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        let ips = Some(IpChange {
            action,
            texts,
            ipv6: false,
        });
        let change = keyward::management::EditKey {
            ips,
            ..edit("mk_1")
        };
        let decision = desk.good(&Command::EditKey(change));
        assert_eq!(desk.key("mk_1").allowed_ips, expected);
        assert_eq!(decision.notes(), notes);
    }
}

#[test]
fn a_duplicate_has_permissions_and_name_and_says_what_it_left() {
    let mut desk = Desk::new();
    desk.make("mk_1", KeyKind::Restricted, &[read("customer")]);
    let old = desk.records.keys.get_mut("mk_1").unwrap();
    old.name = Some("Billing".to_owned());
    old.note = Some("a note".to_owned());
    old.allowed_ips = vec!["192.0.2.1".to_owned()];
    old.expires = Some(NOW + 5);
    let decision = desk.good(&Command::DuplicateKey(DuplicateKey {
        id: "mk_1".to_owned(),
        live: true,
        details: Details::default(),
    }));
    let Key {
        mode,
        name,
        note,
        grants,
        ..
    } = desk.key(decision.key().unwrap());
    assert_eq!(
        (*mode, name.as_deref(), note),
        (Livemode::Live, Some("Billing"), &None)
    );
    assert_grants(grants.as_ref(), &[("customer", "read")]);
    let ips = vec!["192.0.2.1".to_owned()];
    assert_eq!(
        decision.notes(),
        [Note::IpsLeftBehind(ips), Note::ExpiryLeftBehind]
    );
}

#[test]
fn an_account_starts_with_four_keys() {
    let mut desk = Desk::new();
    for new in first_keys("acct_1") {
        desk.good(&Command::CreateKey(new));
    }
    let mut made: Vec<_> = desk
        .records
        .keys
        .values()
        .map(|key| {
            (
                key.mode.name(),
                key.kind.name(),
                key.name.as_deref().unwrap(),
            )
        })
        .collect();
    made.sort_unstable();
    assert_eq!(
        made,
        [
            ("live", "publishable", "Publishable key"),
            ("live", "secret", "Secret key"),
            ("test", "publishable", "Publishable key"),
            ("test", "secret", "Secret key"),
        ]
    );
}

#[test]
fn a_new_key_can_follow_a_set_on_either_side() {
    let mut desk = Desk::new();
    let new = CreateKey {
        id: Some("mk_1".to_owned()),
        grants: following("support"),
        connect_grants: NewGrants {
            set: Some("support".to_owned()),
            grants: vec![read("balance")],
        },
        ..create("acct_1")
    };
    desk.good(&Command::CreateKey(new));
    let key = desk.key("mk_1");
    assert_eq!(key.grants, Some(KeyGrants::Set("support".to_owned())));
    let copy = [
        ("balance", "read"),
        ("charge", "write"),
        ("customer", "read"),
    ];
    assert_grants(key.connect_grants.as_ref(), &copy);
}
