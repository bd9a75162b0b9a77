//! Every refusal is reached, with its code and the member at fault.

use std::collections::BTreeSet;

use keyward::account::IdKind;
use keyward::digest::KeyDigest;
use keyward::key::{KeyKind, Livemode};
use keyward::management::{
    AccountRole, Caller, Ceiling, Command, Context, CreateKey, Details, DuplicateKey, EditKey, End,
    Facts, Granted, GrantsChange, Holder, ImportKey, ImportedValue, IpAction, IpChange, Limits,
    Meant, NewGrants, NoRandomness, Override, Param, Patch, Policy, Randomness, RotateKey,
    RuleCode, Side, TextMember, UpdateAccount, Value, Wanted, decide, needs,
};
use keyward::permission::AccessLevel;
use keyward::profile::Profile;

use super::keys::import;
use super::{
    DAY, Desk, NOW, add_account, create, delete, digest, edit, expire, following, granted, purge,
    read, rotate, write,
};

/// A number for each variant: one that is new does not compile until it has one, and has to be
/// reached below.
fn number(code: &RuleCode) -> usize {
    match code {
        RuleCode::KeyMissing { .. } => 0,
        RuleCode::AccountMissing { .. } => 1,
        RuleCode::GrantSetMissing { .. } => 2,
        RuleCode::PolicyMissing { .. } => 3,
        RuleCode::OwnedByFile { .. } => 4,
        RuleCode::KindNotForOwner { .. } => 5,
        RuleCode::NoPrefixForMode { .. } => 6,
        RuleCode::NoRandomness => 7,
        RuleCode::IdInvalid => 8,
        RuleCode::IdExists { .. } => 9,
        RuleCode::DigestExists { .. } => 10,
        RuleCode::DigestEnded => 11,
        RuleCode::ExpiresInPast => 12,
        RuleCode::EndsBeforeItBegins => 13,
        RuleCode::PublishableHasNoGrants { .. } => 14,
        RuleCode::PublishableHasNoIpLimit { .. } => 15,
        RuleCode::PermissionUnknown { .. } => 16,
        RuleCode::CategoryUnknown { .. } => 17,
        RuleCode::PermissionLevelUnknown { .. } => 18,
        RuleCode::NotGranted { .. } => 19,
        RuleCode::LimitMissing { .. } => 20,
        RuleCode::LabelMissing { .. } => 21,
        RuleCode::IpInvalid { .. } => 22,
        RuleCode::IpHasHostBits { .. } => 23,
        RuleCode::IpEveryAddress { .. } => 24,
        RuleCode::IpIsV6 { .. } => 25,
        RuleCode::IpNotListed { .. } => 26,
        RuleCode::IpLast => 27,
        RuleCode::IpsMissing => 28,
        RuleCode::IpsNotTaken => 29,
        RuleCode::KeyIsDeleted { .. } => 30,
        RuleCode::KeyWasReplaced { .. } => 31,
        RuleCode::ReplacedKeyEnds { .. } => 32,
        RuleCode::ReviveMissing { .. } => 33,
        RuleCode::OverlapTooLong => 34,
        RuleCode::ExpiryOfReplacementMissing { .. } => 35,
        RuleCode::OnlyRestrictedIsDuplicated { .. } => 36,
        RuleCode::LiveAlready { .. } => 37,
        RuleCode::PublishableIsRotated { .. } => 38,
        RuleCode::NotAKey => 39,
        RuleCode::PrefixOfAnotherKind { .. } => 40,
        RuleCode::PrefixUnknown => 41,
        RuleCode::KindUnsaid => 42,
        RuleCode::ModeContradicts { .. } => 43,
        RuleCode::ModeUnsaid => 44,
        RuleCode::KeyIsEmpty => 45,
        RuleCode::KeyIsShort => 46,
        RuleCode::AccountIdInvalid => 47,
        RuleCode::AccountExists { .. } => 48,
        RuleCode::OrganizationHasNoParent => 49,
        RuleCode::BelowItself { .. } => 50,
        RuleCode::AccountHasChildren { .. } => 51,
        RuleCode::AccountHasKeys { .. } => 52,
        RuleCode::ExternalIdExists { .. } => 53,
        RuleCode::NameInvalid => 54,
        RuleCode::GrantSetInUse { .. } => 55,
        RuleCode::PolicyInUse { .. } => 56,
        RuleCode::TextInvalid { .. } => 57,
        RuleCode::TimeTooFar { .. } => 58,
        RuleCode::TooMany { .. } => 59,
        RuleCode::LiveFromTest => 60,
        RuleCode::ManagementKeyRefused { .. } => 61,
        RuleCode::UnrestrictedKeyRefused => 62,
        RuleCode::EscalationRefused { .. } => 63,
        RuleCode::PolicyRefused { .. } => 64,
        RuleCode::TooManyKeys { .. } => 65,
        RuleCode::OverrideRefused => 66,
        RuleCode::OverrideReasonMissing => 67,
    }
}

