//! What `docs/incident.md` promises: finding the owner of a leaked value, and ending many keys at
//! the same time.

use std::fs;

use super::Desk;
use crate::support::find::root;

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
    assert_eq!(preview.code, Some(0), "{}", preview.err);
    assert!(
        preview.err.contains("2 would be deleted"),
        "{}",
        preview.err
    );
    assert!(preview.out.contains(&one) && !preview.out.contains(&other));
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

/// Texts that people have when a key has leaked, with the real command.
#[test]
fn keys_are_found_in_whatever_text_they_leaked_in() {
    let desk = Desk::new("find-text");
    let create = ["keys", "create", "--owner", "acct_1", "--name", "Billing"];
    let (one, value) = desk.made(&create);
    let (two, other) = desk.made(&["keys", "create", "--owner", "acct_1", "--mode", "live"]);
    let find = ["keys", "find", "--key-stdin"];
    let basic = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(format!("{value}:"))
    };
    for text in [
        format!("  \"{value}\" \n"),
        format!("STRIPE_KEY='{value}'\n"),
        format!("Authorization: Bearer {value}\r\n"),
        format!("Authorization: Basic {basic}\r\n"),
        format!("curl https://{value}@api.example/v1/charges"),
        format!("GET /v1/charges?key={}", value.replace('_', "%5F")),
        format!("{{\"Raw\":\"{}\"}}", value.replace('_', "\\u005f")),
        format!("2026-11-20 12:00:00 INFO key={value}, user=7\n").repeat(1000),
    ] {
        let said = desk.run_with(&find, &text);
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert!(
            said.out.starts_with(&format!("{one}  Billing  active\n")),
            "{}",
            said.out
        );
    }
    let both = format!("{value} {other}");
    let said = desk.run_with(&[&find[..], &["--json"]].concat(), &both);
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["found"][0]["id"], one.as_str());
    assert_eq!(json["found"][1]["id"], two.as_str());
    assert_eq!(json["found"][1]["owner"], "acct_1");
    assert_eq!(json["unread"], serde_json::json!([]));
    desk.assert_kept_nowhere(&[]);
}

#[test]
fn a_masked_key_lists_the_keys_that_end_so() {
    let desk = Desk::new("find-masked");
    let create = [
        "keys",
        "create",
        "--owner",
        "acct_1",
        "--kind",
        "restricted",
    ];
    let (id, value) = desk.made(&create);
    let end = &value[value.len() - 4..];
    let find = ["keys", "find", "--key-stdin"];
    for text in [
        format!("rk_test_****{end}"),
        format!("rk_test_…{end}"),
        format!("****{end}"),
    ] {
        let said = desk.run_with(&find, &text);
        assert_eq!(said.code, Some(0), "{text}: {}", said.err);
        assert!(
            said.out.contains("may be:") && said.out.contains(&id),
            "{}",
            said.out
        );
    }
    // If keys were made before the file recorded their last characters, the command cannot find
    // them, and reports that.
    let path = desk.folder.file();
    let text = fs::read_to_string(&path).unwrap();
    let older: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("last4"))
        .collect();
    assert!(older.len() < text.lines().count());
    fs::write(&path, older.join("\n") + "\n").unwrap();
    let said = desk.refused_with(4, &find, &format!("rk_test_****{end}"));
    assert!(
        said.contains("whose `last4` the key file does not have"),
        "{said}"
    );
    assert!(said.contains("not all of the text could be read"), "{said}");
}

#[test]
fn a_text_that_could_not_be_read_is_not_called_clean() {
    let desk = Desk::new("find-unread");
    let (id, value) = desk.made(&["keys", "create", "--owner", "acct_1"]);
    let find = ["keys", "find", "--key-stdin"];
    for (text, expected) in [
        (
            value[..60].to_owned(),
            "shorter than a key that keyward makes",
        ),
        (
            format!("{}…", &value[..20]),
            "shorter than a key that keyward makes",
        ),
        ("key: sk_live_***".to_owned(), "masked to its end"),
        ("a\0b".to_owned(), "binary"),
        (" ".repeat((16 << 20) + 1), "longer than 16 MiB"),
    ] {
        let said = desk.refused_with(4, &find, &text);
        assert!(said.contains(expected), "{said}");
        assert!(said.contains("keys of this file may be in it"), "{said}");
        assert!(!said.contains("no key of this file"), "{said}");
    }
    // The command still reports its findings.
    let said = desk.run_with(&find, &format!("a\0b {value}"));
    assert_eq!(said.code, Some(4));
    assert!(said.out.starts_with(&id), "{}", said.out);
    let said = desk.refused_with(1, &find, "nothing of ours, and no sk_test_ either");
    assert!(
        said.contains("no key of this file is in the text"),
        "{said}"
    );
}

/// Every command on the page exists.
#[test]
fn the_page_on_incidents_names_commands_as_they_are() {
    let page = root().join("docs/incident.md");
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
