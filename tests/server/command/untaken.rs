//! A value that no one reads has no effect: the key that was made for it is removed again.

use std::io::Read;
use std::process::{Command, Stdio};

use keyward_harness::eventually;
use serde_json::Value;

use super::both::Both;
use super::life::POLICY;
use crate::world::PROPAGATION;

#[test]
fn a_value_that_nobody_takes_leaves_nothing_behind() {
    let mut both = Both::start();
    let account = ["accounts", "add", "acct_shop", "--no-keys"];
    both.run_with(&account, POLICY, "");
    both.good(&[
        "keys",
        "create",
        "--owner",
        "acct_shop",
        "--grant",
        "customer=read",
    ]);
    let before = both.good(&["keys", "list", "--all"]).out;
    for line in [
        "keys create --owner acct_shop --grant customer=read",
        "keys rotate $KEY --now",
        "keys rotate $KEY --keep-for 24h",
        "keys duplicate $KEY",
        "accounts add acct_two --policy operator",
    ] {
        // The reader exists when the command starts, but reads nothing.
        let id = both.good(&["keys", "list"]).out;
        assert!(id.contains("mk_"));
        let mut command = both.on_server();
        let listed: Value = serde_json::from_slice(
            &both
                .on_server()
                .args(["keys", "list", "--owner", "acct_shop", "--json"])
                .output()
                .unwrap()
                .stdout,
        )
        .unwrap();
        let key = listed[0]["id"].as_str().unwrap();
        let line = line.replace("$KEY", key);
        command.args(line.split(' '));
        let said = unread(command);
        assert!(said.contains("nothing was changed"), "{line}: {said}");
    }
    assert_eq!(both.good(&["keys", "list", "--all"]).out, before);
    let tree = both
        .on_server()
        .args(["accounts", "tree"])
        .output()
        .unwrap();
    assert!(!String::from_utf8_lossy(&tree.stdout).contains("acct_two"));
}

/// Returns the messages of a command whose standard output is a pipe that closes after the first
/// write to it.
fn unread(mut command: Command) -> String {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(command);
    eventually("something was written", PROPAGATION, || {
        let written = rustix::io::ioctl_fionread(&reader).unwrap();
        (written > 0).then_some(())
    });
    drop(reader);
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(4), "{said}");
    said
}
