//! Checks every manifest that keyward ships or writes against the schemas of its project's CRDs,
//! and that this check finds errors.

use std::fs;

use serde_json::{Value, json};

use super::the;
use super::tools::{kustomized, read_by_kubectl, wrong};
use crate::fail_closed::{ALICE, configuration};
use crate::support::bootstrap::{GATEWAY, documents, hcm, read};
use crate::support::command::command;
use crate::support::process::Folder;

const OVERLAYS: [&str; 7] = [
    "istio/gateway",
    "istio/sidecar",
    "istio/canary",
    "istio/feed",
    "gateway/base",
    "gateway/behind-proxy",
    "gateway/feed",
];

#[track_caller]
fn are_right(manifests: &[Value]) {
    let Some(wrong) = wrong(manifests) else {
        return;
    };
    for (manifest, wrong) in manifests.iter().zip(wrong) {
        assert!(wrong.is_empty(), "{wrong:?}: {manifest:#}");
    }
}

#[test]
fn every_manifest_we_ship_is_one_of_its_projects() {
    let mut all = Vec::new();
    for overlay in OVERLAYS {
        let Some(manifests) = kustomized(overlay) else {
            return;
        };
        assert!(manifests.len() >= 4, "{overlay}");
        all.extend(manifests);
    }
    are_right(&all);
}

#[test]
fn what_push_writes_is_one_of_its_projects() {
    let folder = Folder::new("mesh");
    let source = folder.path().join("keyward.json");
    fs::write(&source, configuration(8, &[ALICE]).to_string()).unwrap();
    let mut manifests = Vec::new();
    for arguments in [
        [
            "--wasm-plugin",
            "--image",
            "oci://registry.example/keyward:0.1.0",
            "--namespace",
            "istio-ingress",
        ],
        [
            "--envoy-extension-policy",
            "--image",
            "registry.example/keyward:0.1.0",
            "--gateway",
            "eg",
        ],
    ] {
        let output = command()
            .args(["push", "-c"])
            .arg(&source)
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        manifests.extend(documents(&String::from_utf8(output.stdout).unwrap()));
    }
    assert_eq!(manifests.len(), 2);
    are_right(&manifests);
}

/// kubectl reads YAML 1.1: there `on` is a boolean and `1_000` is a number, even as names of
/// members. If a name changed this way, the filter would reject the snapshot, or one of two sets of
/// grants would be lost.
#[test]
fn kubectl_reads_what_push_has_written() {
    let folder = Folder::new("mesh");
    let (source, manifest) = (
        folder.path().join("keyward.json"),
        folder.path().join("plugin.yaml"),
    );
    let mut written = configuration(8, &[ALICE]);
    let snapshot = &mut written["snapshot"];
    let names = [
        "on", "y", "No", "1_000", "010", "0x1F", "1e3", "null", ".5", ".inf", "NaN",
    ];
    for name in names {
        snapshot["grant_sets"][name] = json!({"customer": "read"});
    }
    snapshot["api_versions"] = json!(["2026-10-28", "2026-10-28.endive"]);
    let key = &mut snapshot["keys"][0];
    key["id"] = json!("no");
    key["kind"] = json!("restricted");
    key["grants"] = json!("on");
    key["annotations"] = json!({"a": "12:30:45", "b": "=", "c": "yes", "d": "1e5", "e": "2001-01-01", "f": "- # é\n"});
    fs::write(&source, written.to_string()).unwrap();
    let (source, file) = (source.to_str().unwrap(), manifest.to_str().unwrap());
    let image = ["--image", "oci://registry.example/keyward:0.1.0"];
    let said = crate::support::command::keyward(
        &[&["push", "-c", source, "--wasm-plugin", file][..], &image].concat(),
    );
    assert_eq!(said.code, Some(0), "{}", said.err);
    if let Some(seen) = read_by_kubectl(&manifest) {
        assert_eq!(seen["spec"]["pluginConfig"], written);
        assert_eq!(seen["spec"]["failStrategy"], "FAIL_RELOAD");
    }
}

