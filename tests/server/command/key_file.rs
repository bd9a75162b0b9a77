//! `keyward key-file`: a file in a repository as the truth for its records on a server, through the
//! gateway, and a server's records as a key file.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use keyward_files::key_file::KeyFile;
use keyward_support::command::{Said, command};
use serde_json::Value;

use super::both::on_server;
use crate::world::World;

const FILE: &str = r#"format = "keyward.keys/v1"
source = "file:8mXzT4KqPbW2hVdN"

[grant_sets.support]
customer = "read"

[[accounts]]
id = "acct_2" # the shop

[[accounts]]
id = "acct_3"
parent = "acct_2"

[[keys]]
id = "mk_desk"
name = "Support desk" # asked for by the desk
kind = "restricted"
mode = "test"
owner = "acct_3"
grants = "support"
sha256 = "1111111111111111111111111111111111111111111111111111111111111111"

[[keys]]
id = "mk_night"
kind = "restricted"
mode = "live"
owner = "acct_2"
grants = { charge = "read" }
sha256 = "2222222222222222222222222222222222222222222222222222222222222222"
"#;

fn run(world: &World, line: &str) -> Said {
    let words = line.split(' ').map(|word| word.trim_matches('\''));
    on_server(world).args(words).output().unwrap().into()
}

/// Runs a line that must end with this exit code, and returns what it said.
#[track_caller]
fn said(world: &World, line: &str, code: i32) -> Said {
    let said = run(world, line);
    assert_eq!(said.code, Some(code), "{line}: {}{}", said.out, said.err);
    said
}

fn write(world: &World, text: &str) {
    fs::write(world.folder.path().join("keys.toml"), text).unwrap();
}

fn on_disk(world: &World) -> String {
    fs::read_to_string(world.folder.path().join("keys.toml")).unwrap()
}

const DRY: &str = "key-file apply --as billing --dry-run keys.toml";
const APPLY: &str = "key-file apply --as billing --override-policy repository keys.toml";

#[test]
fn a_file_is_planned_applied_and_learns_of_ends() {
    let world = World::start();
    write(&world, FILE);
    // The accounts' policy allows no key.
    let refused = said(&world, DRY, 4).err;
    assert!(refused.contains("policy_refused"), "{refused}");
    let dry = DRY.replace("--dry-run", "--dry-run --override-policy repository");
    let plan = said(&world, &dry, 1).out;
    assert!(plan.contains("add api key mk_desk\n"), "{plan}");
    assert!(
        plan.ends_with("5 changes; 0 records are as the file has them\n"),
        "{plan}"
    );
    said(&world, "keys show mk_desk", 4);
    assert!(
        said(&world, APPLY, 0)
            .out
            .ends_with("5 changes were made\n")
    );
    assert!(
        said(&world, "keys show mk_desk", 0)
            .out
            .contains("Support desk")
    );
    said(&world, DRY, 0);

    // What the file leaves out ends, and what it has is read-only elsewhere, but for ends.
    let refused = said(&world, "keys edit mk_desk --name Mine", 4).err;
    assert!(refused.contains("controlled_by_file"), "{refused}");
    said(&world, "keys expire mk_desk --now", 0);
    said(&world, "keys delete mk_night --yes", 0);
    let drift = said(&world, DRY, 0).out;
    assert!(
        drift.contains(
            "stays ended, though the file has it in use: mk_night, status = \"deleted\"\n"
        ),
        "{drift}"
    );
    assert!(
        drift.contains("--adopt-ends writes these ends into the file\n"),
        "{drift}"
    );
    let left = said(
        &world,
        &DRY.replace("--dry-run", "--dry-run --adopt-ends"),
        1,
    )
    .out;
    assert!(
        left.contains("would be written into the file: mk_desk, expires = "),
        "{left}"
    );
    assert_eq!(on_disk(&world), FILE);
    let adopted = said(
        &world,
        &APPLY.replace("apply", "apply --adopt-ends --json"),
        0,
    )
    .out;
    let adopted: Value = serde_json::from_str(&adopted).unwrap();
    assert_eq!(adopted["adopted"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&adopted["applied"], &adopted["plan"]["count"]),
        (&Value::Bool(false), &0.into())
    );
    let text = on_disk(&world);
    assert!(
        text.contains("# asked for by the desk") && text.contains("# the shop"),
        "{text}"
    );
    let file = KeyFile::read(vec![("keys.toml".to_owned(), text)]).unwrap();
    assert!(file.key("mk_night").unwrap().is_deleted());
    assert!(file.key("mk_desk").unwrap().expires.is_some());
    assert!(!said(&world, DRY, 0).out.contains("stays ended"));

    // A file that is rejected is told with all of its faults, and changes nothing.
    let broken = FILE.replace("customer = \"read\"", "custmer = \"read\"");
    write(
        &world,
        &broken.replace("charge = \"read\"", "chrage = \"read\""),
    );
    let faults = said(&world, DRY, 4).err;
    assert!(
        faults.contains("keys.toml:4: grant_sets.support.custmer") && faults.contains(".chrage:"),
        "{faults}"
    );
    assert_eq!(faults.lines().count(), 3, "{faults}");
    write(&world, FILE);
    // Only operators apply files.
    world.account("acct_shop");
    let (_, value) = world.key("acct_shop", &["customer_read"]);
    let mut tenants = on_server(&world);
    tenants.env("KEYWARD_API_KEY", &value).args(DRY.split(' '));
    let refused: Said = tenants.output().unwrap().into();
    assert_eq!(refused.code, Some(4), "{}", refused.err);
    world.assert_nowhere(&[&world.first, &value]);
}

