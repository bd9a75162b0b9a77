//! The files that keyward ships for the native module, and the module itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::doctor::Diagnosis;
use crate::fail_closed::shipped::{documents, objects};
use crate::support::{bootstrap, find};

/// Every hook that Envoy 1.40 looks up when it loads a filter, plus two optional ones.
const HOOKS: [&str; 28] = [
    "program_init",
    "http_filter_config_destroy",
    "http_filter_config_http_stream_complete",
    "http_filter_config_http_stream_data",
    "http_filter_config_http_stream_headers",
    "http_filter_config_http_stream_reset",
    "http_filter_config_http_stream_trailers",
    "http_filter_config_new",
    "http_filter_config_scheduled",
    "http_filter_destroy",
    "http_filter_downstream_above_write_buffer_high_watermark",
    "http_filter_downstream_below_write_buffer_low_watermark",
    "http_filter_http_callout_done",
    "http_filter_http_stream_complete",
    "http_filter_http_stream_data",
    "http_filter_http_stream_headers",
    "http_filter_http_stream_reset",
    "http_filter_http_stream_trailers",
    "http_filter_local_reply",
    "http_filter_new",
    "http_filter_request_body",
    "http_filter_request_headers",
    "http_filter_request_trailers",
    "http_filter_response_body",
    "http_filter_response_headers",
    "http_filter_response_trailers",
    "http_filter_scheduled",
    "http_filter_stream_complete",
];

#[test]
fn the_native_bootstrap_is_the_other_with_another_filter() {
    let module = Path::new("target/release/libkeyward.so");
    let mut expected = bootstrap::read("envoy/bootstrap.yaml");
    Host::Native.take_over(&mut expected, module);
    // The names of a native module's metrics contain no tags that Envoy must extract.
    expected.as_object_mut().unwrap().remove("stats_config");
    let source = bootstrap::at(
        bootstrap::http_filter(&mut expected, "keyward"),
        "/config_discovery/config_source/path_config_source",
    );
    *source =
        json!({"path": "envoy/native/keyward.yaml", "watched_directory": {"path": "envoy/native"}});
    assert_eq!(bootstrap::read("envoy/native.yaml"), expected);
    let mut expected = bootstrap::shipped_ecds();
    Host::Native.take_over(&mut expected, module);
    assert_eq!(bootstrap::read("envoy/native/keyward.yaml"), expected);
}

/// Returns the names that `nm -D` lists with this letter.
fn symbols(letter: char) -> BTreeSet<String> {
    let output = Command::new("nm").arg("-D").arg(find::native()).output();
    let text = String::from_utf8(output.expect("nm, of binutils").stdout).unwrap();
    let lines = text
        .lines()
        .filter_map(|line| line.trim_start().rsplit_once(' '));
    lines
        .filter(|(start, _)| start.ends_with(letter))
        .map(|(_, name)| name.to_owned())
        .collect()
}

#[test]
fn the_module_exports_the_hooks_and_nothing_else() {
    let expected = HOOKS.map(|hook| format!("envoy_dynamic_module_on_{hook}"));
    assert_eq!(symbols('T'), BTreeSet::from(expected));
}

/// Envoy rejects a module that requires a function which Envoy lacks.
#[test]
fn envoy_has_every_function_that_the_module_asks_for() {
    let of_envoy = |name: &String| name.starts_with("envoy_");
    let asked: BTreeSet<_> = symbols('U').into_iter().filter(of_envoy).collect();
    assert!(asked.len() > 10, "{asked:?}");
    let output = Command::new("nm").arg("-D").arg(find::envoy()).output();
    let text = String::from_utf8(output.expect("nm, of binutils").stdout).unwrap();
    let there: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.split(' ').next_back())
        .collect();
    let missing: Vec<_> = asked
        .iter()
        .filter(|name| !there.contains(&***name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// As shipped, with a snapshot added.
#[test]
fn doctor_finds_the_native_bootstrap_as_it_should_be() {
    let mut config = configuration(1, &[ALICE]);
    config["max_snapshot_age"] = json!(100_000_000);
    let envoy = builder()
        .bootstrap("envoy/native.yaml")
        .config(config.to_string())
        .start();
    assert_eq!(both(&envoy), (401, 200));
    Diagnosis::of(&envoy, &[]).assert_found(&[]);
}

/// Envoy leaves out a module that it has yet to download, so no example uses a download.
#[test]
fn no_example_has_envoy_fetch_the_module() {
    let mut seen = 0;
    for (path, document) in documents() {
        for object in objects(&document) {
            let path = path.display();
            if let Some(module) = object.get("dynamic_module_config") {
                seen += 1;
                assert!(module["module"]["local"].is_object(), "{path}: {module}");
                assert!(module["module"]["remote"].is_null(), "{path}: {module}");
            }
            for module in object
                .get("dynamicModules")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                seen += 1;
                assert_eq!(module["source"]["type"], "Local", "{path}: {module}");
            }
        }
    }
    assert!(seen >= 2, "{seen}");
    let root = find::root();
    let pages = fs::read_dir(root.join("docs")).unwrap();
    let pages = pages
        .map(|page| page.unwrap().path())
        .chain([root.join("README.md")]);
    for page in pages.filter(|page| page.extension().is_some_and(|ending| ending == "md")) {
        let text: String = fs::read_to_string(&page).unwrap();
        let text: String = text.split_whitespace().collect();
        for fetched in ["module:{remote", "module:remote:", "\"module\":{\"remote"] {
            assert!(!text.contains(fetched), "{}", page.display());
        }
    }
}

/// No published schema has these fields yet, so the test looks at the rendered manifests.
#[test]
fn the_manifests_for_envoy_gateway_name_a_file_and_keep_the_interlock() {
    let Some(manifests) = crate::mesh::tools::kustomized("gateway/native") else {
        return;
    };
    let of = |kind: &str| {
        let found: Vec<_> = manifests
            .iter()
            .filter(|manifest| manifest["kind"] == kind)
            .collect();
        assert_eq!(found.len(), 1, "{kind}");
        &found[0]["spec"]
    };
    let policy = of("EnvoyExtensionPolicy");
    assert!(policy["wasm"].is_null());
    assert_eq!(policy["dynamicModule"].as_array().unwrap().len(), 1);
    let module = &of("EnvoyProxy")["dynamicModules"][0];
    assert_eq!(module["name"], policy["dynamicModule"][0]["name"]);
    assert_eq!(module["doNotClose"], true);
    assert_eq!(module["source"]["type"], "Local");
    let path = module["source"]["local"]["path"].as_str().unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(path, format!("/opt/keyward/libkeyward-{version}.so"));
    let lock = &of("EnvoyPatchPolicy")["jsonPatches"][0]["operation"]["value"];
    assert_eq!(lock["name"], "keyward.interlock");
    assert!(of("EnvoyProxy")["telemetry"]["accessLog"].is_object());
}
