//! `keyward … | head`: the reader has seen enough, and that is not an error.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::command::program;
use crate::support::key_file::Folder;
use crate::support::world::{ALICE, configuration};

/// Runs the command with a standard output that its reader has closed. Returns its exit code and
/// its messages.
fn into_a_closed_pipe(folder: &Folder, arguments: &[&str]) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = folder
        .command(arguments)
        .stdin(fs::File::open(folder.path.join("key.txt")).unwrap())
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Returns a folder with a key file, another program's configuration, and a log.
fn desk(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.good(&["accounts", "add", "acct_1"]);
    fs::write(folder.path.join("key.txt"), ALICE).unwrap();
    let mut import = folder.command(&["keys", "import", "--owner", "acct_1", "--allow-short"]);
    import.stdin(fs::File::open(folder.path.join("key.txt")).unwrap());
    assert!(import.output().unwrap().status.success());
    let write = |name: &str, text: String| fs::write(folder.path.join(name), text).unwrap();
    write("keyward.json", configuration(7, &[ALICE]).to_string());
    write("other.json", configuration(8, &[]).to_string());
    let line = json!({
        "start_time": "2026-11-20T10:00:00.000Z", "method": "GET", "path": "/v1/charges", "response_code": 200,
        "client_address": "203.0.113.7", "request_id": "1",
        "keyward": "allow key=\"mk_0\", kind=secret, livemode=?0, account=\"acct_1\", path=\"acct_1\", permission=\"charge\", access=read, revision=7",
    });
    write("access.log", format!("{line}\n").repeat(50));
    fs::copy(
        crate::support::find::root().join("envoy/ecds/keyward.yaml"),
        folder.path.join("ecds.yaml"),
    )
    .unwrap();
    folder
}

#[test]
fn what_only_shows_something_ends_quietly_and_well() {
    let folder = desk("pipes-show");
    let id = {
        let listed = folder.good(&["keys", "list", "--json"]);
        let keys: serde_json::Value = serde_json::from_str(&listed).unwrap();
        keys[0]["id"].as_str().unwrap().to_owned()
    };
    let log = "access.log";
    for arguments in [
        &["accounts", "tree"][..],
        &["accounts", "tree", "--json"],
        &["audit", log],
        &["audit", "--json", log],
        &["completions", "bash"],
        &[
            "conformance",
            "--dir",
            "conformance",
            "--file",
            "keys",
            "--print-configuration",
        ],
        &["explain", "-c", "keyward.json", "GET", "/v1/balance"],
        &[
            "explain",
            "-c",
            "keyward.json",
            "--json",
            "GET",
            "/v1/balance",
        ],
        &["keys", "list"],
        &["keys", "list", "--json"],
        &["keys", "show", &id],
        &["keys", "show", &id, "--json"],
        &["keys", "revoke", "--owner", "acct_1", "--dry-run"],
        &["logs", log],
        &["logs", "--json", log],
        &[
            "push",
            "-c",
            "keyward.json",
            "--ecds",
            "ecds.yaml",
            "--dry-run",
        ],
        &[
            "replay",
            "--old",
            "keyward.json",
            "--new",
            "other.json",
            log,
        ],
        &[
            "replay",
            "--old",
            "keyward.json",
            "--new",
            "other.json",
            "--json",
            log,
        ],
        &[
            "replay",
            "--old",
            "keyward.json",
            "--new",
            "other.json",
            "--markdown",
            log,
        ],
        &["snapshot", "build"],
        &["snapshot", "build", "--packed"],
        &["snapshot", "check"],
        &["snapshot", "check", "--json"],
        &["snapshot", "diff", "keyward.json", "other.json"],
        &["snapshot", "diff", "--json", "keyward.json", "other.json"],
        &["snapshot", "pack", "keyward.json"],
        &["snapshot", "show"],
        &["snapshot", "show", "--json"],
        &["snapshot", "unpack", "keyward.packed"],
        &["keys", "find", "--key-stdin"],
        &["keys", "find", "--key-stdin", "--json"],
        &["keys", "--help"],
        &["help", "push"],
    ] {
        if arguments[0] == "conformance" {
            let from = crate::support::find::root().join("conformance");
            let names = fs::read_dir(&from).unwrap();
            fs::create_dir_all(folder.path.join("conformance")).unwrap();
            for entry in names
                .map(Result::unwrap)
                .filter(|entry| entry.path().is_file())
            {
                let to = folder.path.join("conformance").join(entry.file_name());
                fs::copy(entry.path(), to).unwrap();
            }
        }
        if arguments.contains(&"keyward.packed") {
            folder.good(&["snapshot", "pack", "keyward.json", "-o", "keyward.packed"]);
        }
        let (code, said) = into_a_closed_pipe(&folder, arguments);
        // The preview is on standard error, which is open.
        let said = if arguments[1] == "revoke" { "" } else { &*said };
        assert_eq!((code, said), (Some(0), ""), "{arguments:?}");
    }
}

