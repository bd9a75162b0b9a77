//! Tests of the forest, of paths through it, and of malformed rows.

use super::*;
use crate::rows::{Lists, Rows};

fn prefixes() -> IdPrefixes {
    IdPrefixes {
        account: "acct_".into(),
        organization: "org_".into(),
    }
}

fn account<'a>(id: &'a str, parent: impl Into<Option<&'a str>>) -> ListedAccount<'a> {
    ListedAccount {
        id,
        kind: prefixes().kind(id).unwrap(),
        children: Children::Listed,
        status: AccountStatus::Active,
        parent: parent.into(),
    }
}

fn demo() -> AccountForest {
    let forest = AccountForest::new(&[
        account("acct_leaf", "acct_mid"),
        account("org_1", None),
        account("acct_mid", "org_1"),
        ListedAccount {
            status: AccountStatus::Suspended,
            ..account("acct_closed", "acct_mid")
        },
        account("acct_below", "acct_closed"),
        ListedAccount {
            children: Children::Any,
            ..account("acct_open", "org_1")
        },
    ])
    .unwrap();
    assert_eq!(forest.check(&prefixes()), Ok(()));
    forest
}

#[track_caller]
fn assert_reaches(start: &str, path: &str, expected: bool) {
    let (forest, prefixes) = (demo(), prefixes());
    let path = AccountPath::parse(path, &prefixes).unwrap();
    assert_eq!(
        forest.reaches(forest.find(start).unwrap(), path, |id| id != "acct_refused"),
        expected
    );
}

