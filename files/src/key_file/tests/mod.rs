mod below;
mod faults;

use super::testing::{NOW, add_key, change_key, run, target};
use keyward::digest::KeyDigest;

use super::*;
use keyward::account::AccountStatus;
use keyward::configuration::Configuration;
use keyward::key::{KeyKind, Livemode};
use keyward::management::{
    AccountSettings, AddAccount, Command, End, Grant, Patch, RecordChange, RotateKey,
    UpdateAccount, Value,
};
use keyward::permission::AccessLevel;

const FILE: &str = r#"# Who may do what.
format = "keyward.keys/v1"

[configuration]
serve_mode = "test" # no live keys here

[[accounts]]
id = "acct_1"   # the platform
name = "Widgets"

[[accounts]]
id = "acct_2"
parent = "acct_1"

[grant_sets.support]
# reads customers
customer = "read"

[[endpoints]]
method = "POST"
path = "/v1/widgets"
permission = "widget"

# The first key.
[[keys]]
id = "mk_1"
name = "Billing" # asked for by Ann
kind = "restricted"
mode = "test"
owner = "acct_1"
grants = { customer = "read", widget = "write" }
allowed_ips = [
    "203.0.113.7", # office
    "100.10.38.0/24",
]
created = 2026-11-20T10:00:00Z
labels = { user_id = "u_17" }
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

[[keys]]
id = "mk_2"
kind = "publishable"
mode = "test"
owner = "acct_2"
value = "pk_test_FAKE-alice-0001"
"#;

fn read(text: &str) -> Result<KeyFile, Faults> {
    KeyFile::read(vec![("keys.toml".to_owned(), text.to_owned())])
}

fn text(file: &KeyFile) -> String {
    file.texts().next().unwrap().1
}

#[track_caller]
fn assert_faults(text: &str, expected: &[&str]) {
    let faults = read(text).unwrap_err();
    let shown: Vec<String> = faults.list().iter().map(ToString::to_string).collect();
    assert_eq!(shown, expected);
}

/// Returns `FILE` with one text replaced by another.
fn with(from: &str, to: &str) -> String {
    assert!(FILE.contains(from), "{from}");
    FILE.replacen(from, to, 1)
}

/// Asserts which lines an edit removed and added.
#[track_caller]
fn assert_edit(edit: impl FnOnce(&mut KeyFile), gone: &[&str], new: &[&str]) {
    let mut file = read(FILE).unwrap();
    edit(&mut file);
    let after = text(&file);
    let without = |some: &str, other: &str| -> Vec<String> {
        let mut other: Vec<&str> = other.lines().collect();
        let mut left = Vec::new();
        for line in some.lines() {
            match other.iter().position(|of| *of == line) {
                Some(place) => {
                    other.remove(place);
                }
                None => left.push(line.to_owned()),
            }
        }
        left
    };
    assert_eq!(without(FILE, &after), gone, "{after}");
    assert_eq!(without(&after, FILE), new, "{after}");
    let again = read(&after).unwrap();
    assert_eq!(again.changes_since(&file), []);
}

#[test]
fn a_file_compiles_to_a_configuration_that_a_gateway_takes() {
    let file = read(FILE).unwrap();
    let issue = Issue {
        revision: 7,
        issued_at: 1_795_194_529,
        may_be_empty: false,
    };
    let json = file.compile(&issue).to_json();
    let configuration = Configuration::from_json(json.to_string().as_bytes()).unwrap();
    let snapshot = configuration.snapshot().unwrap();
    assert_eq!(snapshot.revision().number(), 7);
    let digest = KeyDigest::of(b"abc");
    assert_eq!(snapshot.key(&digest).unwrap().id(), "mk_1");
    let public = KeyDigest::of(b"pk_test_FAKE-alice-0001");
    assert_eq!(snapshot.key(&public).unwrap().id(), "mk_2");
    assert_eq!(
        json.pointer("/snapshot/keys/0/annotations/user_id")
            .unwrap(),
        "u_17"
    );
    assert_eq!(json.get("serve_mode").unwrap(), "test");
    let text = json.to_string();
    assert!(
        !text.contains("Billing") && !text.contains("pk_test_"),
        "{text}"
    );
}

