//! `keyward accounts` and `keyward init`.

use std::fs;

use keyward::digest::KeyDigest;
use keyward::key::{KeyKind, Livemode};
use serde_json::Value;

use super::{Folder, journal, read};

#[test]
fn an_account_starts_with_a_secret_and_a_publishable_key_per_mode() {
    let folder = Folder::new("first-keys");
    let json: Value = serde_json::from_str(
        &folder.good(&["accounts", "add", "acct_1", "--name", "Widgets", "--json"]),
    )
    .unwrap();
    let text = folder.text();
    let file = read(&text);
    assert_eq!(file.keys().count(), 4);
    for made in json["keys"].as_array().unwrap() {
        let value = made["value"].as_str().unwrap();
        assert_eq!(value.len(), 107);
        let key = file
            .key_of_digest(&KeyDigest::of(value.as_bytes()))
            .unwrap();
        assert_eq!(
            (key.owner.as_str(), key.created_by.as_deref()),
            ("acct_1", Some("ann@test"))
        );
        let is_public = key.kind == KeyKind::Publishable;
        assert_eq!(text.contains(value), is_public);
        let journal = fs::read_to_string(folder.path.join("keyward.toml.journal")).unwrap();
        assert!(!journal.contains(value) && !journal.contains(&key.digest.to_string()));
        let mode = if key.mode == Livemode::Live {
            "live"
        } else {
            "test"
        };
        let start = if is_public { "pk" } else { "sk" };
        assert!(value.starts_with(&format!("{start}_{mode}_")));
    }
    let line = &folder.journal()[2];
    assert_eq!(
        (&line["by"], &line["command"]),
        (&"ann@test".into(), &"accounts add".into())
    );
    assert_eq!(line["changes"].as_array().unwrap().len(), 5);
}

#[test]
fn the_tree_shows_accounts_with_keys_and_status() {
    let folder = Folder::new("tree");
    folder.good(&["accounts", "add", "org_1", "--name", "All"]);
    folder.good(&[
        "accounts", "add", "acct_1", "--parent", "org_1", "--name", "Widgets",
    ]);
    folder.good(&[
        "accounts",
        "add",
        "acct_2",
        "--parent",
        "acct_1",
        "--no-keys",
    ]);
    folder.good(&[
        "accounts",
        "add",
        "acct_3",
        "--parent",
        "org_1",
        "--no-keys",
        "--children",
        "any",
    ]);
    folder.good(&["accounts", "suspend", "acct_2"]);
    assert_eq!(
        folder.good(&["accounts", "tree"]),
        "org_1  All  no keys\n├── acct_1  Widgets  4 keys\n│   └── acct_2  no keys  suspended\n└── acct_3  no keys  any account below\n"
    );
    folder.good(&["accounts", "resume", "acct_2"]);
    folder.good(&["accounts", "move", "acct_2", "--root"]);
    let json: Value = serde_json::from_str(&folder.good(&["accounts", "tree", "--json"])).unwrap();
    assert_eq!(json[1]["id"], "acct_2");
    assert_eq!(json[1]["status"], "active");
    assert_eq!(json[0]["accounts"][0]["keys"], 4);
}

#[test]
fn an_account_in_use_is_removed_only_with_its_keys() {
    let folder = Folder::new("remove");
    folder.good(&["accounts", "add", "acct_1"]);
    let said = folder.refused(&["accounts", "remove", "acct_1"]);
    assert!(said.contains("`acct_1` has 4 keys in use"), "{said}");
    assert!(said.contains("keyward accounts suspend acct_1"), "{said}");
    folder.good(&["accounts", "remove", "acct_1", "--with-keys"]);
    assert_eq!(read(&folder.text()).keys().count(), 0);
}

#[test]
fn what_is_refused_changes_nothing_and_quotes_no_key() {
    let folder = Folder::new("refused");
    let before = folder.text();
    for arguments in [
        &["accounts", "add", "widgets"][..],
        &["accounts", "add", "acct_1", "--parent", "acct_9"],
        &["accounts", "add", "acct_1", "--name", "a\u{1b}[31mb"],
        &["accounts", "suspend", "acct_1"],
        &["init"],
    ] {
        let said = folder.refused(arguments);
        assert!(!said.contains("FAKE"), "{said}");
        assert_eq!(folder.text(), before, "{arguments:?}");
    }
    // A key is never accepted as an argument.
    let named = [
        "accounts",
        "add",
        "acct_1",
        "--name",
        "sk_live_FAKE-alice-0001",
    ];
    let output = folder.run(&named);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("FAKE"), "{said}");
    assert_eq!(folder.text(), before);
    let nowhere = Folder::empty("nowhere").refused(&["accounts", "tree"]);
    assert!(nowhere.contains("`keyward init` makes one"), "{nowhere}");
}

