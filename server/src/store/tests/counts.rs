//! The number of keys, and the policies that limit it.

use keyward::key::Livemode;
use keyward::management::{Command, KeyTarget, Needs, Patch, Policy, UpdateAccount};

use super::records::Records;
use super::*;

#[test]
fn counters_follow_every_change() {
    let mut records = Records::new();
    records.account("acct_1", None);
    let counts = |records: &Records| {
        let counts = records.read(|reader| reader.counts(&Scope::owner("acct_1")));
        let counts = counts.iter();
        counts
            .map(|count| {
                (
                    count.status == keyward::snapshot::KeyStatus::Deleted,
                    count.keys,
                )
            })
            .collect::<Vec<_>>()
    };
    let one = records.key("acct_1", Livemode::Live, "one");
    records.key("acct_1", Livemode::Live, "two");
    assert_eq!(counts(&records), [(false, 2)]);
    records.done(Command::DeleteKey(KeyTarget { id: one.clone() }));
    assert_eq!(counts(&records), [(false, 1), (true, 1)]);
    records.done(Command::PurgeKey(KeyTarget { id: one }));
    assert_eq!(counts(&records), [(false, 1)]);
    records.done(Command::RemoveAccount {
        id: "acct_1".to_owned(),
        with_keys: true,
    });
    assert!(counts(&records).is_empty());
}

#[test]
fn a_policy_holds_for_its_account_and_all_below() {
    let mut records = Records::new();
    let policy = Policy {
        max_keys: Some(7),
        ..Policy::default()
    };
    records.done(Command::PutPolicy {
        name: "partners".to_owned(),
        policy: Box::new(policy.clone()),
    });
    records.account("org_1", None);
    records.account("acct_1", Some("org_1"));
    let policy_for = |records: &Records| {
        let found = records.read(|reader| reader.policy_for("acct_1"));
        found.map(|named| (named.name, named.policy))
    };
    assert_eq!(policy_for(&records), None);
    records.done(Command::UpdateAccount(UpdateAccount {
        policy: Patch::Set("partners".to_owned()),
        ..UpdateAccount::of("org_1")
    }));
    assert_eq!(policy_for(&records), Some(("partners".to_owned(), policy)));
}

#[test]
fn keys_are_counted_where_a_policy_limits_their_number() {
    let mut records = Records::new();
    records.account("acct_1", None);
    let policy = Policy {
        max_keys: Some(3),
        ..Policy::default()
    };
    records.done(Command::PutPolicy {
        name: "default".to_owned(),
        policy: Box::new(policy),
    });
    records.key("acct_1", Livemode::Live, "one");
    let two = records.key("acct_1", Livemode::Live, "two");
    records.key("acct_1", Livemode::Test, "three");
    records.done(Command::DeleteKey(KeyTarget { id: two }));
    let needs = Needs {
        accounts: vec!["acct_1".to_owned()],
        ..Needs::default()
    };
    let counts = wait(records.fixture.store.write(move |tx| {
        let facts = tx.facts(&Scope::everything(), &needs, NOW)?;
        Ok::<_, StoreError>(
            facts
                .account("acct_1")
                .map(|fact| (fact.keys.live, fact.keys.test)),
        )
    }));
    assert_eq!(counts, Ok(Some((1, 1))));
}
