//! Every rejection is reached, with its code and the member at fault.

mod keys;
mod rest;
mod world;

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

/// Numbers each variant. A new one does not compile until it has a number, and must then be reached
/// below.
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

/// The number of variants.
const ALL: usize = 68;

/// Returns a store with a key of each kind, and some that have ended or were replaced.
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
        keep_from: None,
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
    let all = keys::of_keys()
        .into_iter()
        .chain(rest::of_imports())
        .chain(rest::of_the_rest());
    for (command, expected, param) in all {
        let refused = desk().refused(&command);
        assert_eq!(refused, expected, "{command:?}");
        check(&refused, param);
    }
    for (code, param) in world::of_the_world() {
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
