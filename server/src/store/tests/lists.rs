//! Lists of keys: pages, filters, and how fast they are found.

use keyward::key::Livemode;
use keyward::management::{Command, KeyTarget, UpdateAccount};
use keyward::permission::AccessLevel;

use super::records::Records;
use super::*;
use crate::store::lists::{From as Begin, KeyFilter, KeyState, Page};

#[test]
fn pages_lead_both_ways_and_are_not_moved_by_new_keys() {
    let mut records = Records::new();
    records.account("acct_1", None);
    let ids: Vec<String> = (0..5)
        .map(|number| records.key("acct_1", Livemode::Live, &format!("key {number}")))
        .collect();
    let page = |records: &Records, from: Begin| {
        let page = Page { from, limit: 2 };
        let listed = records
            .read(move |reader| reader.keys(&Scope::everything(), &KeyFilter::default(), page));
        let last = listed.records.last().unwrap().sequence;
        let first = listed.records.first().unwrap().sequence;
        let ids: Vec<String> = listed
            .records
            .into_iter()
            .map(|stored| stored.key.id)
            .collect();
        (ids, listed.has_newer, listed.has_older, first, last)
    };
    let (first, newer, older, _, last) = page(&records, Begin::Newest);
    assert_eq!(
        (first, newer, older),
        (vec![ids[4].clone(), ids[3].clone()], false, true)
    );
    records.key("acct_1", Livemode::Live, "later");
    let (second, newer, older, top, last) = page(&records, Begin::OlderThan(last));
    assert_eq!(
        (second, newer, older),
        (vec![ids[2].clone(), ids[1].clone()], true, true)
    );
    let (third, _, older, ..) = page(&records, Begin::OlderThan(last));
    assert_eq!((third, older), (vec![ids[0].clone()], false));
    let (back, newer, older, ..) = page(&records, Begin::NewerThan(top));
    assert_eq!(
        (back, newer, older),
        (vec![ids[4].clone(), ids[3].clone()], true, true)
    );
}

/// The keys that an index finds, page by page in both directions, are those that a look at every
/// key finds.
#[test]
fn pages_by_an_index_hold_all_that_a_filter_leaves() {
    let mut records = Records::new();
    records.account("acct_1", None);
    records.account("acct_2", None);
    for number in 0..24 {
        let mode = Livemode::from(number % 3 == 0);
        let owner = if number % 4 == 0 { "acct_1" } else { "acct_2" };
        let name = ["billing run", "Billing desk", "support"][number % 3];
        let id = records.key(owner, mode, &format!("{name} {number}"));
        if number % 5 == 0 {
            records.done(Command::DeleteKey(KeyTarget { id }));
        }
    }
    let label = |value: Option<&str>| Some(("team".to_owned(), value.map(str::to_owned)));
    let mut checked = 0;
    for query in [
        None,
        Some("bill"),
        Some("desk 1"),
        Some("mk_"),
        Some("none"),
    ] {
        for label in [
            None,
            label(Some("billing")),
            label(None),
            label(Some("sales")),
        ] {
            for states in [None, Some((vec![KeyState::Active], NOW))] {
                for scope in [
                    Scope::everything(),
                    Scope::owner("acct_1"),
                    Scope::tree("acct_2").test_only(),
                ] {
                    let filter = KeyFilter {
                        query: query.map(str::to_owned),
                        label: label.clone(),
                        states: states.clone(),
                        ..KeyFilter::default()
                    };
                    checked += same_by_pages(&records, &scope, &filter);
                }
            }
        }
    }
    assert!(checked > 300, "{checked} keys");
}

/// Returns the number of keys.
fn same_by_pages(records: &Records, scope: &Scope, filter: &KeyFilter) -> usize {
    let (wide, all_of) = (scope.clone(), filter.clone());
    let mut expected = records.read(move |reader| {
        let mut all = Vec::new();
        reader.each_key(&wide, &all_of, |stored| {
            all.push(stored.sequence);
            Ok(())
        })?;
        Ok(all)
    });
    expected.reverse();
    let page = |from: Begin| {
        let (scope, filter) = (scope.clone(), filter.clone());
        let page = Page { from, limit: 3 };
        records.read(move |reader| reader.keys(&scope, &filter, page))
    };
    let (mut down, mut from) = (Vec::new(), Begin::Newest);
    loop {
        let listed = page(from);
        down.extend(listed.records.iter().map(|stored| stored.sequence));
        let Some(last) = listed.records.last().filter(|_| listed.has_older) else {
            break;
        };
        from = Begin::OlderThan(last.sequence);
    }
    assert_eq!(down, expected, "{filter:?}");
    let (mut up, mut from) = (Vec::new(), Begin::NewerThan(0));
    loop {
        let listed = page(from);
        let mut found: Vec<u64> = listed.records.iter().map(|one| one.sequence).collect();
        let first = found.first().copied();
        found.reverse();
        up.extend(found);
        let Some(first) = first.filter(|_| listed.has_newer) else {
            break;
        };
        from = Begin::NewerThan(first);
    }
    up.reverse();
    assert_eq!(up, expected, "{filter:?}, upwards");
    expected.len()
}

