//! The module's file: missing, not a module, with another ABI, removed, replaced, and overwritten
//! while it runs.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::fail_closed::{
    BOB, BOTH, Watch, assert_counted, everywhere, skipped, status, with_interlock,
};
use crate::support::bootstrap::at;
use crate::support::process::Folder;
use crate::support::{BOUND, Push, eventually, find};

/// Builds a module with this ABI that lets everything pass.
fn foreign(folder: &Folder, abi: &str, more: &str) -> PathBuf {
    let module = folder.path().join("foreign.so");
    let source = find::root().join("tests/it/native/foreign.c");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror"])
        .args([&format!("-DABI={abi}"), &format!("-DMORE={more}")])
        .arg("-o")
        .args([&module, &source])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success(), "{said}");
    module
}

/// Returns files that this Envoy cannot run as modules.
fn broken(folder: &Folder) -> Vec<(&'static str, PathBuf)> {
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let refuses = Folder::new("refuses");
    let lacks = Folder::new("lacks");
    let moved = |from: PathBuf, name: &str| {
        let to = folder.path().join(name);
        fs::copy(from, &to).unwrap();
        to
    };
    vec![
        ("missing", folder.path().join("nowhere.so")),
        ("empty", file("empty.so", b"")),
        ("a text", file("text.so", b"#!/bin/sh\n")),
        ("a filter in wasm", find::wasm()),
        ("no ABI", moved(foreign(&refuses, "0", "0"), "refuses.so")),
        (
            "a function that Envoy lacks",
            moved(
                foreign(
                    &lacks,
                    "\"v0.2.0\"",
                    "envoy_dynamic_module_callback_of_tomorrow()",
                ),
                "lacks.so",
            ),
        ),
    ]
}

#[test]
fn a_push_of_a_file_that_is_no_module_is_refused_and_the_last_good_one_goes_on() {
    let folder = Folder::new("broken");
    let broken = broken(&folder);
    let good = configuration(2, &[ALICE, STRANGER]).to_string();
    for interlock in BOTH {
        let builder =
            with_interlock(builder(), interlock).config(configuration(1, &[ALICE]).to_string());
        let mut envoy = builder.start();
        assert_eq!(both(&envoy), (401, 200));
        for (what, file) in &broken {
            let push = envoy.push_file_and_wait(&response(2, &local(file), &good));
            assert_eq!(push, Push::Rejected, "{what}");
            assert_eq!(both(&envoy), (401, 200), "{what}");
        }
        assert!(!envoy.has_ended());
        let next = configuration(3, &[BOB]).to_string();
        assert_eq!(envoy.push_and_wait(&next), Push::Accepted);
        everywhere(&envoy, BOB, 200);
    }
}

#[test]
fn a_first_push_of_a_file_that_is_no_module_denies_until_a_good_one_comes() {
    let folder = Folder::new("broken");
    let good = configuration(2, &[ALICE]).to_string();
    for (what, file) in broken(&folder) {
        for interlock in BOTH {
            // Without a default, the 500 is from Envoy. With the shipped default, the 503 is from
            // keyward.
            for (has_default, expected) in [(true, 503), (false, 500)] {
                let first = response(1, &local(&file), &good);
                let builder = builder().edit(move |bootstrap| {
                    let discovery = at(http_filter(bootstrap, "keyward"), "/config_discovery");
                    let place = "/config_source/path_config_source/path";
                    let ecds = at(discovery, place).as_str().unwrap().to_owned();
                    fs::write(ecds, first).unwrap();
                    if !has_default {
                        discovery.as_object_mut().unwrap().remove("default_config");
                    }
                });
                let envoy = with_interlock(builder, interlock).start();
                assert_eq!(both(&envoy), (expected, expected), "{what}");
                assert_eq!(envoy.push_and_wait(&good), Push::Accepted, "{what}");
                everywhere(&envoy, ALICE, 200);
                assert_eq!(status(&envoy, STRANGER), 401, "{what}");
            }
        }
    }
}

#[test]
fn a_static_filter_of_a_file_that_is_no_module_does_not_start() {
    let folder = Folder::new("broken");
    let good = configuration(1, &[ALICE]).to_string();
    for (what, file) in broken(&folder) {
        for interlock in BOTH {
            let builder = with_interlock(builder(), interlock);
            let started = builder.edit(as_static(&good, &local(&file))).try_start();
            assert!(started.is_err(), "{what}");
        }
    }
}

/// Envoy runs any module that loads, whatever its ABI, with a warning. Then keyward does not run,
/// and no verdict is written.
#[test]
fn a_module_of_another_abi_in_keywards_place_needs_the_interlock() {
    let folder = Folder::new("foreign");
    let module = foreign(&folder, "\"v9.9.9\"", "0");
    for interlock in BOTH {
        let builder =
            with_interlock(builder(), interlock).config(configuration(1, &[ALICE]).to_string());
        let envoy = builder.start();
        assert_eq!(both(&envoy), (401, 200));
        let push = response(2, &local(&module), "{}");
        assert_eq!(envoy.push_file_and_wait(&push), Push::Accepted);
        everywhere(&envoy, STRANGER, skipped(interlock));
        assert_counted(&envoy, interlock);
        let log = envoy.logs();
        assert!(log.contains("v9.9.9 is deprecated"), "{log}");
        let back = configuration(3, &[ALICE]).to_string();
        assert_eq!(envoy.push_and_wait(&back), Push::Accepted);
        everywhere(&envoy, STRANGER, 401);
        everywhere(&envoy, ALICE, 200);
    }
}

