//! Every row requires its permission at its level, and nothing else: a key with exactly that
//! passes, and the denial of a key with everything else names what it lacks.

use std::collections::BTreeSet;

use super::ask::Library;
use super::rows;
use crate::support::catalogue::walk::{asked, assert_sound};

#[test]
fn every_row_asks_for_its_permission_and_for_nothing_else() {
    let (keys, asked) = asked();
    let library = Library::new(&keys);
    assert!(asked.len() >= 650, "{} rows", asked.len());
    let mut ask = |method: &str, path: &str, key: &str| library.ask(method, path, key);
    let faults: Vec<String> = asked.iter().flat_map(|row| row.faults(&mut ask)).collect();
    assert_sound(&faults);
}

#[test]
fn every_operation_of_the_sdk_is_walked() {
    let rows: BTreeSet<(String, String)> = rows()
        .into_iter()
        .map(|row| (row.method, row.path))
        .collect();
    let operations = super::table("operations.tsv");
    assert!(operations.len() >= 650, "{} operations", operations.len());
    for operation in operations {
        let operation = (operation[0].clone(), operation[1].clone());
        assert!(rows.contains(&operation), "{operation:?}");
    }
}