#[test]
fn a_part_of_a_servers_records_is_exported_as_a_key_file() {
    let world = World::start();
    write(&world, FILE);
    said(&world, APPLY, 0);
    world.account("acct_shop");
    let (other, value) = world.key("acct_shop", &["customer_read"]);
    let file = |line: &str| {
        let text = said(&world, line, 0).out;
        KeyFile::read(vec![("exported".to_owned(), text)]).unwrap()
    };
    let given = KeyFile::read(vec![("given".to_owned(), FILE.to_owned())]).unwrap();
    let tree = file("key-file export --without-own --owner acct_2 --scope tree");
    assert!(tree.keys().eq(given.keys()));
    assert!(tree.accounts().eq(given.accounts()));
    assert!(tree.grant_sets().eq(given.grant_sets()));
    let one = file("key-file export --owner acct_3");
    assert_eq!(one.keys().count(), 1);
    assert_eq!(one.accounts().count(), 2, "with the account above it");
    let all = file("key-file export --without-own");
    assert!(all.key(&other).is_some() && all.account("acct_operator").is_none());
    assert!(file("key-file export").account("acct_operator").is_some());

    let line = "key-file export --owner acct_2 --output out.toml";
    assert_eq!(said(&world, line, 0).out, "");
    let path = world.folder.path().join("out.toml");
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    for (line, code, says) in [
        (line, 4, "out.toml"),
        (
            "key-file export --owner acct_3 --scope tree",
            4,
            "root of a tree",
        ),
        ("key-file export --owner acct_9", 4, "acct_9"),
        ("key-file export --scope tree", 2, "--owner"),
        ("key-file export --json", 4, "a key file is TOML"),
        ("key-file export --owner a/b", 4, "is not an id"),
        (
            "key-file apply --as billing nowhere.toml",
            4,
            "nowhere.toml",
        ),
    ] {
        let refused = said(&world, line, code).err;
        assert!(refused.contains(says), "{line}: {refused}");
    }
    let alone: Said = command()
        .args(["key-file", "export"])
        .output()
        .unwrap()
        .into();
    assert_eq!(alone.code, Some(4));
    assert!(
        alone.err.contains("name a server with --server"),
        "{}",
        alone.err
    );
    world.assert_nowhere(&[&world.first, &value]);
}