/// How many there are.
const ALL: usize = 68;

/// A store with a key of each kind, and some that have ended or were replaced.
fn desk() -> Desk {
    let mut desk = Desk::new();
    desk.make("mk_r", KeyKind::Restricted, &[write("customer")]);
    desk.make("mk_s", KeyKind::Secret, &[]);
    desk.make("mk_p", KeyKind::Publishable, &[]);
    desk.make("mk_o", KeyKind::Organization, &[]);
    for id in ["mk_deleted", "mk_ended", "mk_old", "mk_live", "mk_limited"] {
        desk.make(id, KeyKind::Restricted, &[]);
    }
    desk.good(&delete("mk_deleted"));
    desk.good(&expire("mk_ended", Some(NOW)));
    desk.rotate("mk_old");
    let keys = &mut desk.records.keys;
    keys.get_mut("mk_live").unwrap().mode = Livemode::Live;
    keys.get_mut("mk_limited").unwrap().allowed_ips = vec!["192.0.2.1".to_owned()];
    desk
}

fn id(id: &str) -> String {
    id.to_owned()
}

fn with(details: Details) -> Command {
    Command::CreateKey(CreateKey {
        details,
        ..create("acct_1")
    })
}

fn new(grants: NewGrants) -> Command {
    Command::CreateKey(CreateKey {
        grants,
        ..create("acct_1")
    })
}

fn change(key: &str, grants: GrantsChange) -> Command {
    Command::EditKey(EditKey {
        grants,
        ..edit(key)
    })
}

fn revoke(key: &str, name: &str) -> Command {
    let change_of = GrantsChange::Edit {
        set: None,
        grants: Vec::new(),
        revoked: vec![name.to_owned()],
    };
    change(key, change_of)
}

fn ips(key: &str, action: IpAction, texts: &[&str]) -> Command {
    let texts = texts.iter().map(|text| (*text).to_owned()).collect();
    Command::EditKey(EditKey {
        ips: Some(IpChange {
            action,
            texts,
            ipv6: false,
        }),
        ..edit(key)
    })
}

fn keep_for(key: &str, seconds: u64, expires: End) -> Command {
    Command::RotateKey(RotateKey {
        id: key.to_owned(),
        keep_for: seconds,
        expires,
        value: Value::Minted,
    })
}

fn duplicate(key: &str, live: bool) -> Command {
    Command::DuplicateKey(DuplicateKey {
        id: key.to_owned(),
        live,
        details: Details::default(),
    })
}

fn update(id: &str, change: impl FnOnce(&mut UpdateAccount)) -> Command {
    let mut update = UpdateAccount::of(id);
    change(&mut update);
    Command::UpdateAccount(update)
}

fn imported(value: &str, kind: Option<KeyKind>, mode: Option<Livemode>) -> Command {
    Command::ImportKey(ImportKey {
        value: ImportedValue::read(&Profile::stripe(), value, kind, mode),
        allow_short: false,
        ..import(value, "acct_1")
    })
}

