//! A value that is shown once is never lost: if no one reads it, the key file stays unchanged, and
//! the old key continues to work.

use std::fs;
use std::process::{Command, Stdio};

use keyward::digest::KeyDigest;
use rustix::io::ioctl_fionread;

use super::Desk;
use crate::support::command::program;
use crate::support::key_file::read;
use crate::support::{BOUND, eventually};

/// Standard outputs that lose what is written to them, in shell syntax.
const LOSING: [&str; 9] = [
    ">/dev/full",
    ">/dev/null",
    ">&-",
    "1</dev/null",
    "1<keyward.toml",
    "| true",
    "| broken-command",
    // It runs for a while, and reads nothing.
    "| sleep 0.2",
    // It reads a part.
    "| head -c 20 >/dev/null",
];

/// Commands that show a value once. `KEY` is the id of a key.
const SHOWING: [&[&str]; 8] = [
    &["keys", "create", "--owner", "acct_1"],
    &["keys", "create", "--owner", "acct_1", "--json"],
    &["keys", "duplicate", "KEY"],
    &["keys", "rotate", "KEY", "--now"],
    &["keys", "rotate", "KEY", "--now", "--json"],
    &["keys", "rotate", "KEY", "--keep-for", "24h"],
    &["accounts", "add", "acct_2"],
    &["accounts", "add", "acct_2", "--json"],
];

/// Runs a command whose standard output a shell redirects. Returns its exit code and its messages.
fn shell(desk: &Desk, arguments: &[&str], redirection: &str) -> (String, String) {
    let script = format!("{{ \"$0\" \"$@\" 2>said; echo $? >code; }} {redirection}");
    let status = Command::new("sh")
        .args(["-c", &script, program().to_str().unwrap()])
        .args(arguments)
        .current_dir(&desk.folder.path)
        .env("KEYWARD_ACTOR", "ann@test")
        .env_remove("KEYWARD_KEYS")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.unwrap();
    // The last program of a pipeline may exit before the first.
    let code = desk.folder.path.join("code");
    let code = eventually("the command to end", BOUND, || {
        fs::read_to_string(&code)
            .ok()
            .filter(|code| !code.is_empty())
    });
    fs::remove_file(desk.folder.path.join("code")).unwrap();
    let said = fs::read_to_string(desk.folder.path.join("said")).unwrap();
    (code.trim().to_owned(), said)
}

fn with_key<'a>(arguments: &[&'a str], key: &'a str) -> Vec<&'a str> {
    let word = |word: &&'a str| if *word == "KEY" { key } else { *word };
    arguments.iter().map(word).collect()
}

#[test]
fn what_nobody_can_take_changes_nothing() {
    let desk = Desk::new("lost");
    let (id, _) = desk.made(&["keys", "create", "--owner", "acct_1"]);
    let before = desk.folder.text();
    for arguments in SHOWING {
        let arguments = with_key(arguments, &id);
        for redirection in LOSING {
            let (code, said) = shell(&desk, &arguments, redirection);
            let case = format!("{arguments:?} {redirection}: {said}");
            assert_eq!(code, "4", "{case}");
            assert!(said.contains("so nothing was changed"), "{case}");
            assert!(!said.contains("--purge"), "{case}");
            assert_eq!(desk.folder.text(), before, "{case}");
        }
    }
    // Everything that was begun is taken back, and the message mentions it.
    let journal = desk.folder.journal();
    let last = journal.last().unwrap();
    assert_eq!(
        (&last["state"], last.get("after_a_crash")),
        (&"undone".into(), None)
    );
    let begun = journal
        .iter()
        .filter(|line| line["state"] == "begun")
        .count();
    assert_eq!(begun * 2, journal.len());
    // The old key is unchanged, so it can be rotated now.
    let shown = desk.json(&["keys", "show", &id]);
    assert_eq!(
        (&shown["status"], shown.get("replaced_by")),
        (&"active".into(), None)
    );
    assert_eq!(
        shown["history"].as_array().unwrap().last().unwrap()["state"],
        "undone"
    );
    desk.made(&["keys", "rotate", &id, "--now"]);
    desk.assert_kept_nowhere(&[]);
}