/// Copies the module into the test's own folder, and starts an Envoy that runs the copy.
fn of_its_own(folder: &Folder, interlock: bool) -> (PathBuf, Envoy) {
    let module = folder.path().join("libkeyward-1.so");
    fs::copy(find::native(), &module).unwrap();
    let builder = builder()
        .native(&module)
        .config(configuration(1, &[ALICE]).to_string());
    let envoy = with_interlock(builder, interlock).start();
    assert_eq!(both(&envoy), (401, 200));
    (module, envoy)
}

#[test]
fn a_module_file_removed_while_it_runs_changes_no_verdict() {
    for interlock in BOTH {
        let folder = Folder::new("module");
        let (module, mut envoy) = of_its_own(&folder, interlock);
        fs::remove_file(&module).unwrap();
        assert_eq!(both(&envoy), (401, 200));
        // Envoy may use the loaded module or reject the push. In either case it serves one of the
        // two snapshots.
        let push = configuration(2, &[BOB]).to_string();
        let expected = match envoy.push_and_wait(&push) {
            Push::Accepted => (BOB, ALICE),
            Push::Rejected => (ALICE, BOB),
            Push::Unreadable => panic!("the file is readable"),
        };
        everywhere(&envoy, expected.0, 200);
        everywhere(&envoy, expected.1, 401);
        everywhere(&envoy, STRANGER, 401);
        assert!(!envoy.has_ended());
    }
}

/// A file that was not copied completely: the system maps the size that its headers name, and Envoy
/// ends when it touches the missing bytes. No stranger passes meanwhile.
#[test]
fn a_torn_module_file_ends_envoy_and_lets_nobody_pass() {
    let folder = Folder::new("torn");
    let whole = fs::read(find::native()).unwrap();
    let torn = folder.path().join("half.so");
    fs::write(&torn, whole.split_at(whole.len() / 2).0).unwrap();
    for interlock in BOTH {
        let builder =
            with_interlock(builder(), interlock).config(configuration(1, &[ALICE]).to_string());
        let mut envoy = builder.start();
        let stranger = Watch::start(envoy.address(), STRANGER);
        let push = configuration(2, &[STRANGER]).to_string();
        envoy.push_file(&response(2, &local(&torn), &push));
        eventually("Envoy ends", BOUND, || envoy.has_ended().then_some(()));
        let answers = stranger.stop();
        let is_closed = |status: &u16| [0, 401].contains(status);
        assert!(answers.keys().all(is_closed), "{answers:?}");
        let builder = with_interlock(self::builder(), interlock);
        let started = builder.edit(as_static("{}", &local(&torn))).try_start();
        assert!(started.is_err());
    }
}

/// Never do this: Envoy ends on one of the next requests. No stranger passes meanwhile.
#[test]
fn a_module_file_overwritten_in_place_lets_nobody_pass() {
    for interlock in BOTH {
        let folder = Folder::new("module");
        let (module, mut envoy) = of_its_own(&folder, interlock);
        let stranger = Watch::start(envoy.address(), STRANGER);
        // As `cp` does: the same file with other content.
        fs::write(&module, vec![0; 1 << 16]).unwrap();
        eventually("Envoy ends", BOUND, || envoy.has_ended().then_some(()));
        let answers = stranger.stop();
        assert!(
            answers.keys().all(|status| [0, 401].contains(status)),
            "{answers:?}"
        );
    }
}

/// A module of another version has another name. Envoy does not see a file that replaces the old
/// one while that runs, and the file does no harm.
#[test]
fn a_module_file_replaced_on_disk_changes_nothing_until_it_has_another_name() {
    let folder = Folder::new("module");
    let [first, second] =
        ["libkeyward-1.so", "libkeyward-2.so"].map(|name| folder.path().join(name));
    for place in [&first, &second] {
        fs::copy(find::native(), place).unwrap();
    }
    let envoy = builder()
        .native(&first)
        .config(configuration(1, &[ALICE]).to_string())
        .start();
    assert_eq!(both(&envoy), (401, 200));
    let before = fs::metadata(&first).unwrap().ino();
    let aside = folder.path().join("new");
    fs::copy(find::native(), &aside).unwrap();
    fs::rename(&aside, &first).unwrap();
    assert_ne!(fs::metadata(&first).unwrap().ino(), before);
    let push = configuration(2, &[BOB]).to_string();
    assert_eq!(envoy.push_and_wait(&push), Push::Accepted);
    everywhere(&envoy, BOB, 200);
    assert_eq!(both(&envoy), (401, 401));
    let push = response(3, &local(&second), &configuration(3, &[ALICE]).to_string());
    assert_eq!(envoy.push_file_and_wait(&push), Push::Accepted);
    everywhere(&envoy, ALICE, 200);
    let maps = fs::read_to_string(format!("/proc/{}/maps", envoy.process_id())).unwrap();
    assert!(
        maps.contains("libkeyward-2.so"),
        "the second file is in use"
    );
}