#[test]
fn filters_find_what_they_say() {
    let mut records = Records::new();
    records.account("acct_1", None);
    let support = records.key("acct_1", Livemode::Live, "Support desk");
    let billing = records.key("acct_1", Livemode::Test, "Billing run");
    records.done(Command::DeleteKey(KeyTarget {
        id: billing.clone(),
    }));
    let found = |filter: KeyFilter| records.listed(&Scope::everything(), filter);
    let query = |text: &str| {
        found(KeyFilter {
            query: Some(text.to_owned()),
            ..KeyFilter::default()
        })
    };
    assert_eq!(query("desk"), std::slice::from_ref(&support));
    assert_eq!(query("SUPP"), std::slice::from_ref(&support));
    assert_eq!(query("support de"), std::slice::from_ref(&support));
    assert_eq!(
        query("bill"),
        [billing.clone(), support.clone()],
        "the label selects them"
    );
    assert_eq!(
        query(billing.get(..8).unwrap()),
        std::slice::from_ref(&billing)
    );
    assert!(query("desk\" OR name:*").is_empty());
    assert!(query("esk").is_empty(), "the middle of a word");
    let end = support.clone();
    let end = records
        .read(move |reader| reader.key(&Scope::everything(), &end))
        .unwrap()
        .key
        .last4
        .unwrap();
    assert_eq!(query(&end), std::slice::from_ref(&support));
    let states = |states: &[KeyState]| {
        found(KeyFilter {
            states: Some((states.to_vec(), NOW)),
            ..KeyFilter::default()
        })
    };
    assert_eq!(states(&[KeyState::Active]), std::slice::from_ref(&support));
    assert_eq!(states(&[KeyState::Deleted]), std::slice::from_ref(&billing));
    assert_eq!(states(&[KeyState::Active, KeyState::Deleted]).len(), 2);
    assert!(states(&[KeyState::Expired, KeyState::Inactive]).is_empty());
    let label = |value: Option<&str>| {
        found(KeyFilter {
            label: Some(("team".to_owned(), value.map(str::to_owned))),
            ..KeyFilter::default()
        })
    };
    assert_eq!(label(Some("billing")).len(), 2);
    assert_eq!(label(None).len(), 2);
    assert!(label(Some("sales")).is_empty());
    let holds = |name: &str, level: AccessLevel| {
        found(KeyFilter {
            owner: Some("acct_1".to_owned()),
            has_permission: Some((name.to_owned(), level)),
            ..KeyFilter::default()
        })
    };
    assert_eq!(holds("charge", AccessLevel::Read).len(), 2);
    assert_eq!(holds("charge", AccessLevel::Write).len(), 2);
    assert!(holds("customer", AccessLevel::Read).is_empty());
    let created = |before: Option<u64>, after: Option<u64>| {
        found(KeyFilter {
            created_before: before,
            created_after: after,
            ..KeyFilter::default()
        })
    };
    assert_eq!(created(Some(NOW + 1), Some(NOW - 1)).len(), 2);
    assert!(created(Some(NOW), None).is_empty());
    records.done(Command::UpdateAccount(UpdateAccount {
        status: Some(keyward::account::AccountStatus::Suspended),
        ..UpdateAccount::of("acct_1")
    }));
    assert_eq!(
        records.listed(
            &Scope::everything(),
            KeyFilter {
                states: Some((vec![KeyState::Suspended], NOW)),
                ..KeyFilter::default()
            }
        ),
        [support]
    );
}

#[test]
fn statements_on_keys_use_an_index() {
    let records = Records::new();
    for (sql, index) in [
        (
            "SELECT livemode, count(*) FROM keys WHERE owner = 'a' AND status = 0
             AND (expires IS NULL OR expires > 7) GROUP BY livemode",
            "keys_in_use",
        ),
        (
            "SELECT * FROM keys AS k WHERE owner = 'a' ORDER BY k.seq DESC LIMIT 2",
            "keys_of_owner",
        ),
        (
            "SELECT * FROM keys AS k WHERE root = 'a' ORDER BY k.seq DESC LIMIT 2",
            "keys_of_root",
        ),
        (
            "SELECT * FROM keys AS k WHERE k.created_by = 'a' ORDER BY k.seq DESC LIMIT 2",
            "keys_by_maker",
        ),
        (
            "SELECT id FROM accounts WHERE parent = 'a' ORDER BY seq LIMIT 1",
            "accounts_of_parent",
        ),
        (
            "SELECT key FROM idempotency WHERE principal = 'a' AND at <= 7",
            "idempotency_by_age",
        ),
    ] {
        let plan = records.read(move |reader| {
            let plan = format!("EXPLAIN QUERY PLAN {sql}");
            let mut statement = reader.connection().prepare(&plan)?;
            let lines = statement.query_map([], |row| row.get::<_, String>(3))?;
            Ok(lines.collect::<rusqlite::Result<Vec<_>>>()?.join("; "))
        });
        assert!(plan.contains(index), "{sql}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    }
}
