//! Every rejection of imports, accounts, sets, policies, texts and lists.

use super::*;

/// Returns every rejection of an import.
pub(super) fn of_imports() -> Vec<(Command, RuleCode, Option<Param>)> {
    let long = format!("sk_test_{}", "FAKE-".repeat(120));
    let test = Some(Livemode::Test);
    let mut all: Vec<(Command, RuleCode, Option<Param>)> =
        ["sk_test_FAKE alice", "sk_test_FAKE,alice", &long]
            .map(|value| {
                (
                    imported(value, None, None),
                    RuleCode::NotAKey,
                    Some(Param::Kind),
                )
            })
            .into();
    all.extend([
        (
            imported("sk_test_FAKE-alice-0001", Some(KeyKind::Restricted), None),
            RuleCode::PrefixOfAnotherKind {
                kind: KeyKind::Restricted,
                prefixes: vec![id("rk_test_"), id("rk_live_")],
            },
            Some(Param::Kind),
        ),
        (
            imported("acme_FAKE-alice-0001", None, None),
            RuleCode::PrefixUnknown,
            Some(Param::Kind),
        ),
        (
            imported("sk_live_FAKE-alice-0001", None, test),
            RuleCode::ModeContradicts {
                told: Livemode::Live,
                said: Livemode::Test,
            },
            Some(Param::Livemode),
        ),
        (
            Command::ImportKey(import("sk_org_FAKE-alice-0001", "org_1")),
            RuleCode::ModeUnsaid,
            Some(Param::Livemode),
        ),
        (
            imported("sk_test_FAKE-alice-0001", None, None),
            RuleCode::KeyIsShort,
            Some(Param::Sha256),
        ),
    ]);
    for value in ["sk_live_", "sk_live_****", "rk_test_...", "pk_test_"] {
        all.push((
            imported(value, None, None),
            RuleCode::KeyIsEmpty,
            Some(Param::Sha256),
        ));
    }
    all
}

/// Returns every rejection of commands on accounts, sets, policies, texts and lists.
pub(super) fn of_the_rest() -> Vec<(Command, RuleCode, Option<Param>)> {
    let text = |member| RuleCode::TextInvalid { member };
    let set = |name: &str| Command::PutGrantSet {
        name: id(name),
        grants: Vec::new(),
    };
    let labels = |count: usize| (0..count).map(|n| (format!("l{n}"), id("x"))).collect();
    vec![
        (
            update("acct_9", |_| {}),
            RuleCode::AccountMissing {
                id: id("acct_9"),
                role: AccountRole::Itself,
            },
            Some(Param::Id),
        ),
        (
            add_account("acct_3", Some("acct_9")),
            RuleCode::AccountMissing {
                id: id("acct_9"),
                role: AccountRole::Parent,
            },
            Some(Param::Parent),
        ),
        (
            update("acct_1", |update| update.policy = Patch::Set(id("none"))),
            RuleCode::PolicyMissing { name: id("none") },
            Some(Param::Policy),
        ),
        (
            add_account("nobody", None),
            RuleCode::AccountIdInvalid,
            Some(Param::Id),
        ),
        (
            add_account("acct_1", None),
            RuleCode::AccountExists { id: id("acct_1") },
            Some(Param::Id),
        ),
        (
            add_account("org_2", Some("org_1")),
            RuleCode::OrganizationHasNoParent,
            Some(Param::Parent),
        ),
        (
            update("org_1", |update| update.parent = Patch::Set(id("acct_1"))),
            RuleCode::BelowItself { id: id("org_1") },
            Some(Param::Parent),
        ),
        (
            Command::RemoveAccount {
                id: id("org_1"),
                with_keys: false,
            },
            RuleCode::AccountHasChildren {
                id: id("org_1"),
                child: id("acct_1"),
            },
            None,
        ),
        (
            Command::RemoveAccount {
                id: id("acct_1"),
                with_keys: false,
            },
            RuleCode::AccountHasKeys {
                id: id("acct_1"),
                count: 8,
            },
            None,
        ),
        (set("no name"), RuleCode::NameInvalid, Some(Param::Name)),
        (
            Command::RemoveGrantSet { name: id("none") },
            RuleCode::GrantSetMissing {
                name: id("none"),
                side: None,
            },
            Some(Param::Name),
        ),
        (
            Command::RemovePolicy {
                name: id("default"),
            },
            RuleCode::PolicyInUse {
                name: id("default"),
                accounts: 0,
            },
            Some(Param::Policy),
        ),
        (
            with(Details {
                name: Some(id("a\nb")),
                ..Details::default()
            }),
            text(TextMember::Name),
            Some(Param::Name),
        ),
        (
            with(Details {
                name: Some("x".repeat(129)),
                ..Details::default()
            }),
            text(TextMember::Name),
            Some(Param::Name),
        ),
        (
            with(Details {
                note: Some(id("\u{7}")),
                ..Details::default()
            }),
            text(TextMember::Note),
            Some(Param::Note),
        ),
        (
            with(Details {
                labels: [(id("no name"), id("x"))].into(),
                ..Details::default()
            }),
            text(TextMember::Label),
            Some(Param::Labels),
        ),
        (
            update("acct_1", |update| {
                update.status = Some(keyward::account::AccountStatus::Suspended);
                update.reason = Patch::Set(String::new());
            }),
            text(TextMember::Reason),
            Some(Param::Reason),
        ),
        (
            update("acct_1", |update| {
                update.external_id = Patch::Set(String::new())
            }),
            text(TextMember::ExternalId),
            Some(Param::ExternalId),
        ),
        (
            with(Details {
                expires: End::At(100_000_000_000),
                ..Details::default()
            }),
            RuleCode::TimeTooFar {
                param: Param::ExpiresAt,
            },
            Some(Param::ExpiresAt),
        ),
        (
            with(Details {
                labels: labels(21),
                ..Details::default()
            }),
            RuleCode::TooMany {
                param: Param::Labels,
                most: 20,
            },
            Some(Param::Labels),
        ),
    ]
}