#[test]
fn a_folder_of_files_is_edited_file_by_file() {
    let folder = Folder::empty("folder");
    fs::create_dir(folder.path.join("keys.d")).unwrap();
    let keys = ["--keys", "keys.d"];
    let run = |arguments: &[&str]| folder.good(&[arguments, &keys].concat());
    run(&["accounts", "add", "org_1", "--file", "platform"]);
    run(&["accounts", "add", "acct_1", "--parent", "org_1"]);
    run(&[
        "accounts",
        "add",
        "acct_2",
        "--file",
        "billing",
        "--no-keys",
    ]);
    let platform = fs::read_to_string(folder.path.join("keys.d/platform.toml")).unwrap();
    let billing = fs::read_to_string(folder.path.join("keys.d/billing.toml")).unwrap();
    assert!(platform.contains("org_1") && platform.contains("acct_1"));
    assert!(billing.contains("acct_2") && !billing.contains("[[keys]]"));
    let lines = journal(&folder.path.join("keys.d/billing.toml.journal"));
    assert_eq!(lines.len(), 2);
    // The same name in two files.
    fs::write(folder.path.join("keys.d/zebra.toml"), billing).unwrap();
    let said = folder.refused(&["accounts", "tree", "--keys", "keys.d"]);
    assert_eq!(
        said,
        "keyward: keys.d/zebra.toml:3: accounts[0].id: duplicate id\n"
    );
}

#[test]
fn accounts_are_listed_by_what_is_asked_and_shown_one_by_one() {
    let folder = Folder::new("list");
    folder.good(&["accounts", "add", "org_1", "--name", "Holding"]);
    folder.good(&[
        "accounts",
        "add",
        "acct_1",
        "--name",
        "Widgets Ltd",
        "--parent",
        "org_1",
    ]);
    folder.good(&["accounts", "add", "acct_2", "--no-keys"]);
    folder.good(&["accounts", "suspend", "acct_2"]);
    let ids = |arguments: &[&str]| -> Vec<String> {
        let listed = folder.good(&[&["accounts", "list", "--json"], arguments].concat());
        let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
        listed
            .iter()
            .map(|account| account["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&[]), ["org_1", "acct_1", "acct_2"]);
    assert_eq!(ids(&["WIDGETS"]), ["acct_1"]);
    assert_eq!(ids(&["--below", "org_1"]), ["acct_1"]);
    assert_eq!(ids(&["--suspended"]), ["acct_2"]);
    assert!(
        folder
            .good(&["accounts", "list", "nobody"])
            .contains("no such accounts")
    );
    let shown = folder.good(&["accounts", "show", "acct_1"]);
    for text in ["Widgets Ltd", "org_1", "active", "publishable"] {
        assert!(shown.contains(text), "{shown}");
    }
    let said = folder.refused(&["accounts", "show", "acct_11"]);
    assert!(
        said.contains("there is no account `acct_11`: did you mean `acct_1`"),
        "{said}"
    );
}

#[test]
fn a_key_is_made_by_the_user_where_nothing_names_another() {
    let folder = Folder::new("made-by");
    let user = std::process::Command::new("id")
        .arg("-un")
        .output()
        .unwrap();
    let user = String::from_utf8(user.stdout).unwrap();
    for (account, environment, expected) in [
        ("acct_1", None, user.trim()),
        ("acct_2", Some("LOGNAME"), "lou"),
        ("acct_3", Some("USER"), "lou"),
    ] {
        let mut add = folder.command(&["accounts", "add", account]);
        add.env_remove("KEYWARD_ACTOR").env("HOSTNAME", "build-7");
        add.env_remove("USER").env_remove("LOGNAME");
        add.envs(environment.map(|name| (name, "lou")));
        assert!(add.output().unwrap().status.success());
        let text = folder.text();
        let file = read(&text);
        let made = file.keys().filter(|key| key.owner == account);
        let by: Vec<_> = made.map(|key| key.created_by.clone().unwrap()).collect();
        assert_eq!(by, vec![format!("{expected}@build-7"); 4]);
    }
}
