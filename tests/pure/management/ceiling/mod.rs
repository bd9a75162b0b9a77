//! What a caller may hand out: five rules, in their order, for every way that hands out authority.

mod managing;
mod policies;

use keyward::key::{KeyKind, Livemode};
use keyward::management::{
    Caller, Ceiling, Command, CreateKey, Delegation, Details, DuplicateKey, EditKey, End,
    ExpireKey, Grant, Granted, GrantsChange, Override, Policy, RotateKey, RuleCode, UpdateAccount,
    Value,
};
use keyward::permission::AccessLevel;

use super::{DAY, Desk, NOW, create, delete, edit, expire, granted, purge, read, write};

fn held(names: &[&str]) -> Granted {
    let write = AccessLevel::Write;
    names
        .iter()
        .map(|name| ((*name).to_owned(), write))
        .collect()
}

fn caller(names: &[&str]) -> Caller {
    Caller {
        mode: Livemode::Live,
        own: held(names),
        connected: Granted::new(),
        passes_policy: Override::None,
    }
}

/// Returns a store whose policy limits a caller to what it has, and in it `mk_1`, which the policy
/// allows.
fn desk(names: &[&str]) -> Desk {
    let mut desk = Desk::new();
    let write = AccessLevel::Write;
    set_policy(
        &mut desk,
        Policy {
            kinds: KeyKind::ALL.to_vec(),
            permissions: Some(
                [
                    ("customer".to_owned(), write),
                    ("balance".to_owned(), AccessLevel::Read),
                ]
                .into(),
            ),
            delegation: Delegation::Own,
            ..Policy::default()
        },
    );
    desk.make("mk_1", KeyKind::Restricted, &[read("customer")]);
    desk.ceiling = Ceiling::of(caller(names));
    desk
}

fn set_policy(desk: &mut Desk, policy: Policy) {
    desk.records.policies.insert("default".to_owned(), policy);
}

fn new(grants: &[Grant]) -> Command {
    Command::CreateKey(CreateKey {
        grants: granted(grants),
        ..create("acct_1")
    })
}

fn name(code: RuleCode) -> &'static str {
    code.name()
}

fn rotated(id: &str) -> Command {
    Command::RotateKey(RotateKey {
        id: id.to_owned(),
        keep_for: 0,
        keep_from: None,
        expires: End::At(NOW + DAY),
        value: Value::Minted,
    })
}

fn duplicated(id: &str) -> Command {
    Command::DuplicateKey(DuplicateKey {
        id: id.to_owned(),
        live: false,
        details: Details::default(),
    })
}

fn granting(id: &str, grants: &[Grant]) -> Command {
    Command::EditKey(EditKey {
        grants: GrantsChange::Edit {
            set: None,
            grants: grants.to_vec(),
            revoked: Vec::new(),
        },
        limit: true,
        ..edit(id)
    })
}

#[test]
fn without_a_ceiling_everything_is_given() {
    let mut desk = desk(&[]);
    desk.ceiling = Ceiling::none();
    for grants in [&[write("api_key")][..], &[write("charge")], &[]] {
        desk.good(&new(grants));
    }
}

#[test]
fn a_test_key_makes_no_live_key() {
    let mut desk = desk(&["customer"]);
    let live = Command::CreateKey(CreateKey {
        mode: Livemode::Live,
        ..create("acct_1")
    });
    desk.good(&live);
    desk.ceiling = Ceiling::of(Caller {
        mode: Livemode::Test,
        ..caller(&["customer"])
    });
    assert_eq!(desk.refused(&live), RuleCode::LiveFromTest);
    let live = Command::DuplicateKey(DuplicateKey {
        id: "mk_1".to_owned(),
        live: true,
        details: Details::default(),
    });
    assert_eq!(desk.refused(&live), RuleCode::LiveFromTest);
    desk.good(&new(&[]));
}

