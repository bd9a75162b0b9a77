//! How Envoy comes by the module: from a file, by a push, from elsewhere, or not at all.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::*;
use crate::fail_closed::{BOB, BOTH, assert_counted, everywhere, skipped, with_interlock};
use crate::support::bootstrap::{at, hcm, http_filter};
use crate::support::process::Folder;
use crate::support::{BOUND, LONG, Push, eventually, find};

fn local(file: &Path) -> Value {
    json!({"module": {"local": {"filename": file}}, "do_not_close": true, "metrics_namespace": "keyward"})
}

/// keyward as a filter of the listener's own, and not of ECDS.
fn as_static(config: &str, module: &Value) -> impl FnOnce(&mut Value) + use<> {
    let response: Value = serde_json::from_slice(&response(1, module, config)).unwrap();
    let typed = response["resources"][0]["typed_config"].clone();
    move |bootstrap| {
        *http_filter(bootstrap, "keyward") = json!({"name": "keyward", "typed_config": typed})
    }
}

#[test]
fn a_static_filter_with_a_bad_configuration_or_without_its_module_does_not_start() {
    let there = local(&find::native());
    let bad = r#"{"snapshot": {"revision": 7, "x": 1}}"#;
    let refusal = builder()
        .edit(as_static(bad, &there))
        .try_start()
        .unwrap_err();
    assert!(
        refusal.contains("keyward: configuration refused: "),
        "{refusal}"
    );
    let nowhere = local(Path::new("/nowhere/libkeyward.so"));
    for interlock in BOTH {
        let builder = with_interlock(builder(), interlock).edit(as_static("{}", &nowhere));
        assert!(builder.try_start().is_err());
    }
    let good = configuration(1, &[ALICE]).to_string();
    let envoy = builder().edit(as_static(&good, &there)).start();
    assert_eq!(both(&envoy), (401, 200));
}

#[test]
fn a_missing_module_of_a_push_is_refused_and_of_the_first_answers_500() {
    let nowhere = local(Path::new("/nowhere/libkeyward.so"));
    let good = configuration(2, &[ALICE, STRANGER]).to_string();
    for interlock in BOTH {
        let builder =
            with_interlock(builder(), interlock).config(configuration(1, &[ALICE]).to_string());
        let envoy = builder.start();
        assert_eq!(both(&envoy), (401, 200));
        assert_eq!(
            envoy.push_file_and_wait(&response(2, &nowhere, &good)),
            Push::Rejected
        );
        assert_eq!(both(&envoy), (401, 200));
    }
}

/// Envoy leaves a module out that it has to fetch: that is what the interlock is for, and why doctor refuses it.
#[test]
fn a_remote_module_replaces_a_working_filter_by_nothing() {
    let uri =
        json!({"uri": "http://127.0.0.1:1/libkeyward.so", "cluster": "upstream", "timeout": "1s"});
    let remote = json!({"module": {"remote": {"http_uri": uri, "sha256": "0".repeat(64)}}, "do_not_close": true});
    let good = configuration(2, &[ALICE]).to_string();
    for interlock in BOTH {
        let builder =
            with_interlock(builder(), interlock).config(configuration(1, &[ALICE]).to_string());
        let envoy = builder.start();
        assert_eq!(both(&envoy), (401, 200));
        envoy.push_file_and_wait(&response(2, &remote, &good));
        everywhere(&envoy, STRANGER, skipped(interlock));
        assert_counted(&envoy, interlock);
        let (report, code) = doctor(&envoy);
        assert_eq!(code, Some(1), "{report}");
        assert!(report.contains("its module is `remote`"), "{report}");
    }
}

/// With `nack_on_cache_miss` it is a refused push, and the last good one goes on. doctor refuses that, too: without a last good one it is 500.
#[test]
fn a_remote_module_that_is_refused_until_it_is_there_leaves_the_last_good_one() {
    let uri =
        json!({"uri": "http://127.0.0.1:1/libkeyward.so", "cluster": "upstream", "timeout": "1s"});
    let remote = json!({
        "module": {"remote": {"http_uri": uri, "sha256": "0".repeat(64)}},
        "do_not_close": true, "nack_on_cache_miss": true,
    });
    let envoy = started();
    assert_eq!(both(&envoy), (401, 200));
    assert_eq!(
        envoy.push_file_and_wait(&response(2, &remote, "{}")),
        Push::Rejected
    );
    assert_eq!(both(&envoy), (401, 200));
}

fn doctor(envoy: &Envoy) -> (String, Option<i32>) {
    let url = format!("http://{}", envoy.admin_address());
    let mut command = crate::support::command::command();
    let output = command.args(["doctor", "--admin", &url]).output().unwrap();
    (
        String::from_utf8(output.stdout).unwrap(),
        output.status.code(),
    )
}

#[test]
fn doctor_refuses_a_module_that_envoy_may_unload() {
    let mut module = local(&find::native());
    module.as_object_mut().unwrap().remove("do_not_close");
    let envoy = started();
    let (report, _) = doctor(&envoy);
    assert!(!report.contains("do_not_close"), "{report}");
    let config = configuration(2, &[ALICE]).to_string();
    assert_eq!(
        envoy.push_file_and_wait(&response(2, &module, &config)),
        Push::Accepted
    );
    let (report, code) = doctor(&envoy);
    assert_eq!(code, Some(1), "{report}");
    assert!(report.contains("without `do_not_close`"), "{report}");
}

/// A module of another version has another name; a file in its place is not seen while the old one runs, and does no harm to it.
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

/// Each listener of a resource has a configuration of its own. That they share one copy of the keys
/// is held where it can be seen exactly: in the unit tests of the module's `loading.rs`.
#[test]
fn listeners_of_one_resource_decide_alike() {
    let mut builder = builder().config(configuration(1, &[ALICE]).to_string());
    for number in 1..4 {
        builder = builder.edit(move |bootstrap| {
            let listeners = at(bootstrap, "/static_resources/listeners");
            let mut more = listeners[0].clone();
            more["name"] = json!(format!("gateway-{number}"));
            listeners.as_array_mut().unwrap().push(more);
        });
    }
    let envoy = builder.start();
    assert_eq!(envoy.settled(LONG), Push::Accepted);
    everywhere(&envoy, ALICE, 200);
    everywhere(&envoy, STRANGER, 401);
    let push = configuration(2, &[BOB]).to_string();
    assert_eq!(envoy.push_and_wait(&push), Push::Accepted);
    everywhere(&envoy, BOB, 200);
    everywhere(&envoy, ALICE, 401);
}

#[test]
fn a_filter_that_a_route_disables_needs_the_interlock_and_doctor_says_so() {
    let disabled = json!({"keyward": {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true}});
    for interlock in BOTH {
        let disabled = disabled.clone();
        let builder = with_interlock(builder(), interlock)
            .config(configuration(1, &[ALICE]).to_string())
            .edit(move |bootstrap| {
                at(hcm(bootstrap), "/route_config/virtual_hosts/0")["typed_per_filter_config"] =
                    disabled;
            });
        let envoy = builder.start();
        eventually("the filter is skipped", BOUND, || {
            (both(&envoy) == (skipped(interlock), skipped(interlock))).then_some(())
        });
        let (report, code) = doctor(&envoy);
        assert_eq!(code, Some(1), "{report}");
        assert!(report.contains("typed_per_filter_config"), "{report}");
        assert_eq!(
            report.contains("no RBAC filter demands"),
            !interlock,
            "{report}"
        );
    }
}
