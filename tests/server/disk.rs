//! A full disk: the server rejects additions, but ends of keys reach the gateways. Uses a file
//! system in memory, which needs a mount.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyward_harness::{BOUND, eventually};
use serde_json::json;

use crate::feed::edge::feed;
use crate::local::Local;

const FOLDER: &str = "KEYWARD_TEST_FULL_DISK";

/// Mounts a tmpfs at $1, and runs this binary in it. Without root, it uses a new namespace. The
/// room reserved for ends is 64 MiB.
const MOUNTED: &str =
    "mount -t tmpfs -o size=80m,mode=0700 none \"$1\" || exit 77; shift; exec \"$@\"";

#[test]
fn on_a_full_disk_ends_reach_the_gateways() {
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            MOUNTED,
            "sh",
        ])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "disk::child", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .output();
    let said = match &child {
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    let is_started = child
        .as_ref()
        .is_ok_and(|output| output.stdout.starts_with(b"\nrunning 1"));
    if !is_started {
        eprintln!("skipped: a full disk needs a mount, which this user cannot make: {said}");
        return;
    }
    let output = child.unwrap();
    let log = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{log}{said}");
}

/// Not a test by itself: the test above runs it on its small disk.
#[test]
#[ignore = "it wants a file system of 80 MiB"]
fn child() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    // Gateways that watch a file and gateways that follow the feed.
    let mut local = Local::start_with(&folder, |data| feed(data, "mirrored = true\n"));
    let keys: Vec<String> = (0..6).map(|_| local.key()).collect();
    let filed = file("");
    assert_eq!(applied(&local, &filed), (200, "applied".to_owned()));
    local.is_published("mk_filed");
    let ballast = local.data().join("ballast");

    fill(&folder);
    let code = created_until_refused(&local);
    assert_eq!(code, (503, "storage_full".to_owned()));
    assert!(ballast.exists(), "an addition took the room for ends");
    let (status, listed) = local.ask("GET", "/v2/iam/api_keys", &[], None);
    assert_eq!(status, 200, "reads go on: {listed}");
    assert_ended(&local, &keys[0]);
    assert_ended(&local, &keys[1]);
    assert!(!ballast.exists(), "there was no other room");
    assert_eq!(local.create().0, 503, "the room is for the next end");

    // A key file that only ends keys passes like a single end, and one that adds does not.
    let more = format!("{filed}\n[grant_sets.support]\ncustomer = \"read\"\n");
    assert_eq!(applied(&local, &more), (503, "storage_full".to_owned()));
    let ended = file("expires = 2026-01-01T00:00:00Z\n");
    assert_eq!(applied(&local, &ended), (200, "applied".to_owned()));
    assert_gateways_know_the_end(&local, "mk_filed");

    // A server that starts on such a disk accepts ends.
    local.kill();
    local.serve(&[]);
    assert_eq!(local.create().0, 503);
    assert_ended(&local, &keys[2]);
    local.kill();
    local.serve(&["--ends-only"]);
    assert_eq!(local.create(), (503, "ends_only".to_owned()));
    assert_ended(&local, &keys[3]);

    fs::remove_file(folder.join("filler")).unwrap();
    local.kill();
    // Its ends are in the file, with a revision that the store does not know.
    let file = local.data().join("keyward-server.toml");
    let resumed = local.command(&["resume", "--config", file.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&resumed.stderr);
    assert!(resumed.status.success(), "{said}");
    local.serve(&[]);
    assert_eq!(local.create().0, 200);
    assert!(ballast.exists(), "the room is kept again");
    // If there is room for the store's log but not for a snapshot, the end is still published.
    fill(&folder);
    assert_ended(&local, &keys[4]);
}

/// A key file with one key.
fn file(end: &str) -> String {
    let digest = "7".repeat(64);
    format!(
        "format = \"keyward.keys/v1\"\n\n[[accounts]]\nid = \"acct_1\"\n\n[[keys]]\nid = \"mk_filed\"\n\
         kind = \"restricted\"\nmode = \"live\"\nowner = \"acct_1\"\ngrants = {{ customer = \"read\" }}\n{end}sha256 = \"{digest}\"\n"
    )
}

/// Plans and applies a key file. Returns the status, and `applied` or the error code.
fn applied(local: &Local, text: &str) -> (u16, String) {
    let path = "/v2/keyward/key_file/plan";
    let body = json!({"as": "billing", "files": {"keys.toml": text}});
    let (status, plan) = local.ask("POST", path, &[], Some(&body));
    assert_eq!(status, 200, "a plan needs no room: {plan}");
    let body = json!({"plan": plan["plan"], "confirm": plan["count"]});
    let head = [("prefer", "wait=20")];
    let path = "/v2/keyward/key_file/apply";
    let (status, done) = local.ask("POST", path, &head, Some(&body));
    if status == 200 {
        assert_eq!(done["keyward"]["propagation"]["state"], "published");
        return (status, "applied".to_owned());
    }
    (status, done["error"]["code"].as_str().unwrap().to_owned())
}

/// Ends a key, and asserts that gateways learn of it.
#[track_caller]
fn assert_ended(local: &Local, id: &str) {
    local.expire(id);
    assert_gateways_know_the_end(local, id);
}

#[track_caller]
fn assert_gateways_know_the_end(local: &Local, id: &str) {
    // The file of the gateway before the server is written beside the feed.
    let key = eventually("the file has the end", BOUND, || {
        let key = local.published_key(id)?;
        key["expires_at"].is_u64().then_some(key)
    });
    let followed = local.followed_key(key["sha256"].as_str().unwrap());
    assert!(
        followed.is_some_and(|end| end.is_some()),
        "{id} in the feed"
    );
}

/// Fills all the free space.
fn fill(folder: &Path) {
    let mut filler = File::options()
        .append(true)
        .create(true)
        .open(folder.join("filler"))
        .unwrap();
    for size in [1024 * 1024, 4_096, 1] {
        let block = vec![7; size];
        while filler.write_all(&block).is_ok() {}
    }
}

/// Makes keys until the store's log has no room for another one.
fn created_until_refused(local: &Local) -> (u16, String) {
    for _ in 0..10_000 {
        let (status, said) = local.create();
        if status != 200 {
            return (status, said);
        }
    }
    panic!("the disk is not full");
}