/// Each refusal of keys.
fn of_keys() -> Vec<(Command, RuleCode, Option<Param>)> {
    let details = Details::default;
    let unknown = |name: &str, meant, side| RuleCode::PermissionUnknown {
        name: id(name),
        meant,
        side,
    };
    vec![
        (
            delete("mk_none"),
            RuleCode::KeyMissing { id: id("mk_none") },
            Some(Param::Id),
        ),
        (
            delete("sk_test_FAKE-alice-0001"),
            RuleCode::KeyMissing { id: id("…") },
            Some(Param::Id),
        ),
        (
            Command::CreateKey(create("acct_9")),
            RuleCode::AccountMissing {
                id: id("acct_9"),
                role: AccountRole::Owner,
            },
            Some(Param::Owner),
        ),
        (
            new(following("none")),
            RuleCode::GrantSetMissing {
                name: id("none"),
                side: Some(Side::Own),
            },
            Some(Param::GrantSet),
        ),
        (
            Command::CreateKey(CreateKey {
                kind: Some(KeyKind::Organization),
                ..create("acct_1")
            }),
            RuleCode::KindNotForOwner {
                kind: KeyKind::Organization,
                owner: Some(IdKind::Account),
            },
            Some(Param::Kind),
        ),
        (
            Command::CreateKey(CreateKey {
                kind: Some(KeyKind::Secret),
                ..create("org_1")
            }),
            RuleCode::KindNotForOwner {
                kind: KeyKind::Secret,
                owner: Some(IdKind::Organization),
            },
            Some(Param::Kind),
        ),
        (
            Command::CreateKey(CreateKey {
                id: Some(id("no id")),
                ..create("acct_1")
            }),
            RuleCode::IdInvalid,
            Some(Param::NewId),
        ),
        (
            Command::CreateKey(CreateKey {
                id: Some(id("sk_live_FAKE-alice")),
                ..create("acct_1")
            }),
            RuleCode::IdInvalid,
            Some(Param::NewId),
        ),
        (
            Command::CreateKey(CreateKey {
                id: Some(id("mk_r")),
                ..create("acct_1")
            }),
            RuleCode::IdExists { id: id("mk_r") },
            Some(Param::NewId),
        ),
        (
            with(Details {
                expires: End::At(NOW),
                ..details()
            }),
            RuleCode::ExpiresInPast,
            Some(Param::ExpiresAt),
        ),
        (
            with(Details {
                expires: End::At(NOW + 5),
                not_before: Some(NOW + 5),
                ..details()
            }),
            RuleCode::EndsBeforeItBegins,
            Some(Param::NotBefore),
        ),
        (
            Command::CreateKey(CreateKey {
                kind: Some(KeyKind::Publishable),
                grants: granted(&[read("customer")]),
                ..create("acct_1")
            }),
            RuleCode::PublishableHasNoGrants { id: None },
            Some(Param::Permissions),
        ),
        (
            change("mk_p", GrantsChange::Replace(Vec::new())),
            RuleCode::PublishableHasNoGrants {
                id: Some(id("mk_p")),
            },
            Some(Param::Permissions),
        ),
        (
            ips("mk_p", IpAction::Clear, &[]),
            RuleCode::PublishableHasNoIpLimit {
                id: Some(id("mk_p")),
            },
            Some(Param::IpAllowlist),
        ),
        (
            Command::CreateKey(CreateKey {
                kind: Some(KeyKind::Publishable),
                details: Details {
                    allowed_ips: vec![id("192.0.2.1")],
                    ..details()
                },
                ..create("acct_1")
            }),
            RuleCode::PublishableHasNoIpLimit { id: None },
            Some(Param::IpAllowlist),
        ),
        (
            new(granted(&[read("custmer")])),
            unknown("custmer", Meant::Near(vec![id("customer")]), Side::Own),
            Some(Param::Permissions),
        ),
        (
            Command::CreateKey(CreateKey {
                connect_grants: granted(&[read("refunds")]),
                ..create("acct_1")
            }),
            unknown("refunds", Meant::Resource("charge"), Side::Connected),
            Some(Param::ConnectPermissions),
        ),
        (
            new(granted(&[read("sk_test_FAKE-alice-0001")])),
            unknown("…", Meant::Near(Vec::new()), Side::Own),
            Some(Param::Permissions),
        ),
        (
            new(granted(&[read("category:biling")])),
            RuleCode::CategoryUnknown {
                name: id("biling"),
                near: vec![id("billing")],
                side: Side::Own,
            },
            Some(Param::Permissions),
        ),
        (
            new(granted(&[write("balance")])),
            RuleCode::PermissionLevelUnknown {
                name: id("balance"),
                level: AccessLevel::Write,
                side: Side::Own,
            },
            Some(Param::Permissions),
        ),
        (
            new(granted(&[read("edit_link")])),
            RuleCode::PermissionLevelUnknown {
                name: id("edit_link"),
                level: AccessLevel::Read,
                side: Side::Own,
            },
            Some(Param::Permissions),
        ),
        (
            revoke("mk_r", "rak_charge"),
            RuleCode::NotGranted {
                name: id("charge"),
                granted: vec![id("customer")],
                side: Side::Own,
            },
            Some(Param::Permissions),
        ),
        (
            change("mk_s", GrantsChange::Replace(vec![read("customer")])),
            RuleCode::LimitMissing {
                id: id("mk_s"),
                side: Side::Own,
                is_revoking: false,
            },
            Some(Param::Limit),
        ),
        (
            revoke("mk_o", "customer"),
            RuleCode::LimitMissing {
                id: id("mk_o"),
                side: Side::Own,
                is_revoking: true,
            },
            Some(Param::Limit),
        ),
        (
            Command::EditKey(EditKey {
                unlabels: vec![id("team")],
                ..edit("mk_r")
            }),
            RuleCode::LabelMissing { labels: Vec::new() },
            Some(Param::Labels),
        ),
        (
            ips("mk_r", IpAction::Set, &["192.0.2.1,192.0.2.2"]),
            RuleCode::IpInvalid { has_comma: true },
            Some(Param::IpAllowlist),
        ),
        (
            ips("mk_r", IpAction::Set, &["10.0.0.1/8"]),
            RuleCode::IpHasHostBits {
                range: id("10.0.0.1/8"),
                meant: id("10.0.0.0/8"),
            },
            Some(Param::IpAllowlist),
        ),
        (
            ips("mk_r", IpAction::Set, &["0.0.0.0/0"]),
            RuleCode::IpEveryAddress {
                range: id("0.0.0.0/0"),
            },
            Some(Param::IpAllowlist),
        ),
        (
            ips("mk_r", IpAction::Set, &["2001:db8::/32"]),
            RuleCode::IpIsV6 {
                range: id("2001:db8::/32"),
            },
            Some(Param::IpAllowlist),
        ),
        (
            ips("mk_limited", IpAction::Remove, &["192.0.2.9"]),
            RuleCode::IpNotListed {
                range: id("192.0.2.9"),
                known: vec![id("192.0.2.1")],
            },
            Some(Param::IpAllowlist),
        ),
        (
            ips("mk_limited", IpAction::Remove, &["192.0.2.1"]),
            RuleCode::IpLast,
            Some(Param::IpAllowlist),
        ),
        (
            ips("mk_r", IpAction::Add, &["  "]),
            RuleCode::IpsMissing,
            Some(Param::IpAllowlist),
        ),
        (
            ips("mk_r", IpAction::Clear, &["192.0.2.1"]),
            RuleCode::IpsNotTaken,
            Some(Param::IpAllowlist),
        ),
        (
            change("mk_deleted", GrantsChange::Replace(Vec::new())),
            RuleCode::KeyIsDeleted {
                id: id("mk_deleted"),
                wanted: Wanted::Grants,
            },
            Some(Param::Id),
        ),
        (
            ips("mk_deleted", IpAction::Clear, &[]),
            RuleCode::KeyIsDeleted {
                id: id("mk_deleted"),
                wanted: Wanted::Ips,
            },
            Some(Param::Id),
        ),
        (
            expire("mk_deleted", Some(NOW)),
            RuleCode::KeyIsDeleted {
                id: id("mk_deleted"),
                wanted: Wanted::Expiry,
            },
            Some(Param::Id),
        ),
        (
            rotate("mk_deleted"),
            RuleCode::KeyIsDeleted {
                id: id("mk_deleted"),
                wanted: Wanted::Replacement,
            },
            Some(Param::Id),
        ),
        (
            delete("mk_deleted"),
            RuleCode::KeyIsDeleted {
                id: id("mk_deleted"),
                wanted: Wanted::Deletion,
            },
            Some(Param::Id),
        ),
        (
            expire("mk_old", None),
            RuleCode::ReviveMissing { id: id("mk_old") },
            Some(Param::Revive),
        ),
        (
            Command::ExpireKey(keyward::management::ExpireKey {
                id: id("mk_old"),
                end: Some(NOW + 7 * DAY + 1),
                revive: true,
            }),
            RuleCode::ReplacedKeyEnds { id: id("mk_old") },
            Some(Param::ExpiresAt),
        ),
        (
            expire("mk_ended", Some(NOW + 1)),
            RuleCode::ReviveMissing { id: id("mk_ended") },
            Some(Param::Revive),
        ),
        (
            keep_for("mk_r", 7 * DAY + 1, End::Unsaid),
            RuleCode::OverlapTooLong,
            Some(Param::ExpireCurrentKeyInMinutes),
        ),
        (
            rotate("mk_ended"),
            RuleCode::ExpiryOfReplacementMissing { id: id("mk_ended") },
            Some(Param::ExpiresAt),
        ),
        (
            duplicate("mk_s", false),
            RuleCode::OnlyRestrictedIsDuplicated {
                id: id("mk_s"),
                kind: KeyKind::Secret,
                owner: id("acct_1"),
            },
            None,
        ),
        (
            duplicate("mk_live", true),
            RuleCode::LiveAlready { id: id("mk_live") },
            Some(Param::Livemode),
        ),
        (
            delete("mk_p"),
            RuleCode::PublishableIsRotated { id: id("mk_p") },
            None,
        ),
        (
            purge("mk_p"),
            RuleCode::PublishableIsRotated { id: id("mk_p") },
            None,
        ),
    ]
}

