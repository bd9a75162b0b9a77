//! Runs a command on a terminal: what a person would see and type.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Runs a command on a terminal with this many columns. Returns what it showed, without colours.
pub fn run_on_screen(command: &mut Command, columns: u16) -> String {
    run_in_colours(command.env("NO_COLOR", "1"), columns)
}

/// Like [`run_on_screen`], but keeps the colours that the command chooses.
pub fn run_in_colours(command: &mut Command, columns: u16) -> String {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&master, size).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(terminal.try_clone().unwrap())
        .stderr(terminal)
        .spawn()
        .unwrap();
    // The command keeps these ends open until it gets others.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut shown = Vec::new();
    // Reading from a terminal fails once no process has the other end open.
    let _ = File::from(master).read_to_end(&mut shown);
    assert!(child.wait().unwrap().success());
    String::from_utf8(shown).unwrap().replace("\r\n", "\n")
}

/// Runs a command that reads `typed` from a terminal, writes its errors there, and writes its
/// output to a pipe. Returns its output, and what the terminal showed.
pub fn run_on_terminal(command: &mut Command, typed: &str) -> (Output, String) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    let mut person = File::from(master);
    // The terminal keeps the text until the command reads it.
    person.write_all(typed.as_bytes()).unwrap();
    let child = command
        .stdin(terminal.try_clone().unwrap())
        .stderr(terminal.try_clone().unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The command keeps these ends open until it gets others.
    command.stdin(Stdio::null()).stderr(Stdio::null());
    // A terminal buffers about a page. A program that shows more waits until it is read.
    let reading = std::thread::spawn(move || {
        let mut shown = Vec::new();
        // Reading from a terminal fails once no process has the other end open.
        let _ = person.read_to_end(&mut shown);
        shown
    });
    let output = child.wait_with_output().unwrap();
    drop(terminal);
    let shown = reading.join().unwrap();
    (output, String::from_utf8(shown).unwrap())
}
