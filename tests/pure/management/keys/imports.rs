//! Imports of existing keys.

use keyward::key::{KeyKind, Livemode};
use keyward::management::{Command, Details, ImportKey, ImportedValue, NewGrants};
use keyward::profile::Profile;

use super::super::Desk;

#[test]
fn a_prefix_tells_kind_and_mode() {
    for (value, kind, mode, owner) in [
        (
            "sk_test_FAKE-alice-0001",
            KeyKind::Secret,
            Livemode::Test,
            "acct_1",
        ),
        (
            "rk_live_FAKE-alice-0001",
            KeyKind::Restricted,
            Livemode::Live,
            "acct_1",
        ),
        (
            "pk_live_FAKE-alice-0001",
            KeyKind::Publishable,
            Livemode::Live,
            "acct_1",
        ),
        (
            "sk_org_live_FAKE-alice",
            KeyKind::Organization,
            Livemode::Live,
            "org_1",
        ),
    ] {
        let mut desk = Desk::new();
        let import = import(value, owner);
        let decision = desk.good(&Command::ImportKey(import));
        let key = desk.key(decision.key().unwrap());
        assert_eq!((key.kind, key.mode), (kind, mode));
        let is_public = kind == KeyKind::Publishable;
        assert_eq!(key.value.as_deref(), is_public.then_some(value));
        assert_eq!(
            decision.notes().is_empty(),
            is_public,
            "the others can be guessed"
        );
    }
}

#[test]
fn only_a_long_and_mixed_key_is_hard_to_guess() {
    for (value, is_good) in [
        ("sk_live_FAKE-as-long-as-it-must0", true),
        ("sk_live_FAKE-as-long-as-it-must", false),
        ("sk_live_************************************hVXR", false),
        (
            concat!("sk_live_", "xxxxxxxxxxxxxxxx", "xxxxxxxxxxxxxxxx"),
            false,
        ),
    ] {
        let import = ImportKey {
            allow_short: false,
            ..import(value, "acct_1")
        };
        let decided = Desk::new().run(&Command::ImportKey(import));
        assert_eq!(decided.is_ok(), is_good, "{value}");
    }
}

pub(in super::super) fn import(value: &str, owner: &str) -> ImportKey {
    ImportKey {
        owner: owner.to_owned(),
        value: ImportedValue::read(&Profile::stripe(), value, None, None),
        id: None,
        allow_short: true,
        grants: NewGrants::default(),
        connect_grants: NewGrants::default(),
        details: Details::default(),
        created: None,
    }
}
