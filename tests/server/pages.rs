//! The console in a browser: Playwright drives Debian's Chromium against the server behind Envoy. The specs are in `tests/pages/node`.
//! `make test` opens each page once; `make pages` (`in_full`) is every page in every state, width and scheme, and the flows.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyward_harness::find::root;

use crate::world::World;

#[test]
fn every_page_opens() {
    browse("every_page_opens", &["once"]);
}

#[test]
fn in_full_states_on_a_phone() {
    browse("in_full_states_on_a_phone", &["360-light", "360-dark"]);
}

#[test]
fn in_full_states_on_a_tablet() {
    browse("in_full_states_on_a_tablet", &["768-light", "768-dark"]);
}

#[test]
fn in_full_states_on_a_screen() {
    browse("in_full_states_on_a_screen", &["1280-light", "1280-dark"]);
}

#[test]
fn the_portal_opens() {
    browse("the_portal_opens", &["portal-once"]);
}

#[test]
fn in_full_portal() {
    browse(
        "in_full_portal",
        &[
            "portal-360-light",
            "portal-360-dark",
            "portal-768-light",
            "portal-768-dark",
            "portal-1280-light",
            "portal-1280-dark",
        ],
    );
}

#[test]
fn in_full_flows() {
    browse("in_full_flows", &["flows"]);
}

/// Runs the specs of these projects against their own server.
fn browse(test: &str, projects: &[&str]) {
    let (Some(chromium), Some(packages)) = (chromium(test), packages(test)) else {
        return;
    };
    let world = World::start();
    let folder = world.folder.path();
    let out = root().join("target/pages");
    fs::create_dir_all(&out).unwrap();
    let mut command = Command::new("node");
    command
        .arg(packages.join("node_modules/@playwright/test/cli.js"))
        .arg("test")
        .args(["--config", "playwright.config.js"])
        .current_dir(root().join("tests/pages/node"))
        .env("NODE_PATH", packages.join("node_modules"))
        .env("CHROMIUM_BIN", chromium)
        .env(
            "KEYWARD_PAGES_URL",
            format!("http://localhost:{}", world.gateway.port()),
        )
        .env("KEYWARD_PAGES_OUT", &out)
        .env("KEYWARD_FIRST_KEY", &world.first)
        .env("KEYWARD_SERVER_BIN", env!("CARGO_BIN_EXE_keyward-server"))
        .env("KEYWARD_SERVER_DATA", world.data())
        .env("KEYWARD_SERVER_FOLDER", folder)
        .env("NO_PROXY", "localhost,127.0.0.1")
        .env("no_proxy", "localhost,127.0.0.1");
    for project in projects {
        command.args(["--project", project]);
    }
    if let Ok(only) = std::env::var("KEYWARD_PAGES_ONLY") {
        command.args(["--grep", &only]);
    }
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let log = fs::read_to_string(folder.join("server.log")).unwrap_or_default();
    assert!(
        done.status.success(),
        "{said}\n{}\nthe server's log ends with:\n{}",
        String::from_utf8_lossy(&done.stderr),
        tail(&log)
    );
    eprintln!("{}", said.lines().last().unwrap_or_default());
    world.assert_nowhere(&[&world.first]);
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// `$CHROMIUM_BIN`, or the one that `scripts/chromium.sh` installs.
fn chromium(test: &str) -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM_BIN").map(PathBuf::from);
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .map(|folder| folder.join("chromium"))
            .find(|path| path.is_file())
    };
    let found = named.or_else(on_path);
    if found.is_none() {
        skip(
            test,
            "no Chromium here (scripts/chromium.sh, or $CHROMIUM_BIN)",
        );
    }
    found
}

/// The folder in which Playwright is installed.
fn packages(test: &str) -> Option<PathBuf> {
    let script = root().join("scripts/packages.sh");
    let set_up = Command::new(script)
        .args(["pages", "node"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&set_up.stderr);
    if set_up.status.code() == Some(3) {
        skip(test, &said);
        return None;
    }
    assert!(
        set_up.status.success(),
        "scripts/packages.sh pages node: {said}"
    );
    let path = String::from_utf8(set_up.stdout).unwrap();
    Some(Path::new(path.trim()).to_owned())
}

/// The harness swallows what a passing test prints, so the line goes around it.
fn skip(test: &str, why: &str) {
    let line = format!("SKIPPED: {test}: {why}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}