/// Without this test, a check that checks nothing would pass all of the above.
#[test]
fn a_broken_manifest_is_found() {
    let controls = [
        // A value that the project does not know, a missing member, one with another type, and a
        // misspelled name.
        (
            "istio/gateway",
            "WasmPlugin",
            "/spec/failStrategy",
            json!("FAIL_SHUT"),
        ),
        ("istio/gateway", "WasmPlugin", "/spec/url", Value::Null),
        (
            "istio/gateway",
            "WasmPlugin",
            "/spec/phases",
            json!("AUTHN"),
        ),
        (
            "istio/gateway",
            "Telemetry",
            "/spec/accessLogging",
            json!("all"),
        ),
        (
            "istio/gateway",
            "Telemetry",
            "/spec/accesslogging",
            json!([]),
        ),
        (
            "istio/sidecar",
            "AuthorizationPolicy",
            "/spec/rules/0/to/0/operation/methods",
            json!("GET"),
        ),
        (
            "gateway/base",
            "EnvoyExtensionPolicy",
            "/spec/wasm/0/failopen",
            json!(false),
        ),
        (
            "gateway/base",
            "ClientTrafficPolicy",
            "/spec/headers/withUnderscoresAction",
            json!("REJECT_REQUEST"),
        ),
        (
            "gateway/base",
            "EnvoyPatchPolicy",
            "/spec/jsonPatches/0/operation/op",
            json!("insert"),
        ),
        (
            "gateway/base",
            "EnvoyProxy",
            "/spec/telemetry/accessLogs",
            json!({}),
        ),
    ];
    let mut broken = Vec::new();
    for (overlay, kind, pointer, value) in &controls {
        let Some(mut manifests) = kustomized(overlay) else {
            return;
        };
        let manifest = the(&mut manifests, kind);
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        let object = manifest.pointer_mut(parent).unwrap();
        if value.is_null() {
            object.as_object_mut().unwrap().remove(member).unwrap();
        } else {
            object[member] = value.clone();
        }
        broken.push(manifest.clone());
    }
    let Some(wrong) = wrong(&broken) else {
        return;
    };
    for ((_, kind, pointer, _), wrong) in controls.iter().zip(wrong) {
        assert!(!wrong.is_empty(), "{kind}{pointer}");
    }
}

/// Metrics have the same tags, and logs the same members, as in the bootstrap.
#[test]
fn metrics_and_logs_are_the_same_everywhere() {
    let mut bootstrap = read(GATEWAY);
    let tags = bootstrap["stats_config"]["stats_tags"].clone();
    let names: Vec<_> = tags
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["tag_name"].clone())
        .collect();
    let log = hcm(&mut bootstrap)["access_log"].clone();
    let members = |number: usize| log[number]["typed_config"]["log_format"]["json_format"].clone();
    assert_eq!(log.as_array().unwrap().len(), 2);

    let mesh = &super::mesh_config()["meshConfig"];
    assert_eq!(mesh["defaultConfig"]["extraStatTags"], json!(names));
    for (number, name) in ["keyward", "keyward-without-path"].into_iter().enumerate() {
        let provider = &mesh["extensionProviders"][number];
        assert_eq!(provider["name"], name);
        assert_eq!(
            provider["envoyFileAccessLog"]["logFormat"]["labels"],
            members(number)
        );
    }
    let Some(manifests) = kustomized("gateway/base") else {
        return;
    };
    let proxy = super::of_kind(&manifests, "EnvoyProxy")[0].clone();
    for number in 0..2 {
        let format = &proxy["spec"]["telemetry"]["accessLog"]["settings"][number]["format"];
        assert_eq!(format["json"], members(number));
    }
    let stats = documents(proxy["spec"]["bootstrap"]["value"].as_str().unwrap()).remove(0);
    assert_eq!(stats["stats_config"]["stats_tags"], tags);
}

/// If the second plugin differed in more than its name and its pods, the canary would also test
/// that difference.
#[test]
fn the_canary_is_the_stable_plugin_for_other_pods() {
    let Some(manifests) = kustomized("istio/canary") else {
        return;
    };
    let plugins = super::of_kind(&manifests, "WasmPlugin");
    let [stable, canary] = plugins.as_slice() else {
        panic!("{plugins:?}");
    };
    let mut expected = (*stable).clone();
    expected["metadata"]["name"] = json!("keyward-canary");
    expected["spec"]["selector"]["matchLabels"]["keyward-track"] = json!("canary");
    assert_eq!(**canary, expected);
    assert_eq!(
        stable["spec"]["selector"]["matchLabels"]["keyward-track"],
        "stable"
    );
}