/// Every way to a key that manages keys, including an alias of the permission and a grant set.
#[test]
fn keys_that_may_do_everything_take_a_permission_of_their_own() {
    let mut desk = desk(&["customer", "key_policy"]);
    desk.ceiling = Ceiling::none();
    desk.make("mk_secret", KeyKind::Secret, &[]);
    desk.make("mk_org", KeyKind::Organization, &[]);
    let kinds = [
        (KeyKind::Secret, "acct_1"),
        (KeyKind::Organization, "org_1"),
    ];
    let made = kinds.map(|(kind, owner)| {
        Command::CreateKey(CreateKey {
            kind: Some(kind),
            ..create(owner)
        })
    });
    let lifted = Command::ExpireKey(ExpireKey {
        id: "mk_secret".to_owned(),
        end: Some(NOW + 9 * DAY),
        revive: false,
    });
    let mut ways = made.to_vec();
    ways.extend([rotated("mk_secret"), rotated("mk_org")]);
    desk.records.keys.get_mut("mk_secret").unwrap().expires = Some(NOW + DAY);
    ways.push(lifted);
    desk.ceiling = Ceiling::of(caller(&["customer", "key_policy"]));
    for way in &ways {
        let refused = desk.refused(way);
        assert_eq!(refused, RuleCode::UnrestrictedKeyRefused, "{way:?}");
    }
    // Ending keys needs no permission of this kind, and neither does narrowing.
    let before = desk.records.clone();
    for end in [
        expire("mk_secret", Some(NOW)),
        delete("mk_secret"),
        purge("mk_org"),
        granting("mk_secret", &[read("customer")]),
    ] {
        desk.records = before.clone();
        desk.good(&end);
    }
    desk.ceiling = Ceiling::of(Caller {
        passes_policy: Override::Because("a test".to_owned()),
        ..caller(&["secret_api_key", "key_policy"])
    });
    for way in &ways {
        desk.records = before.clone();
        desk.good(way);
    }
}

#[test]
fn a_caller_gives_what_it_holds_itself_at_most_at_its_own_level() {
    let mut desk = desk(&[]);
    desk.make_unbounded("mk_charge", &[write("charge")]);
    desk.ceiling = Ceiling::of(Caller {
        own: [("customer".to_owned(), AccessLevel::Read)].into(),
        ..caller(&[])
    });
    for (way, permission) in [
        (new(&[write("customer")]), "customer"),
        (new(&[read("charge")]), "charge"),
        (rotated("mk_charge"), "charge"),
        (duplicated("mk_charge"), "charge"),
        (granting("mk_1", &[read("balance")]), "balance"),
        (
            Command::PutGrantSet {
                name: "support".to_owned(),
                grants: vec![read("balance"), write("charge"), read("customer")],
            },
            "balance",
        ),
    ] {
        match desk.refused(&way) {
            RuleCode::EscalationRefused { permission: of, .. } => assert_eq!(of, permission),
            other => panic!("{other:?}: {way:?}"),
        }
    }
    desk.good(&new(&[read("customer")]));
    // The caller does not hand out on connected accounts what it lacks there.
    let connected = |grants| {
        Command::CreateKey(CreateKey {
            connect_grants: granted(grants),
            ..create("acct_1")
        })
    };
    let refused = desk.refused(&connected(&[read("customer")]));
    assert_eq!(name(refused), "escalation_refused");
    // A set that loses permissions hands out nothing.
    desk.good(&Command::PutGrantSet {
        name: "support".to_owned(),
        grants: vec![read("customer")],
    });
}

#[test]
fn a_policy_or_the_right_to_write_policies_lifts_that() {
    let mut desk = desk(&["key_policy"]);
    desk.good(&new(&[write("customer")]));
    desk.ceiling = Ceiling::of(caller(&[]));
    assert_eq!(
        name(desk.refused(&new(&[write("customer")]))),
        "escalation_refused"
    );
    let policy = desk.records.policies["default"].clone();
    set_policy(
        &mut desk,
        Policy {
            delegation: Delegation::Policy,
            ..policy
        },
    );
    desk.good(&new(&[write("customer")]));
    let refused = desk.refused(&new(&[read("charge")]));
    let (policy, member) = ("default".to_owned(), "permissions");
    assert_eq!(refused, RuleCode::PolicyRefused { policy, member });
}

