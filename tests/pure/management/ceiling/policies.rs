//! The fifth rule: what the account's policy allows.

use keyward::key::{KeyKind, Livemode};
use keyward::management::{
    Ceiling, Command, CreateKey, Delegation, Details, EditKey, End, Granted, IpAction, IpChange,
    Policy, RequiredIps, RotateKey, RuleCode, Value,
};

use super::super::{DAY, NOW, create, edit, expire, following, granted, read, write};
use super::{caller, desk, duplicated, granting, name, new, rotated, set_policy};

#[track_caller]
fn assert_policy(change: impl Fn(&mut Policy), command: &Command, member: Option<&'static str>) {
    let mut desk = desk(&["customer"]);
    let mut policy = desk.records.policies["default"].clone();
    policy.delegation = Delegation::Policy;
    change(&mut policy);
    set_policy(&mut desk, policy);
    match member {
        None => drop(desk.good(command)),
        Some(member) => {
            let policy = "default".to_owned();
            let expected = RuleCode::PolicyRefused { policy, member };
            assert_eq!(desk.refused(command), expected, "{command:?}");
        }
    }
}

#[test]
fn a_policy_bounds_kinds_modes_and_permissions() {
    let publishable = Command::CreateKey(CreateKey {
        kind: Some(KeyKind::Publishable),
        ..create("acct_1")
    });
    assert_policy(|_| {}, &publishable, None);
    let restricted = |policy: &mut Policy| policy.kinds = vec![KeyKind::Restricted];
    assert_policy(restricted, &publishable, Some("kinds"));
    let live = |policy: &mut Policy| policy.modes = vec![Livemode::Live];
    assert_policy(live, &new(&[]), Some("modes"));
    let customer = new(&[write("customer")]);
    assert_policy(|_| {}, &customer, None);
    assert_policy(
        |policy| policy.permissions = None,
        &new(&[write("charge")]),
        None,
    );
    let none = |policy: &mut Policy| policy.permissions = Some(Granted::new());
    assert_policy(none, &customer, Some("permissions"));
    assert_policy(
        none,
        &granting("mk_1", &[write("customer")]),
        Some("permissions"),
    );
    assert_policy(none, &rotated("mk_1"), Some("permissions"));
    assert_policy(none, &duplicated("mk_1"), Some("permissions"));
    let connected = Command::CreateKey(CreateKey {
        connect_grants: granted(&[read("customer")]),
        ..create("acct_1")
    });
    assert_policy(|_| {}, &connected, Some("connect_permissions"));
}

#[test]
fn a_policy_offers_grant_sets() {
    let set = Command::CreateKey(CreateKey {
        grants: following("support"),
        ..create("acct_1")
    });
    assert_policy(|_| {}, &set, Some("permissions"));
    let offered = |policy: &mut Policy| policy.grant_sets = vec!["support".to_owned()];
    assert_policy(offered, &set, None);
    let only = |policy: &mut Policy| {
        policy.grant_sets = vec!["support".to_owned()];
        policy.free_choice = false;
    };
    assert_policy(only, &set, None);
    assert_policy(only, &new(&[read("customer")]), Some("free_choice"));
    assert_policy(only, &new(&[]), None);
}

#[test]
fn a_policy_bounds_how_long_a_key_works() {
    let until = |end| {
        Command::CreateKey(CreateKey {
            details: Details {
                expires: end,
                ..Details::default()
            },
            ..create("acct_1")
        })
    };
    let short = |policy: &mut Policy| policy.max_lifetime = Some(100 * DAY);
    assert_policy(short, &until(End::At(NOW + 100 * DAY)), None);
    assert_policy(short, &until(End::Unsaid), None);
    for end in [End::At(NOW + 100 * DAY + 1), End::Never] {
        assert_policy(short, &until(end), Some("max_lifetime"));
    }
    assert_policy(
        |policy| policy.max_lifetime = None,
        &until(End::Never),
        None,
    );
    // What a key already has does not prevent changes of something else.
    assert_policy(short, &granting("mk_1", &[write("customer")]), None);
    let mut desk = desk(&[]);
    let decision = desk.good(&until(End::Unsaid));
    let key = desk.key(decision.key().unwrap());
    assert_eq!(key.expires, Some(NOW + 90 * DAY), "the default");
}