/// Each refusal of an import.
fn of_imports() -> Vec<(Command, RuleCode, Option<Param>)> {
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

/// Each refusal of accounts, sets, policies, texts and lists.
fn of_the_rest() -> Vec<(Command, RuleCode, Option<Param>)> {
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

/// Those that hang on more than the command: what the store has, who asks, and the world.
fn of_the_world() -> Vec<(RuleCode, Option<Param>)> {
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
    // What the store says of a record, and of digests that the caller may not see.
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
    // Ends work whoever owns the record.
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
    // A profile whose prefixes tell less.
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

#[test]
fn every_refusal_is_reached_and_names_its_member() {
    let mut reached = BTreeSet::new();
    let mut check = |code: &RuleCode, param: Option<Param>| {
        assert_eq!(code.param(), param, "{code:?}");
        assert!(!code.name().is_empty());
        let said = code.to_string();
        assert!(
            said.chars()
                .next()
                .is_some_and(|c| c.is_uppercase() || c == '\''),
            "{said}"
        );
        assert!(!said.contains("FAKE"), "{said}");
        reached.insert(number(code));
    };
    let all = of_keys()
        .into_iter()
        .chain(of_imports())
        .chain(of_the_rest());
    for (command, expected, param) in all {
        let refused = desk().refused(&command);
        assert_eq!(refused, expected, "{command:?}");
        check(&refused, param);
    }
    for (code, param) in of_the_world() {
        check(&code, param);
    }
    let missing: Vec<usize> = (0..ALL)
        .filter(|number| !reached.contains(number))
        .collect();
    assert_eq!(missing, [] as [usize; 0]);
}

#[test]
fn a_digest_of_a_value_says_nothing_of_it() {
    let value = ImportedValue::read(&Profile::stripe(), "sk_test_FAKE-alice-0001", None, None);
    assert!(!format!("{value:?}").contains("alice"));
    assert_eq!(value.digest(), KeyDigest::of(b"sk_test_FAKE-alice-0001"));
}
