//! How Envoy finds the module, and how it is set up.

use super::*;
use crate::fail_closed::{BOB, BOTH, everywhere, skipped, with_interlock};
use crate::support::bootstrap::{at, hcm};
use crate::support::{BOUND, LONG, Push, eventually, find};

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

/// Each listener of a resource has its own configuration. The unit tests in the module's
/// `loading.rs` check that they share one copy of the keys, because only there it can be seen
/// exactly.
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
