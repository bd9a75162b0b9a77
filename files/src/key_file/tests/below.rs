//! Tables that belong to a record.

use super::*;

#[test]
fn tables_of_a_key_stand_below_it() {
    let apart = format!("{FILE}\n[grant_sets.other]\n[keys.labels]\na = \"b\"\n");
    assert_faults(
        &apart,
        &[
            "keys.toml:48: expected this table below the `[[accounts]]` or `[[keys]]` that it belongs to",
        ],
    );
    let below = format!("{FILE}\n[keys.labels]\na = \"b\"\n");
    assert_eq!(read(&below).unwrap().key("mk_2").unwrap().labels.len(), 1);
    assert_faults(
        &FILE
            .replace("[[keys]]", "[keys]")
            .replacen("mk_2", "mk_3", 1),
        &["keys.toml:40: expected TOML"],
    );
}
