//! The Envoy configuration in `tests/mesh` is equivalent to keyward's manifests: each part is
//! compared with the manifest that it comes from, so neither can change without the other.

use serde_json::{Value, json};

use super::proxy::Proxy;
use super::tools::kustomized;
use super::{mesh_config, of_kind, the};

const HCM: &str = "envoy.filters.network.http_connection_manager";

/// Returns the filter with this name, and whether it is directly before the router.
#[track_caller]
fn filter<'a>(proxy: &'a Proxy, name: &str) -> (&'a Value, bool) {
    let filters = &proxy.http_filters;
    let place = filters.iter().position(|filter| filter["name"] == name);
    let place = place.unwrap_or_else(|| panic!("no {name}"));
    let next = filters.get(place + 1).map(|filter| &filter["name"]);
    (
        &filters[place],
        next == Some(&json!("envoy.filters.http.router")),
    )
}

/// Returns the part of the shipped configuration that the control plane sends.
fn configuration(sent: &Value) -> Value {
    let value = &sent["typed_config"]["config"]["configuration"]["value"];
    serde_json::from_str(value.as_str().unwrap()).unwrap()
}

/// Returns the only patch of one of keyward's EnvoyFilters, which is for this context and applied
/// after every filter that sets no priority.
#[track_caller]
fn patch<'a>(manifests: &'a [Value], name: &str, context: &str) -> &'a Value {
    let all = of_kind(manifests, "EnvoyFilter");
    let named = all.iter().find(|it| it["metadata"]["name"] == name);
    let spec = &named.unwrap_or_else(|| panic!("no {name}"))["spec"];
    assert!(spec["priority"].as_i64().unwrap() >= 1000, "{spec}");
    let patches = spec["configPatches"].as_array().unwrap();
    assert_eq!(patches.len(), 1, "{name}");
    assert_eq!(patches[0]["match"]["context"], context);
    let listener = &patches[0]["match"]["listener"];
    assert_eq!(listener["filterChain"]["filter"]["name"], HCM);
    &patches[0]
}

#[test]
fn istios_manifests_amount_to_what_runs_here() {
    for (overlay, context, mode) in [
        ("gateway", "GATEWAY", "CLIENT"),
        ("sidecar", "SIDECAR_INBOUND", "SERVER"),
    ] {
        let Some(mut manifests) = kustomized(&format!("istio/{overlay}")) else {
            return;
        };
        let proxy = Proxy::read("istio", overlay);

        let plugin = the(&mut manifests, "WasmPlugin").clone();
        let (metadata, spec) = (&plugin["metadata"], &plugin["spec"]);
        // In phase AUTHN, and therefore first, and for this direction.
        assert_eq!(spec["phase"], "AUTHN");
        assert_eq!(spec["match"], json!([{"mode": mode}]));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let name = format!(
            "{}.{}~istio-translated-wasmplugin",
            text(&metadata["namespace"]),
            text(&metadata["name"])
        );
        let resource = format!("extensions.istio.io/trafficextension/{name}");
        assert_eq!(proxy.http_filters[0]["name"], resource);
        let [extension] = proxy.extensions.as_slice() else {
            panic!("one plugin")
        };
        assert_eq!(extension["name"], resource);
        let sent = &extension["typed_config"]["config"];
        assert_eq!(sent["name"], name);
        assert_eq!(sent["root_id"], spec["pluginName"]);
        assert_eq!(sent["failure_policy"], spec["failStrategy"]);
        assert_eq!(spec.get("vmConfig"), None);
        assert_eq!(configuration(extension), spec["pluginConfig"]);

        let interlock = patch(&manifests, "keyward.interlock", context);
        assert_eq!(interlock["applyTo"], "HTTP_FILTER");
        assert_eq!(interlock["patch"]["operation"], "INSERT_BEFORE");
        let before = &interlock["match"]["listener"]["filterChain"]["filter"]["subFilter"];
        assert_eq!(before["name"], "envoy.filters.http.router");
        let (inserted, is_last) = filter(&proxy, "keyward.interlock");
        assert_eq!((inserted, is_last), (&interlock["patch"]["value"], true));

        let merged = patch(&manifests, "keyward.connection-manager", context);
        assert_eq!(merged["applyTo"], "NETWORK_FILTER");
        assert_eq!(merged["patch"]["operation"], "MERGE");
        let mut members = merged["patch"]["value"]["typed_config"].clone();
        members.as_object_mut().unwrap().remove("@type").unwrap();
        assert_eq!(proxy.patched, members, "{overlay}");
    }
}

/// If one resource selected other pods, some pods would have no interlock, or only the interlock.
#[test]
fn every_resource_of_an_overlay_chooses_the_same_pods() {
    for overlay in ["istio/gateway", "istio/sidecar"] {
        let Some(manifests) = kustomized(overlay) else {
            return;
        };
        let chosen = |manifest: &Value| {
            let spec = &manifest["spec"];
            let selector = ["/selector/matchLabels", "/workloadSelector/labels"];
            let labels = selector.iter().find_map(|place| spec.pointer(place));
            (manifest["metadata"]["namespace"].clone(), labels.cloned())
        };
        let first = chosen(&manifests[0]);
        assert!(first.1.is_some(), "{first:?}");
        for manifest in &manifests {
            assert_eq!(chosen(manifest), first, "{manifest}");
        }
    }
}

