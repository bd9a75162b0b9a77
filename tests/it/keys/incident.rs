//! What `docs/incident.md` promises: whose key a leaked value is, and the end of many at once.

use std::fs;
use std::path::Path;

use super::Desk;

#[test]
fn a_leaked_value_is_found_and_not_repeated() {
    let desk = Desk::new("find");
    let create = [
        "keys",
        "create",
        "--owner",
        "acct_1",
        "--grant",
        "customer=read",
    ];
    let (id, value) = desk.made(&create);
    let said = desk.run_with(&["keys", "find", "--key-stdin"], &format!("{value}\n"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    for expected in [
        id.as_str(),
        "a restricted key of acct_1 in test mode; it works from everywhere, permissions: 1",
        &format!("keyward keys delete {id} --yes"),
        "keyward push",
    ] {
        assert!(said.out.contains(expected), "{expected}: {}", said.out);
    }
    desk.good(&["keys", "delete", &id, "--yes"]);
    let said = desk.run_with(&["keys", "find", "--key-stdin"], &value);
    assert!(
        said.out.contains("it does not work now: deleted"),
        "{}",
        said.out
    );

    let stranger = format!("{}x", &value[..106]);
    let said = desk.refused_with(1, &["keys", "find", "--key-stdin"], &stranger);
    assert!(
        said.contains("no key of this file has this value"),
        "{said}"
    );
    desk.assert_kept_nowhere(&[]);
}

#[test]
fn keys_are_revoked_in_bulk_after_a_preview() {
    let desk = Desk::new("revoke");
    let create = ["keys", "create", "--owner", "acct_1"];
    let (one, _) = desk.made(&create);
    let (two, _) = desk.made(&[&create[..], &["--mode", "live"]].concat());
    let (other, _) = desk.made(&["keys", "create", "--owner", "org_1"]);
    let filter = [
        "keys",
        "revoke",
        "--owner",
        "acct_1",
        "--kind",
        "restricted",
    ];

    let before = desk.folder.text();
    let preview = desk.run(&[&filter[..], &["--dry-run"]].concat());
    assert_eq!((preview.code, preview.out.as_str()), (Some(0), ""));
    assert!(
        preview.err.contains("2 would be deleted"),
        "{}",
        preview.err
    );
    assert!(preview.err.contains(&one) && !preview.err.contains(&other));
    assert_eq!(desk.folder.text(), before);

    let unasked = desk.refused(2, &filter);
    assert!(unasked.contains("give --yes"), "{unasked}");

    let done = desk.json(&[&filter[..], &["--yes"]].concat());
    assert_eq!(done["keys"], serde_json::json!([one, two]));
    let left = desk.json(&["keys", "list", "--kind", "restricted"]);
    assert_eq!(left, serde_json::json!([]));
    let journal = desk.folder.journal();
    let begun = &journal[journal.len() - 2];
    assert_eq!(begun["command"], "keys revoke");
    assert_eq!(begun["changes"].as_array().unwrap().len(), 2);

    let none = desk.run(&[&filter[..], &["--yes"]].concat());
    assert_eq!(none.code, Some(1), "{}", none.err);
}

#[test]
fn revoking_leaves_public_keys_and_says_so() {
    let desk = Desk::new("revoke-public");
    let said = desk.run(&["keys", "revoke", "--owner", "acct_1", "--yes"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(
        said.err
            .contains("publishable keys are public and cannot be deleted"),
        "{}",
        said.err
    );
    let left = desk.json(&["keys", "list"]);
    let kinds: Vec<&str> = left
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["publishable", "publishable"]);
}

#[test]
fn nothing_is_revoked_without_a_filter_or_for_an_owner_who_is_not_there() {
    let desk = Desk::new("revoke-refused");
    let said = desk.refused(2, &["keys", "revoke", "--yes"]);
    assert!(said.contains("--created-before"), "{said}");
    let said = desk.refused(4, &["keys", "revoke", "--owner", "acct_2", "--yes"]);
    assert!(said.contains("did you mean `acct_1`?"), "{said}");
}

/// Every command on the page is one that there is.
#[test]
fn the_page_on_incidents_names_commands_as_they_are() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/incident.md");
    let page = fs::read_to_string(page).unwrap();
    let desk = Desk::new("incident-page");
    let commands: Vec<&str> = page
        .lines()
        .filter_map(|line| line.trim().strip_prefix("keyward "))
        .collect();
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        let command = command.split(" #").next().unwrap();
        let words: Vec<&str> = command
            .split_whitespace()
            .take_while(|word| *word != "<")
            .collect();
        let names: Vec<&str> = words
            .iter()
            .copied()
            .filter(|word| !word.starts_with('-'))
            .collect();
        let count = if ["keys", "accounts", "snapshot"].contains(&names[0]) {
            2
        } else {
            1
        };
        let help = desk.good(&[&names[..count], &["--help"]].concat());
        for option in words.iter().filter(|word| word.starts_with("--")) {
            let option = option.split('=').next().unwrap();
            assert!(help.contains(option), "`{option}` of `keyward {command}`");
        }
    }
}
