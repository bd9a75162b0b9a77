//! Who may hand out permissions that manage keys, and who may end such keys.

use keyward::account::AccountStatus;
use keyward::key::KeyKind;
use keyward::management::{
    Caller, Ceiling, Command, CreateKey, EditKey, Grant, Override, Patch, UpdateAccount,
};

use super::super::{NOW, create, delete, edit, expire, following, granted, purge, read, write};
use super::{caller, desk, duplicated, granting, name, new, rotated};

#[test]
fn keys_that_manage_keys_take_a_permission_of_their_own() {
    let mut desk = desk(&["api_key", "key_policy"]);
    desk.ceiling = Ceiling::none();
    desk.make("mk_admin", KeyKind::Restricted, &[write("api_key")]);
    let admins = Command::PutGrantSet {
        name: "admins".to_owned(),
        grants: vec![read("account")],
    };
    desk.good(&admins);
    let set = Command::CreateKey(CreateKey {
        grants: following("admins"),
        ..create("acct_1")
    });
    let connected = Command::CreateKey(CreateKey {
        connect_grants: granted(&[read("api_key")]),
        ..create("acct_1")
    });
    let ways = [
        new(&[read("api_key")]),
        new(&[read("rak_api_key")]),
        set,
        connected,
        granting("mk_1", &[read("snapshot")]),
        granting("mk_admin", &[Grant::new("api_key", None)]),
        rotated("mk_admin"),
        duplicated("mk_admin"),
        expire("mk_admin", Some(NOW)),
        delete("mk_admin"),
        purge("mk_admin"),
        Command::EditKey(EditKey {
            name: Patch::Set("x".to_owned()),
            ..edit("mk_admin")
        }),
        Command::RemoveAccount {
            id: "acct_1".to_owned(),
            with_keys: true,
        },
        Command::UpdateAccount(UpdateAccount {
            status: Some(AccountStatus::Suspended),
            ..UpdateAccount::of("acct_1")
        }),
        Command::PutGrantSet {
            name: "support".to_owned(),
            grants: vec![read("gateway")],
        },
        Command::PutGrantSet {
            name: "admins".to_owned(),
            grants: Vec::new(),
        },
    ];
    desk.ceiling = Ceiling::of(caller(&["api_key", "key_policy"]));
    for way in &ways {
        assert_eq!(name(desk.refused(way)), "management_key_refused", "{way:?}");
    }
    let before = desk.records.clone();
    desk.ceiling = Ceiling::of(Caller {
        passes_policy: Override::Because("a test".to_owned()),
        ..caller(&["management_api_key", "key_policy"])
    });
    for way in &ways {
        desk.records = before.clone();
        desk.good(way);
    }
}

#[test]
fn an_account_whose_keys_manage_nothing_is_suspended_and_any_is_resumed() {
    let mut desk = desk(&["account"]);
    let with = |status| {
        Command::UpdateAccount(UpdateAccount {
            status: Some(status),
            ..UpdateAccount::of("acct_1")
        })
    };
    desk.good(&with(AccountStatus::Suspended));
    desk.make_unbounded("mk_admin", &[write("api_key")]);
    desk.good(&with(AccountStatus::Active));
    let refused = desk.refused(&with(AccountStatus::Suspended));
    assert_eq!(name(refused), "management_key_refused");
    desk.make_unbounded("mk_other", &[]);
    let ceiling = std::mem::replace(&mut desk.ceiling, Ceiling::none());
    desk.good(&delete("mk_admin"));
    desk.ceiling = ceiling;
    desk.good(&with(AccountStatus::Suspended));
}
