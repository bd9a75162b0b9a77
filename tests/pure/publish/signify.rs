use std::fs;
use std::process::Command;

use crate::support::publishing::{Press, debian};
use crate::support::restricted::restricted;

fn signify() -> Option<String> {
    debian("signify-openbsd", "signify-openbsd")
}

#[test]
fn what_keyward_signs_signify_verifies() {
    let Some(signify) = signify() else { return };
    let press = Press::new("signify");
    press.write(&restricted(10));
    press.published(&["--begin"]);
    let verify = |key: &str| {
        let arguments = [
            "-V",
            "-e",
            "-q",
            "-p",
            key,
            "-x",
            "feed/head",
            "-m",
            "message",
        ];
        let mut command = Command::new(&signify);
        command.current_dir(press.folder.path()).args(arguments);
        command.output().unwrap().status.success()
    };
    assert!(verify("feed.sec.pub"));
    let message = fs::read_to_string(press.path("message")).unwrap();
    assert!(
        message.starts_with("{\"format\":\"keyward.feed/v1\""),
        "{message}"
    );
    press.good(&["feed", "key", "new", "other.sec"]);
    assert!(!verify("other.sec.pub"));
    let head = fs::read_to_string(press.path("feed/head")).unwrap();
    fs::write(
        press.path("feed/head"),
        head.replace("\"keys\":10", "\"keys\":11"),
    )
    .unwrap();
    assert!(!verify("feed.sec.pub"));
}

#[test]
fn signifys_own_keys_sign_and_what_it_signs_keyward_reads() {
    let Some(signify) = signify() else { return };
    let press = Press::new("signifys");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&signify);
        command.current_dir(press.folder.path()).args(arguments);
        assert!(command.status().unwrap().success(), "{arguments:?}");
    };
    run(&["-G", "-n", "-p", "own.pub", "-s", "own.sec"]);
    press.write(&restricted(10));
    press.published(&["--begin", "--signing-key", "own.sec"]);
    let public = fs::read_to_string(press.path("own.pub")).unwrap();
    let public = public.lines().nth(1).unwrap().to_owned();
    assert_eq!(
        press.good(&["feed", "key", "show", "own.sec"]).trim(),
        public
    );
    // The same head, signed with the tool.
    run(&[
        "-V",
        "-e",
        "-q",
        "-p",
        "own.pub",
        "-x",
        "feed/head",
        "-m",
        "message",
    ]);
    run(&[
        "-S",
        "-e",
        "-s",
        "own.sec",
        "-m",
        "message",
        "-x",
        "feed/head",
    ]);
    let press = Press {
        public_key: public,
        ..press
    };
    assert_eq!(press.present().head.keys, 10);
}
