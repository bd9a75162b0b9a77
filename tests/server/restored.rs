//! A restored backup: the server does not start on it, but accepts ends, and continues after
//! `resume` without reviving a key. Also the way of a key file into a server and out again.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use keyward_harness::process::Folder;
use keyward_harness::{BOUND, eventually};

use crate::local::Local;
use crate::world::command;

#[test]
fn a_restored_backup_revives_no_key() {
    let folder = Folder::new("restored");
    let mut local = Local::start(folder.path());
    let [kept, ended, ended_while_restored] = [local.key(), local.key(), local.key()];
    let data = local.data();
    let data = data.to_str().unwrap();
    let copy = folder.path().join("copy.db");
    let copy = copy.to_str().unwrap();
    let backed_up = local.command(&["backup", "--data", data, copy]);
    assert!(backed_up.status.success());
    local.expire(&ended);
    local.is_published(&kept);
    local.kill();
    for file in ["keyward.db-wal", "keyward.db-shm"] {
        let _ = fs::remove_file(local.data().join(file));
    }
    let database = local.data().join("keyward.db");
    fs::copy(copy, &database).unwrap();
    fs::set_permissions(&database, fs::Permissions::from_mode(0o600)).unwrap();

    let config = local.data().join("keyward-server.toml");
    let config = config.to_str().unwrap();
    let refused = local.command(&["serve", "--config", config]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "{said}");
    assert!(said.contains("`keyward-server resume`"), "{said}");

    // Until then a key can be ended, and ended keys stay ended.
    local.serve(&["--ends-only"]);
    assert_eq!(local.create(), (503, "ends_only".to_owned()));
    local.expire(&ended_while_restored);
    for id in [&ended, &ended_while_restored] {
        let key = local.published_key(id).unwrap();
        assert!(key["expires_at"].is_u64(), "{key}");
    }
    local.kill();

    let planned = local.command(&["resume", "--config", config, "--dry-run"]);
    let said = String::from_utf8_lossy(&planned.stdout);
    assert!(
        said.contains(&ended) && said.contains("nothing was changed"),
        "{said}"
    );
    let resumed = local.command(&["resume", "--config", config]);
    let said = String::from_utf8_lossy(&resumed.stdout);
    assert!(resumed.status.success() && said.contains(&ended), "{said}");
    assert!(!said.contains(&kept), "{said}");
    local.serve(&[]);
    let made = local.key();
    local.is_published(&made);
    for (id, has_ended) in [
        (&kept, false),
        (&ended, true),
        (&ended_while_restored, true),
    ] {
        let key = local.published_key(id).unwrap();
        let is_over = key["status"] == "deleted" || key["expires_at"].is_u64();
        assert_eq!(is_over, has_ended, "{key}");
    }
}

/// As `keyward accounts add` and `keyward keys create` write it.
const KEY_FILE: &str = r#"format = "keyward.keys/v1"

[[endpoints]]
method = "GET"
path = "/v1/reports/{id}"
permission = "report"
access = "read"

[[accounts]]
id = "acct_2"
name = "Widgets"

[[keys]]
id = "mk_1"
name = "Support desk"
kind = "restricted"
mode = "test"
owner = "acct_2"
grants = { report = "read" }
sha256 = "3333333333333333333333333333333333333333333333333333333333333333"
"#;

#[test]
fn a_key_file_goes_into_a_server_by_its_commands_and_out_again() {
    let folder = Folder::new("key-file");
    let mut local = Local::start(folder.path());
    local.kill();
    let data = local.data();
    let data = data.to_str().unwrap();
    let file = folder.path().join("keyward.toml");
    fs::write(&file, KEY_FILE).unwrap();
    let name = file.to_str().unwrap();
    let import = |more: &[&str], expected: i32| {
        let arguments = [&["import", "--data", data, name], more].concat();
        let output = command().args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(expected), "{said}");
        said
    };
    let plan = import(&["--dry-run"], 1);
    assert!(plan.contains("1 keys would be taken in"), "{plan}");
    import(&[], 0);
    import(&["--dry-run"], 0);
    let export = |data: &str| {
        let output = command()
            .args(["export", "--data", data, "--without-own"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap()
    };
    // The account that the test's server also has.
    let out = export(data);
    assert!(out.contains("acct_1") && !out.contains("/v2/iam/"), "{out}");
    fs::write(&file, out.replace("Support desk", "Another")).unwrap();
    let refused = import(&["--dry-run"], 4);
    assert!(refused.contains("`mk_1`"), "{refused}");
    // Another server imports this file, and exports it byte for byte.
    let other = Folder::new("key-file-other");
    let mut second = Local::start(other.path());
    second.kill();
    fs::write(&file, &out).unwrap();
    let second_data = second.data();
    let second_data = second_data.to_str().unwrap();
    let taken = command()
        .args(["import", "--data", second_data, name])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&taken.stderr);
    assert!(taken.status.success(), "{said}");
    assert_eq!(export(second_data), out);
    // Gateways receive it as well.
    second.serve(&[]);
    eventually("the key is published", BOUND, || {
        second.published_key("mk_1")
    });
}
