//! Stripe's released SDKs, which have no methods for keys, with `raw_request`: they make, list,
//! rotate and end keys on the server.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use keyward_harness::eventually;
use keyward_harness::find::root;
use keyward_harness::process::Folder;
use serde_json::{Value, json};

use crate::world::{PROPAGATION, World};

const STEPS: [&str; 7] = [
    "a key is made, and its value is in no other answer",
    "the same request makes no second key",
    "a list pages by its next_page_url",
    "a key is rotated, and the old one goes on for an hour",
    "a key is ended",
    "errors are of the SDK's classes",
    "values",
];

#[test]
fn the_released_python_sdk_makes_keys() {
    let Some(python) = set_up("python") else {
        return;
    };
    let mut command = Command::new(python);
    command
        .args(["-E", "-s", "-B"])
        .arg(root().join("tests/sdk/python/keys.py"));
    makes_keys(command);
}

#[test]
fn the_released_node_sdk_makes_keys() {
    let Some(folder) = set_up("node") else {
        return;
    };
    let mut command = Command::new("node");
    command
        .args(["--preserve-symlinks", "--preserve-symlinks-main"])
        .arg(folder.join("scripts/keys.mjs"));
    makes_keys(command);
}

/// Returns what `scripts/packages.sh` prints. If the machine lacks the language, prints a line and
/// returns `None`.
fn set_up(language: &str) -> Option<PathBuf> {
    let output = Command::new(root().join("scripts/packages.sh"))
        .args(["sdk", language])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(3) {
        eprintln!("{said}");
        return None;
    }
    assert!(
        output.status.success(),
        "scripts/packages.sh sdk {language}: {said}"
    );
    Some(PathBuf::from(
        String::from_utf8(output.stdout).unwrap().trim(),
    ))
}

fn makes_keys(mut command: Command) {
    let world = World::start();
    world.account("acct_widgets");
    // Not the world's folder, which the test searches for values.
    let folder = Folder::new("released");
    let plan = folder.path().join("plan.json");
    let url = format!("http://{}", world.gateway);
    let members = json!({"url": url, "key": world.first, "owner": "acct_widgets", "retries": 0});
    fs::write(&plan, members.to_string()).unwrap();
    let output = command
        .arg(&plan)
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut steps: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let failed = steps.iter().find(|step| step["ok"] == false);
    assert!(failed.is_none(), "{failed:?}");
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = steps.pop();
    assert_eq!(
        last.and_then(|last| last["done"].as_u64()),
        Some(7),
        "{errors}"
    );
    let names: Vec<&str> = steps
        .iter()
        .map(|step| step["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, STEPS);
    assert!(
        steps.iter().all(|step| step["checks"].as_u64() > Some(0)),
        "{steps:?}"
    );
    let made = steps.last().unwrap()["made"].as_array().unwrap().clone();
    let [old, new] = [&made[0], &made[1]].map(|value| value.as_str().unwrap());
    eventually("the replacement works", PROPAGATION, || {
        (world.call(new, "GET", "/v1/customers", None).status == 200).then_some(())
    });
    eventually("the key that was ended is denied", PROPAGATION, || {
        let denied = world.call(old, "GET", "/v1/customers", None);
        (denied.header("x-keyward-denied") == Some("expired_key")).then_some(())
    });
    world.assert_nowhere(&[old, new]);
}
