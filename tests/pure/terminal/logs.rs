//! `keyward logs` on a growing file.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};

use serde_json::json;

use super::*;
use crate::support::pty::run_on_terminal;

fn line(path: &str) -> String {
    let line = json!({
        "start_time": "2026-11-20T10:00:00.000Z", "method": "GET", "path": path, "response_code": 200,
        "client_address": "203.0.113.7", "request_id": "1",
        "keyward": "allow key=\"mk_0\", kind=secret, livemode=?0, account=\"acct_1\", path=\"acct_1\", permission=\"charge\", access=read, revision=7",
    });
    format!("{line}\n")
}

/// A running command, and the lines that it has printed so far.
struct Running {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Running {
    fn start(folder: &Folder, arguments: &[&str]) -> Self {
        let mut child = folder
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        let (said, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = said.send(line);
            }
        });
        Self { child, lines }
    }

    #[track_caller]
    fn prints(&self, what: &str) {
        let line = self
            .lines
            .recv_timeout(BOUND)
            .unwrap_or_else(|_| panic!("no `{what}`"));
        assert!(line.contains(what), "{line}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn each_line_is_shown_before_the_next_one_is_there() {
    let folder = Folder::new("stream");
    for json in [false, true] {
        let arguments = if json {
            &["logs", "--json", "-"][..]
        } else {
            &["logs", "-"]
        };
        let mut running = Running::start(&folder, arguments);
        let mut stdin = running.child.stdin.take().unwrap();
        for number in 0..3 {
            let path = format!("/v1/charges/ch_{number}");
            stdin.write_all(line(&path).as_bytes()).unwrap();
            if number == 0 && !json {
                running.prints("REQUEST ID");
            }
            running.prints(&path);
        }
        drop(stdin);
        let status = eventually("it ends with its input", BOUND, || {
            running.child.try_wait().unwrap()
        });
        assert!(status.success());
    }
}

#[test]
fn a_file_is_followed_through_its_rotation() {
    let folder = Folder::new("follow");
    let path = folder.path.join("access.log");
    fs::write(&path, line("/v1/first")).unwrap();
    let running = Running::start(&folder, &["logs", "--json", "--follow", "access.log"]);
    running.prints("/v1/first");
    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(line("/v1/second").as_bytes()).unwrap();
    running.prints("/v1/second");
    fs::rename(&path, folder.path.join("access.log.1")).unwrap();
    fs::write(&path, line("/v1/third")).unwrap();
    running.prints("/v1/third");
    // Truncated as by `copytruncate`, and shorter than before.
    fs::write(&path, line("/v1/4")).unwrap();
    running.prints("/v1/4");
}

#[test]
fn standard_input_needs_no_follow() {
    let folder = Folder::new("follow-stdin");
    let said = folder.refused(&["logs", "--follow", "-"]);
    assert!(
        said.contains("standard input is read as it comes"),
        "{said}"
    );
}

/// How reading can end: at the end, at a limit, or by a reader that stops.
#[test]
fn no_progress_bar_stays_on_the_screen() {
    let folder = Folder::new("bar");
    fs::write(
        folder.path.join("access.log"),
        line("/v1/charges").repeat(20_000),
    )
    .unwrap();
    for arguments in [
        &["logs", "--json", "access.log"][..],
        &["logs", "--limit", "15000", "access.log"],
        &["audit", "access.log"],
    ] {
        let (output, shown) = run_on_terminal(&mut folder.command(arguments), "");
        assert!(output.status.success(), "{shown}");
        // It draws the line and then clears it. Messages follow.
        let left = shown.rsplit("\u{1b}[2K").next().unwrap();
        assert!(!left.contains('%') && !left.contains("left"), "{shown:?}");
    }
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = folder.command(&["logs", "access.log"]);
    command.stdout(writer);
    drop(reader);
    let mut shown = String::new();
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    drop(command);
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut shown)
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(shown, "");
}