/// A push fails if its manifest does not arrive. So does a change whose report does not arrive.
#[test]
fn what_delivers_changes_or_waits_fails() {
    let folder = desk("pipes-fail");
    for arguments in [
        &[
            "push",
            "-c",
            "keyward.json",
            "--wasm-plugin",
            "--image",
            "oci://registry.example/keyward:1",
        ][..],
        &["push", "-c", "keyward.json", "--ecds", "ecds.yaml"],
        &["accounts", "suspend", "acct_1"],
    ] {
        let (code, said) = into_a_closed_pipe(&folder, arguments);
        assert_eq!(code, Some(4), "{arguments:?}");
        assert!(said.contains("Broken pipe"), "{arguments:?}: {said}");
    }
}

/// A real reader, and more than fits into a pipe.
#[test]
fn head_of_a_large_snapshot_is_a_line_and_no_complaint() {
    let folder = desk("pipes-head");
    let large = crate::support::restricted::restricted(5_000);
    fs::write(folder.path.join("large.json"), large.to_string()).unwrap();
    folder.good(&["snapshot", "pack", "large.json", "-o", "large.packed"]);
    let output = Command::new("/bin/bash")
        .current_dir(&folder.path)
        .args([
            "-c",
            "set -o pipefail; \"$0\" snapshot unpack large.packed | head -c 1",
        ])
        .arg(program())
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8(output.stdout),
        String::from_utf8(output.stderr),
    );
    assert_eq!(
        (
            output.status.code(),
            out.unwrap().as_str(),
            err.unwrap().as_str()
        ),
        (Some(0), "{", "")
    );
}

#[test]
fn a_log_that_cannot_be_read_fails_what_was_asked_of_it() {
    let folder = desk("pipes-logs");
    // Cut off in the middle of a member.
    let mut gzip = gzipped(&fs::read(folder.path.join("access.log")).unwrap());
    gzip.truncate(gzip.len() - 12);
    fs::write(folder.path.join("cut.gz"), gzip).unwrap();
    let run = |arguments: &[&str]| {
        let output = folder.run(arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    assert_eq!(run(&["audit", "access.log"]).0, Some(0));
    for (bad, why) in [
        ("absent.log", "`absent.log` cannot be read: No such file"),
        ("conformance", "`conformance` is a folder"),
        ("cut.gz", "`cut.gz` was read up to where it breaks off"),
    ] {
        fs::create_dir_all(folder.path.join("conformance")).unwrap();
        for order in [["access.log", bad], [bad, "access.log"]] {
            let (code, out, err) = run(&[&["audit"][..], &order].concat());
            assert_eq!(code, Some(1), "{bad}: {err}");
            // The output still contains what could be read.
            assert!(out.contains("mk_0"), "{bad}: {out}");
            assert!(format!("{out}{err}").contains(why), "{bad}: {out}{err}");
            let (code, out, _) = run(&[&["audit", "--json"][..], &order].concat());
            assert_eq!(code, Some(1));
            assert!(out.contains("\"mk_0\"") && out.contains(bad), "{out}");
        }
    }
    // The other readers of a log that breaks off report the same.
    let (code, _, err) = run(&["logs", "access.log", "cut.gz"]);
    assert_eq!(code, Some(1), "{err}");
    let snapshots = ["--old", "keyward.json", "--new", "keyward.json"];
    let replay = [&["replay"][..], &snapshots, &["access.log", "cut.gz"]].concat();
    assert_eq!(run(&replay).0, Some(1));
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new("gzip")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), bytes).unwrap();
    child.wait_with_output().unwrap().stdout
}