#[test]
fn istios_mesh_configuration_amounts_to_what_runs_here() {
    let mesh = mesh_config();
    let defaults = &mesh["meshConfig"]["defaultConfig"];
    let gateway = Proxy::read("istio", "gateway");
    let hops = &defaults["gatewayTopology"]["numTrustedProxies"];
    assert_eq!(&gateway.manager["xff_num_trusted_hops"], hops);
    let stats = gateway.stats_config.unwrap();
    let own = defaults["extraStatTags"].as_array().unwrap().iter();
    let own: Vec<Value> = own
        .map(|tag| {
            let tag = tag.as_str().unwrap();
            json!({"tag_name": tag, "regex": format!("({tag}=\\.=(.*?);\\.;)")})
        })
        .collect();
    let tags = stats["stats_tags"].as_array().unwrap();
    assert!(tags.starts_with(&own), "{tags:?}");
    let included = &defaults["proxyStatsMatcher"]["inclusionRegexps"];
    let included = included.as_array().unwrap().iter();
    let included: Vec<Value> = included
        .map(|regex| json!({"safe_regex": {"regex": regex}}))
        .collect();
    let patterns = &stats["stats_matcher"]["inclusion_list"]["patterns"];
    assert!(patterns.as_array().unwrap().ends_with(&included));
}

#[test]
fn envoy_gateways_policies_amount_to_what_runs_here() {
    for overlay in ["base", "behind-proxy"] {
        let Some(mut manifests) = kustomized(&format!("gateway/{overlay}")) else {
            return;
        };
        let proxy = Proxy::read("envoy-gateway", overlay);

        let policy = the(&mut manifests, "EnvoyExtensionPolicy").clone();
        let [wasm] = policy["spec"]["wasm"].as_array().unwrap().as_slice() else {
            panic!("one plugin")
        };
        let id = "envoyextensionpolicy/default/keyward/wasm/0";
        assert_eq!(policy["metadata"]["name"], "keyward");
        let name = format!("envoy.filters.http.wasm/{id}");
        let sent = &proxy.http_filters[0];
        assert_eq!(
            (&sent["name"], &sent["disabled"]),
            (&json!(name), &json!(true))
        );
        assert!(proxy.on_route.get(&name).is_some(), "{}", proxy.on_route);
        let config = &sent["typed_config"]["config"];
        assert_eq!(config["vm_config"]["vm_id"], id);
        assert_eq!(config["name"], wasm["name"]);
        assert_eq!(config["root_id"], wasm["rootID"]);
        assert_eq!(config["fail_open"], wasm["failOpen"]);
        assert_eq!(configuration(sent), wasm["config"]);

        // In ascending order: this one comes last, so that nothing is inserted between the
        // interlock and the router.
        let spec = the(&mut manifests, "EnvoyPatchPolicy")["spec"].clone();
        assert!(spec["priority"].as_i64().unwrap() >= 1000, "{spec}");
        let [interlock, merged] = spec["jsonPatches"].as_array().unwrap().as_slice() else {
            panic!("two patches")
        };
        for patch in [interlock, merged] {
            assert_eq!(patch["name"], "default/eg/http");
            assert_eq!(patch["operation"]["op"], "add");
        }
        let operation = &interlock["operation"];
        let router = "$..http_filters[?(@.name=='envoy.filters.http.router')]";
        assert_eq!(operation["jsonPath"], router);
        let (inserted, is_last) = filter(&proxy, "keyward.interlock");
        assert_eq!((inserted, is_last), (&operation["value"], true));
        let operation = &merged["operation"];
        let manager = format!("$..filters[?(@.name=='{HCM}')].typed_config");
        assert_eq!(operation["jsonPath"], manager);
        let member = operation["path"].as_str().unwrap().trim_start_matches('/');
        assert_eq!(proxy.patched, json!({member: operation["value"]}));

        let client = &the(&mut manifests, "ClientTrafficPolicy")["spec"];
        let manager = &proxy.manager;
        assert_eq!(client["headers"]["withUnderscoresAction"], "RejectRequest");
        let underscores = &manager["common_http_protocol_options"];
        assert_eq!(
            underscores["headers_with_underscores_action"],
            "REJECT_REQUEST"
        );
        assert_eq!(client["path"]["escapedSlashesAction"], "KeepUnchanged");
        assert_eq!(
            manager["path_with_escaped_slashes_action"],
            "KEEP_UNCHANGED"
        );
        assert_eq!(client["path"]["disableMergeSlashes"], true);
        assert_eq!(manager["merge_slashes"], false);
        let detection = client.pointer("/clientIPDetection/xForwardedFor/trustedCIDRs");
        assert_eq!(manager["use_remote_address"], detection.is_none());
        let cidrs = "/original_ip_detection_extensions/0/typed_config/xff_trusted_cidrs/cidrs";
        let trusted = manager.pointer(cidrs).map(|cidrs| {
            let cidrs = cidrs.as_array().unwrap().iter();
            let text = |cidr: &Value| {
                let address = cidr["address_prefix"].as_str().unwrap();
                json!(format!("{address}/{}", cidr["prefix_len"]))
            };
            cidrs.map(text).collect::<Value>()
        });
        assert_eq!(trusted.as_ref(), detection);
    }
}