#[test]
fn an_edit_touches_only_what_it_changes() {
    assert_edit(
        |file| change_key(file, "mk_1", &|key| key.expires = Some(1_795_168_800)),
        &[],
        &["expires = 2026-11-20T10:00:00Z"],
    );
    assert_edit(
        |file| change_key(file, "mk_1", &|key| key.name = Some("Bills".to_owned())),
        &["name = \"Billing\" # asked for by Ann"],
        &["name = \"Bills\" # asked for by Ann"],
    );
    assert_edit(
        |file| {
            let ips = ["203.0.113.7", "198.51.100.1"].map(str::to_owned);
            change_key(file, "mk_1", &|key| key.allowed_ips = ips.to_vec());
        },
        &["    \"100.10.38.0/24\","],
        &["    \"198.51.100.1\","],
    );
    assert_edit(
        |file| {
            let put = Command::PutGrantSet {
                name: "support".to_owned(),
                grants: vec![Grant::new("customer", Some(AccessLevel::Write))],
            };
            run(file, &put).unwrap();
        },
        &["customer = \"read\""],
        &["customer = \"write\""],
    );
    assert_edit(
        |file| {
            let suspend = UpdateAccount {
                status: Some(AccountStatus::Suspended),
                ..UpdateAccount::of("acct_1")
            };
            run(file, &Command::UpdateAccount(suspend)).unwrap();
        },
        &[],
        &["status = \"suspended\""],
    );
    assert_edit(
        |file| {
            let to_the_root = UpdateAccount {
                parent: Patch::Clear,
                ..UpdateAccount::of("acct_2")
            };
            run(file, &Command::UpdateAccount(to_the_root)).unwrap();
        },
        &["parent = \"acct_1\""],
        &[],
    );
}

#[test]
fn a_new_key_stands_behind_the_others_and_says_what_it_is() {
    assert_edit(
        |file| {
            let digest = KeyDigest::of(b"abcd");
            let mut key = Key::new("mk_3", KeyKind::Secret, Livemode::Live, "acct_2", digest);
            key.labels.insert("team".to_owned(), "billing".to_owned());
            add_key(file, key, None).unwrap();
        },
        &[],
        &[
            "",
            "[[keys]]",
            "id = \"mk_3\"",
            "labels = { team = \"billing\" }",
            "kind = \"secret\"",
            "mode = \"live\"",
            "owner = \"acct_2\"",
            "sha256 = \"88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589\"",
        ],
    );
}

#[test]
fn a_replacement_stands_in_the_file_with_its_predecessor() {
    let mut file = read(FILE).unwrap();
    let rotate = Command::RotateKey(RotateKey {
        id: "mk_1".to_owned(),
        keep_for: 86_400,
        keep_from: None,
        expires: End::Unsaid,
        value: Value::Minted,
    });
    let new = run(&mut file, &rotate).unwrap().unwrap();
    let again = read(&text(&file)).unwrap();
    let (old, new) = (again.key("mk_1").unwrap(), again.key(&new).unwrap());
    assert_eq!(old.replaced_by.as_ref(), Some(&new.id));
    assert_eq!(old.expires, Some(NOW + 86_400));
    assert_eq!(new.replaces.as_deref(), Some("mk_1"));
}

#[test]
fn a_deleted_key_is_kept_and_a_purged_one_is_not() {
    assert_edit(
        |file| {
            run(file, &Command::DeleteKey(target("mk_1"))).unwrap();
        },
        &[],
        &["status = \"deleted\""],
    );
    let mut file = read(FILE).unwrap();
    run(&mut file, &Command::PurgeKey(target("mk_1"))).unwrap();
    change_key(&mut file, "mk_2", &|key| key.note = Some("x".to_owned()));
    let again = read(&text(&file)).unwrap();
    assert_eq!(
        again.keys().map(|key| &*key.id).collect::<Vec<_>>(),
        ["mk_2"]
    );
    assert_eq!(again.key("mk_2").unwrap().note.as_deref(), Some("x"));
}

#[test]
fn an_account_goes_with_its_keys() {
    let mut file = read(FILE).unwrap();
    let remove = |id: &str, with_keys| Command::RemoveAccount {
        id: id.to_owned(),
        with_keys,
    };
    let before = text(&file);
    for command in [remove("acct_1", true), remove("acct_2", false)] {
        run(&mut file, &command).unwrap_err();
        assert_eq!(text(&file), before);
    }
    run(&mut file, &remove("acct_2", true)).unwrap();
    let again = read(&text(&file)).unwrap();
    assert_eq!((again.accounts().count(), again.keys().count()), (1, 1));
}

#[test]
fn what_was_decided_over_other_records_is_not_written() {
    let mut file = read(FILE).unwrap();
    let before = text(&file);
    let key = Box::new(file.key("mk_1").unwrap().clone());
    let gone = RecordChange::RemoveKey { key };
    let refused = file.apply(&[gone.clone(), gone], None).unwrap_err();
    assert!(refused.to_string().contains("nothing was written"));
    assert_eq!(text(&file), before);
}

