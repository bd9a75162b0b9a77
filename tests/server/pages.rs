//! The console in a browser: Playwright drives Debian's Chromium against the server, through Envoy. The specs are in `tests/pages/node`.
//! `make test` opens each page once, and `make test-all` all of them in every state, width and scheme, with the flows (`in_full`); `make pages` runs only those.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyward_harness::find::root;

use crate::world::{World, with_logs};

#[test]
fn every_page_opens() {
    if let Some(tools) = Tools::find("every_page_opens") {
        browse(&World::start(), &tools, "once");
    }
}

#[test]
fn in_full_states() {
    let Some(tools) = Tools::find("in_full_states") else {
        return;
    };
    let world = World::start_with(with_logs);
    browse(&world, &tools, "states");
    // Then with one thing after the other around the pages broken.
    let target = world.data().join("envoy/ecds/keyward.pb");
    fs::remove_file(&target).unwrap();
    fs::create_dir(&target).unwrap();
    browse(&world, &tools, "behind");
    let store = rusqlite::Connection::open(world.data().join("keyward.db")).unwrap();
    store.busy_timeout(keyward_harness::BOUND).unwrap();
    for (table, project) in [("keys", "no-keys"), ("sessions", "no-store")] {
        let broken = format!("ALTER TABLE {table} RENAME TO {table}_elsewhere");
        store.execute_batch(&broken).unwrap();
        browse(&world, &tools, project);
    }
}

#[test]
fn the_portal_opens() {
    if let Some(tools) = Tools::find("the_portal_opens") {
        browse(&World::start(), &tools, "portal-once");
    }
}

#[test]
fn in_full_portal() {
    if let Some(tools) = Tools::find("in_full_portal") {
        browse(&World::start_with(with_logs), &tools, "portal");
    }
}

#[test]
fn in_full_flows() {
    if let Some(tools) = Tools::find("in_full_flows") {
        browse(&World::start_with(with_logs), &tools, "flows");
    }
}

/// The programs that drive a browser.
struct Tools {
    chromium: PathBuf,
    packages: PathBuf,
}

impl Tools {
    /// If a tool is missing, the test prints that and is skipped.
    fn find(test: &str) -> Option<Self> {
        Some(Self {
            chromium: chromium(test)?,
            packages: packages(test)?,
        })
    }
}

/// Runs the specs of a project against a server.
fn browse(world: &World, tools: &Tools, project: &str) {
    let Tools { chromium, packages } = tools;
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
        .env("KEYWARD_PAGES_SESSION", folder.join("session.json"))
        .env("NO_PROXY", "localhost,127.0.0.1")
        .env("no_proxy", "localhost,127.0.0.1");
    command.args(["--project", project]);
    if let Ok(only) = std::env::var("KEYWARD_PAGES_ONLY") {
        command.args(["--pass-with-no-tests", "--grep", &only]);
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

/// Returns `$CHROMIUM_BIN`, or the one that `scripts/chromium.sh` installs.
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

/// Returns Playwright's folder.
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

/// Prints a line directly to the terminal, because the test harness captures the output of a
/// passing test.
fn skip(test: &str, why: &str) {
    let line = format!("SKIPPED: {test}: {why}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}
