//! Rejections that depend on the store's content, the caller, and the surroundings.

use super::*;

/// Returns the rejections that depend on more than the command: the store's content, the caller,
/// and the surroundings.
pub(super) fn of_the_world() -> Vec<(RuleCode, Option<Param>)> {
    let mut all = Vec::new();
    let mut note = |code: RuleCode| {
        let param = code.param();
        all.push((code, param));
    };
    // Digests.
    let mut desk = desk();
    let by_digest = Command::CreateKey(CreateKey {
        value: Value::Digest(digest(1)),
        ..create("acct_1")
    });
    let made = desk.good(&by_digest).key().unwrap().to_owned();
    assert_eq!(
        desk.refused(&by_digest),
        RuleCode::DigestExists {
            id: Some(made.clone())
        }
    );
    note(desk.refused(&by_digest));
    desk.good(&purge(&made));
    desk.ceiling = Ceiling::of(Caller {
        mode: Livemode::Live,
        own: Granted::new(),
        connected: Granted::new(),
        passes_policy: Override::None,
    });
    note(desk.refused(&by_digest));
    desk.ceiling = Ceiling::none();
    desk.good(&by_digest);
    // What the store reports about a record, and about digests that the caller may not see.
    let facts = |desk: &Desk, command: &Command, change: &dyn Fn(&mut Facts)| {
        let mut facts = desk.records.facts(&desk.api, &needs(command), desk.now);
        change(&mut facts);
        let context = Context {
            now: desk.now,
            actor: "ann",
            ceiling: &Ceiling::none(),
            limits: &Limits::none(),
            randomness: &mut desk.randomness.clone(),
        };
        decide(command, &facts, context).map(drop)
    };
    let owned = |facts: &mut Facts| {
        let file = Some(id("billing"));
        facts
            .keys
            .iter_mut()
            .for_each(|fact| fact.file.clone_from(&file));
        let accounts = facts.accounts.iter_mut();
        accounts.for_each(|fact| fact.file.clone_from(&file));
        let sets = facts.grant_sets.iter_mut();
        sets.for_each(|fact| fact.file.clone_from(&file));
    };
    let later = expire("mk_ended", None);
    let Command::ExpireKey(later) = later else {
        panic!("it is a command to expire");
    };
    for command in [
        Command::EditKey(edit("mk_r")),
        rotate("mk_r"),
        Command::ExpireKey(keyward::management::ExpireKey {
            revive: true,
            ..later
        }),
        update("acct_1", |_| {}),
        Command::PutGrantSet {
            name: id("support"),
            grants: Vec::new(),
        },
    ] {
        let refused = facts(&desk, &command, &owned).unwrap_err();
        let file = id("billing");
        assert_eq!(
            refused.code(),
            &RuleCode::OwnedByFile { file },
            "{command:?}"
        );
        note(refused.code().clone());
    }
    // Anyone may end a record, regardless of its owner.
    for end in [delete("mk_r"), purge("mk_r"), expire("mk_r", Some(NOW))] {
        assert!(facts(&desk, &end, &owned).is_ok(), "{end:?}");
    }
    let hidden = |facts: &mut Facts| facts.digests = vec![(digest(9), Holder::Hidden)];
    let unseen = Command::CreateKey(CreateKey {
        value: Value::Digest(digest(9)),
        ..create("acct_1")
    });
    let refused = facts(&desk, &unseen, &hidden).unwrap_err();
    assert_eq!(refused.code(), &RuleCode::DigestExists { id: None });
    // A profile whose prefixes determine less.
    let profile = r#"{"profile": {"preset": "plain", "prefixes": {"secret": ["ours_", "other_"], "restricted": ["ours_r_"]}}}"#;
    let profile = keyward::configuration::Configuration::from_json(profile.as_bytes()).unwrap();
    let profile = profile.profile().clone();
    let plain = |facts: &mut Facts| {
        let mut api = (*facts.api).clone();
        api.profile = profile.clone();
        facts.api = api.into();
    };
    let secret = Command::CreateKey(CreateKey {
        kind: Some(KeyKind::Secret),
        ..create("acct_1")
    });
    note(facts(&desk, &secret, &plain).unwrap_err().code().clone());
    let several = ImportKey {
        value: ImportedValue::read(&profile, "ours_r_FAKE-alice-0001", None, None),
        ..import("sk_test_FAKE", "acct_1")
    };
    let several = Command::ImportKey(several);
    note(facts(&desk, &several, &plain).unwrap_err().code().clone());
    // No randomness.
    struct Nothing;
    impl Randomness for Nothing {
        fn fill(&mut self, _: &mut [u8]) -> Result<(), NoRandomness> {
            Err(NoRandomness)
        }
    }
    let context = Context {
        now: NOW,
        actor: "ann",
        ceiling: &Ceiling::none(),
        limits: &Limits::none(),
        randomness: &mut Nothing,
    };
    let command = Command::CreateKey(create("acct_1"));
    let needed = desk.records.facts(&desk.api, &needs(&command), NOW);
    let refused = decide(&command, &needed, context).unwrap_err();
    note(refused.code().clone());
    // A replaced key, a set in use, an external id.
    let old = &mut desk.records.keys.get_mut("mk_old").unwrap();
    old.expires = None;
    note(desk.refused(&rotate("mk_old")));
    desk.good(&change(
        "mk_r",
        GrantsChange::Edit {
            set: Some(id("support")),
            grants: Vec::new(),
            revoked: Vec::new(),
        },
    ));
    note(desk.refused(&Command::RemoveGrantSet {
        name: id("support"),
    }));
    let external = |account| update(account, |update| update.external_id = Patch::Set(id("e1")));
    desk.good(&external("acct_1"));
    note(desk.refused(&external("acct_2")));
    // The ceiling.
    let caller = |mode, names: &[&str], passes_policy| {
        let write = AccessLevel::Write;
        let own: Granted = names.iter().map(|name| (id(name), write)).collect();
        Ceiling::of(Caller {
            mode,
            connected: own.clone(),
            own,
            passes_policy,
        })
    };
    let live = |grants| {
        Command::CreateKey(CreateKey {
            mode: Livemode::Live,
            grants,
            ..create("acct_1")
        })
    };
    let because = |reason: &str| Override::Because(reason.to_owned());
    let (test, alive) = (Livemode::Test, Livemode::Live);
    let none = NewGrants::default;
    for (ceiling, command) in [
        (caller(test, &[], Override::None), live(none())),
        (
            caller(alive, &[], Override::None),
            live(granted(&[read("api_key")])),
        ),
        (
            caller(alive, &["key_policy"], Override::None),
            live(granted(&[read("charge")])),
        ),
        (caller(alive, &[], because("so")), live(none())),
        (caller(alive, &["key_policy"], because("")), live(none())),
        (
            caller(alive, &[], Override::None),
            Command::CreateKey(CreateKey {
                kind: Some(KeyKind::Secret),
                ..create("acct_1")
            }),
        ),
    ] {
        desk.ceiling = ceiling;
        note(desk.refused(&command));
    }
    let own = Policy {
        delegation: keyward::management::Delegation::Own,
        max_keys: Some(0),
        ..Policy::default()
    };
    desk.records.policies.insert(id("default"), own);
    desk.ceiling = caller(alive, &[], Override::None);
    note(desk.refused(&live(granted(&[read("charge")]))));
    note(desk.refused(&live(none())));
    all
}
