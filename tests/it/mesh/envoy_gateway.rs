//! What Envoy Gateway makes of its policies for one Gateway with one listener and one route.
//!
//! Source: envoyproxy/gateway at `d32f2829` (August 2026): `internal/xds/translator/wasm.go`, `…/listener.go`, `…/jsonpatch.go`,
//! `…/httpfilters.go`, `internal/gatewayapi/envoyextensionpolicy.go`.

use serde_json::{Value, json};

use super::of_kind;
use super::proxy::Proxy;
use crate::support::find;

/// The name that a listener has in xDS.
const LISTENER: &str = "default/eg/http";

/// What the Gateway's Envoys are sent. `on_route`: whether the Gateway's extension policy reaches the route, or a policy of the route's own has
/// replaced it.
pub fn proxy(manifests: &[Value], on_route: bool) -> Proxy {
    let mut filters = Vec::new();
    let mut enabled = serde_json::Map::new();
    for policy in of_kind(manifests, "EnvoyExtensionPolicy") {
        for (index, wasm) in policy["spec"]["wasm"]
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
        {
            let filter = wasm_filter(policy, index, wasm);
            if on_route {
                let name = filter["name"].as_str().unwrap().to_owned();
                enabled.insert(name, json!({"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": {}}));
            }
            filters.push(filter);
        }
    }
    let router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
    filters.push(json!({"name": "envoy.filters.http.router", "typed_config": {"@type": router, "suppress_envoy_headers": true}}));
    let client = of_kind(manifests, "ClientTrafficPolicy");
    let mut manager = manager(&client[0]["spec"]);
    for policy in of_kind(manifests, "EnvoyPatchPolicy") {
        for patch in policy["spec"]["jsonPatches"].as_array().unwrap() {
            apply(patch, &mut manager, &mut filters);
        }
    }
    Proxy {
        manager,
        http_filters: filters,
        on_route: Value::Object(enabled),
        access_log: Some(access_log(of_kind(manifests, "EnvoyProxy")[0])),
        ..Proxy::default()
    }
}

/// Off by default, and switched on at each route; a vm_id of its own; `fail_open` and no failure policy, which is FAIL_CLOSED. The module is fetched from
/// Envoy Gateway; here it is a file.
fn wasm_filter(policy: &Value, index: usize, wasm: &Value) -> Value {
    let text = |member: &str| policy["metadata"][member].as_str().unwrap().to_owned();
    let id = format!(
        "envoyextensionpolicy/{}/{}/wasm/{index}",
        text("namespace"),
        text("name")
    );
    let configuration = wasm["config"].to_string();
    json!({"name": format!("envoy.filters.http.wasm/{id}"), "disabled": true, "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": {
            "name": wasm["name"], "root_id": wasm["rootID"], "fail_open": wasm["failOpen"],
            "vm_config": {"vm_id": id, "runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": find::wasm()}}},
            "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration}}}})
}

/// A patch of the listener. Only the two that there are: the interlock, and a member of the connection manager.
fn apply(patch: &Value, manager: &mut Value, filters: &mut Vec<Value>) {
    assert_eq!(
        patch["type"],
        "type.googleapis.com/envoy.config.listener.v3.Listener"
    );
    if patch["name"] != LISTENER {
        // Envoy Gateway says so in the policy's status, and serves the listener without the patch.
        return;
    }
    let operation = &patch["operation"];
    assert_eq!(operation["op"], "add");
    // `path` is put behind every place that `jsonPath` finds.
    if let Some(path) = operation.get("path") {
        assert_eq!(
            operation["jsonPath"],
            "$..filters[?(@.name=='envoy.filters.network.http_connection_manager')].typed_config"
        );
        let member = path.as_str().unwrap().strip_prefix('/').unwrap();
        manager[member] = operation["value"].clone();
        return;
    }
    assert_eq!(
        operation["jsonPath"],
        "$..http_filters[?(@.name=='envoy.filters.http.router')]"
    );
    let place = filters
        .iter()
        .position(|filter| filter["name"] == "envoy.filters.http.router")
        .unwrap();
    filters.insert(place, operation["value"].clone());
}

fn manager(client: &Value) -> Value {
    let slashes = match client["path"]["escapedSlashesAction"].as_str().unwrap() {
        "KeepUnchanged" => "KEEP_UNCHANGED",
        other => panic!("{other}"),
    };
    let underscores = match client["headers"]["withUnderscoresAction"].as_str().unwrap() {
        "RejectRequest" => "REJECT_REQUEST",
        other => panic!("{other}"),
    };
    let mut manager = json!({
        "common_http_protocol_options": {"headers_with_underscores_action": underscores},
        "normalize_path": true, "merge_slashes": client["path"]["disableMergeSlashes"] != true,
        "path_with_escaped_slashes_action": slashes,
        "use_remote_address": true});
    if let Some(detection) = client.get("clientIPDetection") {
        let trusted = detection["xForwardedFor"]["trustedCIDRs"]
            .as_array()
            .unwrap();
        let cidrs: Vec<_> = trusted
            .iter()
            .map(|range| {
                let (address, length) = range.as_str().unwrap().split_once('/').unwrap();
                json!({"address_prefix": address, "prefix_len": length.parse::<u32>().unwrap()})
            })
            .collect();
        manager["use_remote_address"] = json!(false);
        manager["original_ip_detection_extensions"] = json!([{"name": "envoy.extensions.http.original_ip_detection.xff", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.http.original_ip_detection.xff.v3.XffConfig",
            "xff_trusted_cidrs": {"cidrs": cidrs}, "skip_xff_append": false}}]);
    }
    manager
}

fn access_log(envoy_proxy: &Value) -> Vec<Value> {
    let settings = envoy_proxy["spec"]["telemetry"]["accessLog"]["settings"]
        .as_array()
        .unwrap();
    let logger = |setting: &Value| {
        json!({"name": "envoy.access_loggers.file", "filter": {"extension_filter": {"name": "envoy.access_loggers.extension_filters.cel", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                "expression": setting["matches"][0]}}},
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": setting["sinks"][0]["file"]["path"], "log_format": {"json_format": setting["format"]["json"]}}})
    };
    settings.iter().map(logger).collect()
}