#[test]
fn several_files_are_one_and_share_their_names() {
    let other = "format = \"keyward.keys/v1\"\n\n[[keys]]\nid = \"mk_9\"\nkind = \"secret\"\nmode = \"live\"\nowner = \"acct_2\"\nsha256 = \"88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589\"\n";
    let texts = |other: &str| {
        vec![
            ("keys.d/a.toml".to_owned(), FILE.to_owned()),
            ("keys.d/b.toml".to_owned(), other.to_owned()),
        ]
    };
    let mut file = KeyFile::read(texts(other)).unwrap().in_folder("keys.d");
    assert_eq!(file.file_of_key("mk_9"), Some("keys.d/b.toml"));
    let key = |id: &str| {
        let digest = KeyDigest::of(id.as_bytes());
        Key::new(id, KeyKind::Secret, Livemode::Test, "acct_2", digest)
    };
    add_key(&mut file, key("mk_10"), None).unwrap();
    add_key(&mut file, key("mk_11"), Some("b")).unwrap();
    add_key(&mut file, key("mk_12"), Some("billing")).unwrap();
    assert_eq!(file.file_of_key("mk_10"), Some("keys.d/a.toml"));
    assert_eq!(file.file_of_key("mk_11"), Some("keys.d/b.toml"));
    assert_eq!(file.file_of_key("mk_12"), Some("keys.d/billing.toml"));
    let twice = KeyFile::read(texts(&other.replace("mk_9", "mk_1"))).unwrap_err();
    assert_eq!(
        twice.to_string(),
        "keys.d/b.toml:3: keys[0].id: duplicate id"
    );
}

#[test]
fn changes_are_told_in_ids_and_members() {
    let before = read(FILE).unwrap();
    let mut file = before.clone();
    change_key(&mut file, "mk_1", &|key| key.expires = Some(1_795_168_800));
    let key = Box::new(file.key("mk_2").unwrap().clone());
    file.apply(&[RecordChange::RemoveKey { key }], None)
        .unwrap();
    let account = Account::new("acct_3");
    let settings = AccountSettings::default();
    let add = AddAccount { account, settings };
    run(&mut file, &Command::AddAccount(add)).unwrap();
    let changes = file.changes_since(&before);
    let shown: Vec<_> = changes
        .iter()
        .map(|change| (change.id.as_str(), change.did, change.members.clone()))
        .collect();
    assert_eq!(
        shown,
        [
            ("acct_3", "added", vec![]),
            ("mk_1", "changed", vec!["expires"]),
            ("mk_2", "removed", vec![]),
        ]
    );
}

#[test]
fn lines_may_end_as_on_windows_and_edits_keep_that() {
    let windows = FILE.replace('\n', "\r\n");
    let mut file = read(&windows).unwrap();
    assert_eq!(file.changes_since(&read(FILE).unwrap()), []);
    change_key(&mut file, "mk_1", &|key| {
        key.name = Some("Bills".to_owned())
    });
    let digest = KeyDigest::of(b"abcd");
    let key = Key::new("mk_3", KeyKind::Secret, Livemode::Live, "acct_2", digest);
    add_key(&mut file, key, None).unwrap();
    let after = text(&file);
    assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());
    assert!(
        after.contains("name = \"Bills\" # asked for by Ann\r\n"),
        "{after}"
    );
    assert_eq!(read(&after).unwrap().changes_since(&file), []);
}

#[test]
fn a_file_without_a_last_line_end_is_read_and_edited() {
    let mut file = read(FILE.trim_end()).unwrap();
    let digest = KeyDigest::of(b"abcd");
    let key = Key::new("mk_3", KeyKind::Secret, Livemode::Live, "acct_2", digest);
    add_key(&mut file, key, None).unwrap();
    assert_eq!(read(&text(&file)).unwrap().keys().count(), 3);
    assert_faults(
        &format!("\u{feff}{FILE}"),
        &["keys.toml: expected no byte order mark"],
    );
}

#[test]
fn the_usual_target_is_read_and_stays() {
    let text = FILE.replacen(
        "\n[[accounts]]",
        "\n[push]\necds = \"ecds/keyward.pb\"\n\n[[accounts]]",
        1,
    );
    assert_eq!(read(&text).unwrap().usual_target(), Some("ecds/keyward.pb"));
    let wrong = text.replace("ecds =", "edcs =");
    let faults = read(&wrong).unwrap_err().to_string();
    assert!(
        faults.contains("push: missing member `ecds`")
            && faults.contains("push.edcs: unknown member"),
        "{faults}"
    );
}