#[track_caller]
fn assert_fault(listed: &[ListedAccount<'_>], place: usize, fault: ForestFault) {
    assert_eq!(AccountForest::new(listed).map(|_| ()), Err((place, fault)));
}

#[test]
fn every_step_is_an_edge() {
    assert_reaches("org_1", "acct_mid", true);
    assert_reaches("org_1", "acct_mid/acct_leaf", true);
    assert_reaches("org_1", "acct_leaf", false);
    assert_reaches("acct_mid", "acct_leaf", true);
    assert_reaches("acct_mid", "acct_mid", false);
    assert_reaches("acct_mid", "acct_unlisted", false);
}

#[test]
fn no_path_crosses_a_suspended_account() {
    assert_reaches("acct_mid", "acct_closed", false);
    assert_reaches("acct_mid", "acct_closed/acct_below", false);
}

#[test]
fn any_child_is_one_unlisted_step() {
    assert_reaches("acct_open", "acct_stranger", true);
    assert_reaches("acct_open", "acct_refused", false);
    assert_reaches("acct_open", "acct_leaf", false);
    assert_reaches("acct_open", "acct_stranger/acct_deeper", false);
    assert_reaches("org_1", "acct_open/acct_stranger", true);
}

#[test]
fn paths_are_spelled_exactly() {
    let long = format!("acct_{}", "a".repeat(60));
    let deep = ["acct_a"; 9].join("/");
    for text in [
        "",
        "acct_",
        "/acct_a",
        "acct_a/",
        "acct_a//acct_b",
        " acct_a",
        "acct_a/ acct_b",
        "Acct_a",
        "org_1",
        "acct_a.b",
        "acct_%61",
        &long,
        &deep,
    ] {
        assert_eq!(AccountPath::parse(text, &prefixes()), None, "`{text}`");
    }
    assert!(AccountPath::parse(&["acct_a"; 8].join("/"), &prefixes()).is_some());
}

#[test]
fn faults_name_their_place() {
    assert_fault(
        &[account("acct_a", None), account("acct_a", None)],
        1,
        ForestFault::DuplicateId,
    );
    assert_fault(
        &[account("acct_a", "acct_b")],
        0,
        ForestFault::DanglingParent,
    );
    assert_fault(&[account("acct_a", "acct_a")], 0, ForestFault::Cycle);
    assert_fault(
        &[
            account("acct_z", None),
            account("acct_a", "acct_b"),
            account("acct_b", "acct_a"),
        ],
        1,
        ForestFault::Cycle,
    );
    assert_fault(
        &[account("acct_a", None), account("org_1", "acct_a")],
        1,
        ForestFault::OrganizationWithParent,
    );
}

#[test]
fn accounts_are_what_was_listed() {
    let forest = demo();
    let account = |id| forest.account(forest.find(id).unwrap()).unwrap();
    assert_eq!(forest.len(), 6);
    assert_eq!(account("org_1").kind(), IdKind::Organization);
    assert_eq!(account("acct_mid").kind(), IdKind::Account);
    assert!(account("org_1").is_root());
    assert_eq!(account("acct_leaf").parent(), forest.find("acct_mid"));
    assert!(account("acct_closed").is_suspended() && !account("acct_leaf").is_suspended());
    let platforms = ["org_1", "acct_mid", "acct_closed", "acct_open"];
    for one in forest.iter() {
        assert_eq!(one.is_platform(), platforms.contains(&one.id()));
        let root = forest.root(forest.find(one.id()).unwrap()).unwrap();
        assert_eq!(root.id(), "org_1");
    }
}

/// Builds rows of accounts without children, applies `change`, and asserts the fault.
#[track_caller]
fn assert_row_fault(ids: &[&str], change: impl Fn(&mut Vec<u8>), expected: (usize, RowFault)) {
    let ids = Lists::collect(ids.iter().map(|id| id.as_bytes())).unwrap();
    let mut rows = [0xff, 0xff, 0xff, 0xff, 0].repeat(ids.len());
    change(&mut rows);
    let forest = AccountForest::from_rows(ids, Rows::from_bytes(ACCOUNT_ROW, &rows));
    assert_eq!(forest.check(&prefixes()), Err(expected));
    // Look-ups end, whatever the rows contain.
    for index in (0..4).map(AccountIndex) {
        let _ = forest.root(index);
        let path = AccountPath::parse("acct_a/acct_b", &prefixes()).unwrap();
        let _ = forest.reaches(index, path, |_| true);
    }
}

#[test]
fn rows_that_are_no_forest_are_refused() {
    let forest = RowFault::Forest;
    let two = ["acct_a", "acct_b"];
    let same = ["acct_a", "acct_a"];
    assert_row_fault(&same, |_| {}, (1, forest(ForestFault::DuplicateId)));
    assert_row_fault(&["acct_b", "acct_a"], |_| {}, (1, RowFault::Order));
    assert_row_fault(&["acct_a", "cus_b"], |_| {}, (1, RowFault::Id));
    assert_row_fault(&two, |rows| rows[9] = 1, (1, RowFault::Id));
    assert_row_fault(&["org_a"], |_| {}, (0, RowFault::Id));
    assert_row_fault(&two, |rows| rows[9] = 16, (1, RowFault::Flags));
    assert_row_fault(&two, |rows| rows[4] = 8, (0, RowFault::Flags));
    let parent = |row: usize, parent: u8| {
        move |rows: &mut Vec<u8>| rows[row * 5..][..4].copy_from_slice(&[parent, 0, 0, 0])
    };
    assert_row_fault(&two, parent(1, 0), (0, RowFault::Flags));
    assert_row_fault(&two, parent(1, 2), (1, forest(ForestFault::DanglingParent)));
    assert_row_fault(&two, parent(1, 1), (1, forest(ForestFault::Cycle)));
    let both = |rows: &mut Vec<u8>| {
        parent(0, 1)(rows);
        parent(1, 0)(rows);
    };
    assert_row_fault(&two, both, (0, forest(ForestFault::Cycle)));
    let organization = |rows: &mut Vec<u8>| {
        rows[9] = 1;
        parent(1, 0)(rows);
    };
    assert_row_fault(
        &["acct_a", "org_b"],
        organization,
        (1, forest(ForestFault::OrganizationWithParent)),
    );
    assert_row_fault(&two, |rows| rows.truncate(9), (0, RowFault::Id));
}
