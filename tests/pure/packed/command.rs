//! `keyward snapshot pack` and `unpack`.

use std::fs;
use std::process::Output;

use keyward::configuration::Configuration;
use keyward::digest::KeyDigest;
use serde_json::{Value, json};

use crate::support::command::{command, fed};
use crate::support::process::Folder;
use crate::support::world::{ALICE, BOB, configuration, snapshot};

/// Exit codes of the command.
const GOOD: Option<i32> = Some(0);
const INVALID: Option<i32> = Some(4);

fn keyward(arguments: &[&str], input: &[u8]) -> Output {
    fed(command().args(["snapshot"].iter().chain(arguments)), input)
}

#[track_caller]
fn good(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let output = keyward(arguments, input);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), GOOD, "{said}");
    output.stdout
}

#[track_caller]
fn refused(arguments: &[&str], input: &[u8], expected: &str) {
    let output = keyward(arguments, input);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), INVALID, "{said}");
    assert!(said.contains(expected), "{said}");
    assert_eq!(output.stdout, b"");
}

#[test]
fn a_snapshot_is_packed_and_unpacked() {
    let json = snapshot(7, &[ALICE, BOB]);
    let packed = good(&["pack", "-"], json.to_string().as_bytes());
    assert!(keyward::snapshot::packed::is_packed(&packed));
    let unpacked: Value = serde_json::from_slice(&good(&["unpack", "-"], &packed)).unwrap();
    assert_eq!(unpacked["revision"], json["revision"]);
    assert_eq!(unpacked["accounts"], json["accounts"]);
    let sorted = |snapshot: &Value| {
        let mut keys = snapshot["keys"].as_array().unwrap().clone();
        keys.sort_by_key(|key| key["id"].to_string());
        keys
    };
    assert_eq!(sorted(&unpacked), sorted(&json));
    // An unpacked file packs to the same bytes again.
    let again = good(&["pack", "-"], unpacked.to_string().as_bytes());
    assert_eq!(again, packed);
}

#[test]
fn a_configuration_is_packed_with_its_settings() {
    let folder = Folder::new("packed");
    let folder = folder.path();
    let [from, to] = ["in.json", "out.bin"].map(|name| folder.join(name));
    let mut json = configuration(7, &[ALICE]);
    json["serve_mode"] = "test".into();
    json["profile"] = json!({"realm": "Acme"});
    fs::write(&from, json.to_string()).unwrap();
    let [from, to] = [&from, &to].map(|path| path.to_str().unwrap());
    assert_eq!(good(&["pack", from, "-o", to], b""), b"");
    let packed = fs::read(to).unwrap();
    let read = Configuration::read(&packed).unwrap();
    assert_eq!(read.profile().names().realm.as_ref(), "Acme");
    let digest = KeyDigest::of(ALICE.as_bytes());
    assert!(read.snapshot().unwrap().key(&digest).is_some());
    let unpacked: Value = serde_json::from_slice(&good(&["unpack", to], b"")).unwrap();
    assert_eq!(unpacked["serve_mode"], json["serve_mode"]);
    assert_eq!(unpacked["profile"], json["profile"]);
    assert_eq!(unpacked["snapshot"]["keys"], json["snapshot"]["keys"]);
    // Only the file itself remains.
    assert_eq!(fs::read_dir(folder).unwrap().count(), 2);
}

#[test]
fn a_snapshot_and_settings_are_packed_together() {
    let folder = Folder::new("packed");
    let folder = folder.path();
    let settings = folder.join("settings.json");
    fs::write(
        &settings,
        r#"{"profile": {"ids": {"account": "biz_", "organization": "grp_"}}}"#,
    )
    .unwrap();
    let settings = settings.to_str().unwrap();
    let json = snapshot(7, &[ALICE]).to_string().replace("acct_", "biz_");
    let packed = good(&["pack", "-", "-c", settings], json.as_bytes());
    let read = Configuration::read(&packed).unwrap();
    assert_eq!(read.snapshot().unwrap().key_count(), 1);
    // Without the settings, every id has the wrong prefix.
    refused(&["pack", "-"], json.as_bytes(), "accounts[0].id: expected");
    let whole = configuration(7, &[ALICE]).to_string();
    refused(
        &["pack", "-", "-c", settings],
        whole.as_bytes(),
        "already has settings",
    );
}

#[test]
fn what_a_gateway_would_refuse_is_not_packed_or_unpacked() {
    let leaked = "sk_live_FAKE-51-must-never-show";
    let mut json = configuration(7, &[ALICE]);
    json["snapshot"]["keys"][0]["sha256"] = leaked.into();
    let output = keyward(&["pack", "-"], json.to_string().as_bytes());
    assert_eq!(output.status.code(), INVALID);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("snapshot.keys[0].sha256: expected 64 hexadecimal digits"),
        "{said}"
    );
    assert!(!said.contains(leaked));
    let good_one = configuration(7, &[ALICE]).to_string();
    let twice = good_one.replacen('{', r#"{"snapshot": {}, "#, 1);
    refused(&["pack", "-"], twice.as_bytes(), "snapshot: ");
    refused(
        &["pack", "-"],
        br#"{"serve_mode": "any"}"#,
        "it has no snapshot",
    );
    refused(&["pack", "-"], b"{", "expected JSON");
    refused(&["unpack", "-"], b"{}", "expected a packed snapshot");
    let mut packed = good(&["pack", "-"], good_one.as_bytes());
    *packed.last_mut().unwrap() ^= 1;
    refused(&["unpack", "-"], &packed, "the checksum is another");
}

#[test]
fn other_commands_take_what_is_packed() {
    let folder = Folder::new("packed");
    let folder = folder.path();
    let file = folder.join("packed.bin");
    let json = snapshot(7, &[ALICE, BOB]).to_string();
    fs::write(&file, good(&["pack", "-"], json.as_bytes())).unwrap();
    let said = keyward(&["check", file.to_str().unwrap()], b"");
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("revision 7, 2 keys"), "{said}");
}

#[test]
fn what_a_key_file_makes_can_be_packed_at_once() {
    let folder = Folder::new("packed");
    let folder = folder.path();
    let file = folder.join("keyward.toml");
    let made = command()
        .args(["init", "--keys"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let file = file.to_str().unwrap();
    let build = [
        "build",
        "--keys",
        file,
        "--revision",
        "7",
        "--issued-at",
        "1795194529",
        "--allow-empty",
    ];
    for configuration in [&[][..], &["--configuration"]] {
        let json = good(&[&build[..], configuration].concat(), b"");
        let packed = good(&[&build[..], configuration, &["--packed"]].concat(), b"");
        assert_eq!(packed, good(&["pack", "-"], &json));
    }
}