#[test]
fn a_policy_is_passed_over_for_a_reason_by_who_writes_policies() {
    let mut desk = desk(&[]);
    let charge = new(&[write("charge")]);
    for (names, reason, expected) in [
        (
            &["charge"][..],
            "an incident",
            Some(RuleCode::OverrideRefused),
        ),
        (&["key_policy"], " ", Some(RuleCode::OverrideReasonMissing)),
        (&["key_policy"], "an incident", None),
    ] {
        desk.ceiling = Ceiling::of(Caller {
            passes_policy: Override::Because(reason.to_owned()),
            ..caller(names)
        });
        match expected {
            Some(expected) => assert_eq!(desk.refused(&charge), expected),
            None => drop(desk.good(&charge)),
        }
    }
}

#[test]
fn first_keys_pass_the_policy_and_not_the_other_rules() {
    let mut desk = desk(&[]);
    set_policy(&mut desk, Policy::default());
    let first = |names| {
        Ceiling::of(Caller {
            passes_policy: Override::FirstKeys,
            ..caller(names)
        })
    };
    desk.ceiling = first(&["secret_api_key"]);
    for new in keyward::management::first_keys("acct_2") {
        desk.good(&Command::CreateKey(new));
    }
    desk.ceiling = first(&[]);
    let refused = keyward::management::first_keys("acct_2")
        .into_iter()
        .filter(|new| desk.run(&Command::CreateKey(new.clone())).is_err());
    assert_eq!(refused.count(), 2, "the secret ones");
}

#[test]
fn an_account_without_a_policy_has_that_of_the_account_above_it() {
    let mut desk = desk(&[]);
    desk.ceiling = Ceiling::none();
    let wide = Policy {
        permissions: None,
        delegation: Delegation::Policy,
        ..Policy::default()
    };
    desk.good(&Command::PutPolicy {
        name: "wide".to_owned(),
        policy: Box::new(wide),
    });
    desk.good(&Command::UpdateAccount(UpdateAccount {
        policy: keyward::management::Patch::Set("wide".to_owned()),
        ..UpdateAccount::of("org_1")
    }));
    desk.ceiling = Ceiling::of(caller(&[]));
    desk.good(&new(&[write("charge")]));
}

/// If a key fails several rules, the first one is the reason.
#[test]
fn the_first_rule_that_fails_answers() {
    let mut desk = desk(&[]);
    let everything_wrong = |mode, kind, grants: &[Grant]| {
        Command::CreateKey(CreateKey {
            mode,
            kind: Some(kind),
            grants: granted(grants),
            connect_grants: granted(&[read("charge")]),
            ..create("acct_1")
        })
    };
    let test = Ceiling::of(Caller {
        mode: Livemode::Test,
        ..caller(&[])
    });
    let (secret, restricted) = (KeyKind::Secret, KeyKind::Restricted);
    for (ceiling, command, expected) in [
        (
            &test,
            everything_wrong(Livemode::Live, secret, &[read("api_key")]),
            "live_from_test",
        ),
        (
            &test,
            everything_wrong(Livemode::Test, secret, &[read("api_key")]),
            "management_key_refused",
        ),
        (
            &test,
            everything_wrong(Livemode::Test, secret, &[]),
            "unrestricted_key_refused",
        ),
        (
            &test,
            everything_wrong(Livemode::Test, restricted, &[read("charge")]),
            "escalation_refused",
        ),
        (
            &Ceiling::of(caller(&["key_policy"])),
            everything_wrong(Livemode::Test, restricted, &[read("charge")]),
            "policy_refused",
        ),
    ] {
        desk.ceiling = ceiling.clone();
        assert_eq!(name(desk.refused(&command)), expected);
    }
}

impl Desk {
    /// Makes a restricted key without a ceiling.
    fn make_unbounded(&mut self, id: &str, grants: &[Grant]) {
        let ceiling = std::mem::replace(&mut self.ceiling, Ceiling::none());
        self.make(id, KeyKind::Restricted, grants);
        self.ceiling = ceiling;
    }
}