#[test]
fn a_policy_counts_the_keys_that_have_not_ended() {
    let mut desk = desk(&[]);
    let mut policy = desk.records.policies["default"].clone();
    policy.max_keys = Some(2);
    policy.permissions = None;
    policy.delegation = Delegation::Policy;
    set_policy(&mut desk, policy);
    let made = desk.good(&new(&[]));
    let (policy, most) = ("default".to_owned(), 2);
    let full = RuleCode::TooManyKeys { policy, most };
    assert_eq!(desk.refused(&new(&[])), full);
    let live = Command::CreateKey(CreateKey {
        mode: Livemode::Live,
        ..create("acct_1")
    });
    desk.good(&live);
    desk.good(&rotated("mk_1"));
    desk.good(&expire(made.key().unwrap(), Some(NOW)));
    desk.good(&new(&[]));
    // The account is full again, and the ended key is in no count.
    let ended = made.key().unwrap();
    let revived = Command::EditKey(EditKey {
        expires: End::At(NOW + DAY),
        revive: true,
        ..edit(ended)
    });
    let (policy, most) = ("default".to_owned(), 2);
    let full = RuleCode::TooManyKeys { policy, most };
    assert_eq!(desk.refused(&revived), full);
    assert_eq!(desk.refused(&rotated(ended)), full);
}

#[test]
fn a_set_is_bounded_on_the_side_where_keys_follow_it() {
    let wider = Command::PutGrantSet {
        name: "support".to_owned(),
        grants: vec![read("balance"), write("customer")],
    };
    for (grants, connect_grants, expected) in [
        (following("support"), granted(&[]), None),
        (
            granted(&[]),
            following("support"),
            Some("connect_permissions"),
        ),
    ] {
        let mut desk = desk(&[]);
        let ceiling = Ceiling::of(caller(&["balance", "customer"]));
        desk.ceiling = Ceiling::none();
        desk.good(&Command::PutGrantSet {
            name: "support".to_owned(),
            grants: vec![read("balance")],
        });
        desk.good(&Command::CreateKey(CreateKey {
            grants,
            connect_grants,
            ..create("acct_1")
        }));
        desk.ceiling = ceiling;
        match expected {
            None => drop(desk.good(&wider)),
            Some(member) => {
                let policy = "default".to_owned();
                let refused = RuleCode::PolicyRefused { policy, member };
                assert_eq!(desk.refused(&wider), refused);
            }
        }
    }
}

#[test]
fn a_policy_asks_for_addresses() {
    let required = |policy: &mut Policy| {
        policy.require_ip_allowlist = RequiredIps {
            live: false,
            test: true,
        };
    };
    let with_ips = |ips: &[&str]| {
        Command::CreateKey(CreateKey {
            details: Details {
                allowed_ips: ips.iter().map(|ip| (*ip).to_owned()).collect(),
                ..Details::default()
            },
            ..create("acct_1")
        })
    };
    assert_policy(required, &with_ips(&["192.0.2.1"]), None);
    assert_policy(required, &with_ips(&[]), Some("require_ip_allowlist"));
    let publishable = Command::CreateKey(CreateKey {
        kind: Some(KeyKind::Publishable),
        ..create("acct_1")
    });
    assert_policy(required, &publishable, None);
    let mut desk = desk(&["customer"]);
    let mut policy = desk.records.policies["default"].clone();
    required(&mut policy);
    set_policy(&mut desk, policy);
    desk.records.keys.get_mut("mk_1").unwrap().allowed_ips = vec!["192.0.2.1".to_owned()];
    let clear = Command::EditKey(EditKey {
        ips: Some(IpChange {
            action: IpAction::Clear,
            texts: Vec::new(),
            ipv6: false,
        }),
        ..edit("mk_1")
    });
    assert_eq!(name(desk.refused(&clear)), "policy_refused");
}

#[test]
fn a_policy_bounds_the_overlap_of_a_rotation() {
    let keep_for = |seconds| {
        Command::RotateKey(RotateKey {
            id: "mk_1".to_owned(),
            keep_for: seconds,
            keep_from: None,
            expires: End::At(NOW + DAY),
            value: Value::Minted,
        })
    };
    let day = |policy: &mut Policy| policy.overlaps = vec![0, DAY];
    assert_policy(day, &keep_for(DAY), None);
    assert_policy(day, &keep_for(DAY + 1), Some("overlaps"));
}