#[test]
fn what_is_taken_is_the_key_that_was_made() {
    let desk = Desk::new("taken");
    let (id, _) = desk.made(&["keys", "create", "--owner", "acct_1"]);
    for redirection in [
        ">out",
        ">>out",
        "| cat >out",
        "| (sleep 0.2; cat >out)",
        "| tee out >/dev/null",
    ] {
        let out = desk.folder.path.join("out");
        let _ = fs::remove_file(&out);
        let (code, said) = shell(&desk, &["keys", "duplicate", &id], redirection);
        assert_eq!(code, "0", "{redirection}: {said}");
        let value = eventually("the value", BOUND, || {
            fs::read_to_string(&out)
                .ok()
                .filter(|text| text.ends_with('\n'))
        });
        let digest = KeyDigest::of(value.trim_end().as_bytes());
        let made = read(&desk.folder.text());
        let made = made.key_of_digest(&digest).unwrap();
        assert!(said.starts_with(&format!("made {}: ", made.id)), "{said}");
    }
}

/// The value is in the pipe, and no one has read it yet.
#[test]
fn the_old_key_ends_only_when_the_new_one_was_read() {
    let desk = Desk::new("read-first");
    let (id, _) = desk.made(&["keys", "create", "--owner", "acct_1"]);
    let before = desk.folder.text();
    let rotate = ["keys", "rotate", &id, "--now"];
    for is_read in [false, true] {
        let mut child = desk
            .folder
            .command(&rotate)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        eventually("the value in the pipe", BOUND, || {
            (ioctl_fionread(&out).unwrap() == 108).then_some(())
        });
        assert_eq!(desk.folder.text(), before);
        assert_eq!(child.try_wait().unwrap(), None);
        if is_read {
            let value = std::io::read_to_string(out).unwrap();
            assert!(child.wait().unwrap().success());
            let file = read(&desk.folder.text());
            let new = file.key_of_digest(&KeyDigest::of(value.trim_end().as_bytes()));
            assert_eq!(new.unwrap().replaces.as_deref(), Some(id.as_str()));
        } else {
            drop(out);
            assert_eq!(child.wait().unwrap().code(), Some(4));
            assert_eq!(desk.folder.text(), before);
        }
    }
}

/// The key exists and its value was read, so a failure to print the rest is ignored.
#[test]
fn a_closed_standard_error_is_no_failure() {
    let desk = Desk::new("error-closed");
    for (number, redirection) in ["2>/dev/full", "2>&-"].into_iter().enumerate() {
        let account = format!("acct_{}", number + 2);
        for arguments in [
            &["keys", "create", "--owner", "acct_1"][..],
            &["accounts", "add", &account],
        ] {
            let script = format!("\"$0\" \"$@\" {redirection} >out");
            let status = Command::new("sh")
                .args(["-c", &script, program().to_str().unwrap()])
                .args(arguments)
                .current_dir(&desk.folder.path)
                .status()
                .unwrap();
            assert!(status.success(), "{arguments:?} {redirection}");
            let out = fs::read_to_string(desk.folder.path.join("out")).unwrap();
            assert!(out.contains("k_test_"), "{out}");
        }
    }
}

/// A command that shows no value needs no reader.
#[test]
fn an_account_without_keys_asks_nothing_of_standard_output() {
    let desk = Desk::new("no-values");
    for arguments in [
        &["accounts", "add", "acct_2", "--no-keys"][..],
        &["accounts", "add", "org_2"],
        &["keys", "expire", "KEY", "--in", "1d"],
    ] {
        let file = read(&desk.folder.text());
        let key = file.keys().next().unwrap().id.clone();
        let (code, said) = shell(&desk, &with_key(arguments, &key), ">/dev/null");
        assert_eq!(code, "0", "{arguments:?}: {said}");
    }
}
