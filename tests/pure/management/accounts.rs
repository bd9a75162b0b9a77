//! The effects of commands on accounts, grant sets and policies.

use keyward::account::{AccountStatus, Children};
use keyward::key::KeyKind;
use keyward::management::{
    Command, GrantsChange, KeyGrants, Patch, Policy, RecordChange, RuleCode, UpdateAccount,
};
use keyward::permission::AccessLevel;

use super::{Desk, add_account, delete, edit, read};

fn remove(id: &str, with_keys: bool) -> Command {
    let id = id.to_owned();
    Command::RemoveAccount { id, with_keys }
}

#[test]
fn an_account_changes_and_moves() {
    let mut desk = Desk::new();
    desk.good(&Command::UpdateAccount(UpdateAccount {
        name: Patch::Set("Widgets".to_owned()),
        parent: Patch::Set("acct_2".to_owned()),
        children: Some(Children::Any),
        status: Some(AccountStatus::Suspended),
        reason: Patch::Set("unpaid".to_owned()),
        external_id: Patch::Set("e1".to_owned()),
        policy: Patch::Set("default".to_owned()),
        ..UpdateAccount::of("acct_1")
    }));
    let (account, settings) = desk.records.accounts["acct_1"].clone();
    assert_eq!(account.parent.as_deref(), Some("acct_2"));
    assert!(account.is_suspended());
    assert_eq!(settings.suspended_reason.as_deref(), Some("unpaid"));
    let resume = UpdateAccount {
        status: Some(AccountStatus::Active),
        ..UpdateAccount::of("acct_1")
    };
    desk.good(&Command::UpdateAccount(resume.clone()));
    let (_, settings) = &desk.records.accounts["acct_1"];
    assert_eq!(settings.suspended_reason, None, "it is in use again");
    let decision = desk.good(&Command::UpdateAccount(resume));
    assert_eq!(decision.changes(), []);
}

#[test]
fn an_account_goes_with_its_deleted_keys_or_with_all() {
    let mut desk = Desk::new();
    desk.make("mk_1", KeyKind::Secret, &[]);
    let id = "acct_1".to_owned();
    let count = 1;
    assert_eq!(
        desk.refused(&remove("acct_1", false)),
        RuleCode::AccountHasKeys { id, count }
    );
    let before = desk.records.clone();
    desk.good(&remove("acct_1", true));
    assert!(desk.records.keys.is_empty() && !desk.records.accounts.contains_key("acct_1"));
    desk.records = before;
    desk.good(&delete("mk_1"));
    desk.good(&remove("acct_1", false));
    assert!(desk.records.keys.is_empty());
}

#[test]
fn an_account_with_accounts_below_stays() {
    let mut desk = Desk::new();
    let refused = desk.refused(&remove("org_1", true));
    let (id, child) = ("org_1".to_owned(), "acct_1".to_owned());
    assert_eq!(refused, RuleCode::AccountHasChildren { id, child });
}

#[test]
fn a_set_is_put_whole_and_removed_where_no_key_follows_it() {
    let mut desk = Desk::new();
    let put = |grants: Vec<_>| Command::PutGrantSet {
        name: "support".to_owned(),
        grants,
    };
    let decision = desk.good(&put(vec![read("rak_customer")]));
    let [RecordChange::PutGrantSet { before, after, .. }] = decision.changes() else {
        panic!("{:?}", decision.changes());
    };
    assert_eq!(before.as_ref().map(|before| before.len()), Some(2));
    assert_eq!(*after, [("customer".to_owned(), AccessLevel::Read)].into());
    assert_eq!(desk.good(&put(vec![read("customer")])).changes(), []);
    desk.make("mk_1", KeyKind::Restricted, &[]);
    let follow = |grants| {
        Command::EditKey(keyward::management::EditKey {
            grants,
            ..edit("mk_1")
        })
    };
    desk.good(&follow(GrantsChange::Edit {
        set: Some("support".to_owned()),
        grants: Vec::new(),
        revoked: Vec::new(),
    }));
    assert_eq!(
        desk.key("mk_1").grants,
        Some(KeyGrants::Set("support".to_owned()))
    );
    let remove = Command::RemoveGrantSet {
        name: "support".to_owned(),
    };
    let (name, user) = ("support".to_owned(), "mk_1".to_owned());
    let refused = desk.refused(&remove);
    assert_eq!(refused, RuleCode::GrantSetInUse { name, user });
    desk.good(&follow(GrantsChange::Replace(Vec::new())));
    desk.good(&remove);
}

#[test]
fn a_policy_is_kept_under_canonical_names() {
    let mut desk = Desk::new();
    let granted = |name: &str| Some([(name.to_owned(), AccessLevel::Write)].into());
    let put = |name: &str| Command::PutPolicy {
        name: "wide".to_owned(),
        policy: Box::new(Policy {
            permissions: granted(name),
            ..Policy::default()
        }),
    };
    desk.good(&put("topup"));
    let policy = &desk.records.policies["wide"];
    assert_eq!(policy.permissions, granted("top_up"));
    let refused = desk.refused(&put("custmer"));
    assert!(matches!(refused, RuleCode::PermissionUnknown { .. }));
    desk.good(&Command::UpdateAccount(UpdateAccount {
        policy: Patch::Set("wide".to_owned()),
        ..UpdateAccount::of("acct_1")
    }));
    let remove = |name: &str| Command::RemovePolicy {
        name: name.to_owned(),
    };
    for (name, accounts) in [("wide", 1), ("default", 0)] {
        let refused = desk.refused(&remove(name));
        let name = name.to_owned();
        assert_eq!(refused, RuleCode::PolicyInUse { name, accounts });
    }
    desk.good(&Command::UpdateAccount(UpdateAccount {
        policy: Patch::Clear,
        ..UpdateAccount::of("acct_1")
    }));
    desk.good(&remove("wide"));
}

#[test]
fn an_id_that_is_taken_is_told() {
    let mut desk = Desk::new();
    let id = "acct_1".to_owned();
    assert_eq!(
        desk.refused(&add_account("acct_1", None)),
        RuleCode::AccountExists { id }
    );
}
