use keyward::key::Livemode;

use super::*;
use crate::store::database_in;
use crate::store::tests::records::Records;

fn findings(records: &Records) -> Vec<String> {
    let found = records.read(|reader| reader.check());
    found.iter().map(Finding::to_string).collect()
}

fn store() -> Records {
    let mut records = Records::new();
    records.account("org_1", None);
    records.account("acct_1", Some("org_1"));
    records.key("acct_1", Livemode::Live, "one");
    records.key("acct_1", Livemode::Test, "two");
    records
}

#[test]
fn a_store_that_was_used_as_it_should_be_has_no_findings() {
    assert_eq!(findings(&store()), [""; 0]);
}

#[test]
fn what_somebody_did_with_another_program_is_found() {
    for (sql, expected) in [
        (
            "UPDATE accounts SET root = 'acct_1' WHERE id = 'acct_1'",
            "accounts `acct_1`: its root is not that of the account above it",
        ),
        (
            "UPDATE keys SET root = 'acct_9' WHERE name = 'one'",
            ": its root is not that of its owner",
        ),
        (
            "UPDATE counters SET n = n + 1 WHERE livemode = 1",
            "counters `acct_1`: they are not as many as there are keys",
        ),
        (
            "DELETE FROM key_labels",
            ": it has labels that are not in the index, or the other way round",
        ),
        (
            "DELETE FROM key_words",
            ": it has a name or labels, and no words in the index",
        ),
        (
            "UPDATE keys SET changed = 99",
            ": its number is above the store's",
        ),
        (
            "INSERT INTO ended_digests SELECT sha256, 1 FROM keys",
            ": a key of its digest has ended for ever",
        ),
        (
            "UPDATE grants SET permissions = '{\"charge\":\"read\"}'",
            "grants 1: its digest is not that of its permissions",
        ),
        (
            "UPDATE head SET seq = 2",
            "activity: row 4: the store's head says otherwise",
        ),
        (
            "PRAGMA foreign_keys = OFF; UPDATE keys SET replaces = 'mk_gone' WHERE name = 'one'",
            "keys: a row names one of `keys` that is not there",
        ),
        (
            "UPDATE keys SET owner = 'org_1', root = 'org_1', kind = 3; DELETE FROM counters;
             INSERT INTO counters SELECT owner, kind, livemode, status, count(*) FROM keys GROUP BY 1, 2, 3, 4;
             UPDATE keys SET allowed_ips = '[\"everywhere\"]'",
            "snapshot: a gateway would not load it: ",
        ),
    ] {
        let records = store();
        let connection = rusqlite::Connection::open(database_in(&records.fixture.path())).unwrap();
        connection.execute_batch(sql).unwrap();
        let found = findings(&records);
        assert!(
            found.iter().any(|finding| finding.contains(expected)),
            "{sql}: {found:?}"
        );
    }
}
