//! An older key file is pushed again, with its own revision.

use super::*;
use crate::fail_closed::digest;
use crate::support::command::command;
use crate::support::process::Folder;
use crate::wait::serves;

fn key_file(keys: &[&str]) -> String {
    let head = "format = \"keyward.keys/v1\"\n\n[[accounts]]\nid = \"acct_1\"\n";
    let records = keys.iter().enumerate().map(|(index, key)| {
        format!(
            "\n[[keys]]\nid = \"mk_{index}\"\nkind = \"secret\"\nmode = \"test\"\nowner = \"acct_1\"\nsha256 = \"{}\"\n",
            digest(key)
        )
    });
    std::iter::once(head.to_owned()).chain(records).collect()
}

/// Pushes, and returns the revision.
#[track_caller]
fn push(envoy: &Envoy, keys: &Path) -> u64 {
    let output = command()
        .args(["push", "--allow-removals", "--keys"])
        .arg(keys)
        .arg("--ecds")
        .arg(envoy.ecds_file())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    said.split(' ').nth(2).unwrap().parse().unwrap()
}

#[test]
fn an_older_key_file_rolls_back_and_the_revision_rises() {
    let folder = Folder::new("rollback");
    let write = |name: &str, keys: &[&str]| {
        let path = folder.path().join(name);
        fs::write(&path, key_file(keys)).unwrap();
        path
    };
    let (monday, tuesday) = (
        write("monday.toml", &[ALICE, BOB]),
        write("tuesday.toml", &[ALICE]),
    );
    let envoy = Envoy::builder().concurrency(2).start();
    let watch = |key| Watch::start(envoy.address(), key);

    let first = push(&envoy, &monday);
    serves(&envoy, first);
    everywhere(&envoy, BOB, 200);
    let alice = watch(ALICE);
    let second = push(&envoy, &tuesday);
    serves(&envoy, second);
    everywhere(&envoy, BOB, 401);
    let third = push(&envoy, &monday);
    serves(&envoy, third);
    everywhere(&envoy, BOB, 200);
    assert!(first < second && second < third, "{first} {second} {third}");
    assert_eq!(alice.stop().into_keys().collect::<Vec<_>>(), [200]);
    // For the gateway it is a step forward like any other.
    assert_eq!(envoy.stat("wasmcustom.keyward_snapshot_rollbacks"), 0);
}
