//! What istiod, and the agent beside each Envoy, make of Istio's resources for one proxy.
//!
//! Source: istio/istio at `86c9f01f` (August 2026): `pilot/pkg/model/extensions.go`, `pilot/pkg/networking/core/listener_builder.go`,
//! `…/envoyfilter/listener_patch.go`, `…/gateway.go`, `pkg/wasm/convert.go`, `tools/packaging/common/envoy_bootstrap.json`.

use serde_json::{Value, json};

use super::of_kind;
use super::proxy::{Proxy, merge};
use crate::support::find;

const HCM: &str = "envoy.filters.network.http_connection_manager";
const ROUTER: &str = "envoy.filters.http.router";

/// A proxy, as far as resources are chosen for it by what it is.
#[derive(Clone, Copy, Debug)]
pub struct Pod<'a> {
    pub namespace: &'a str,
    pub labels: &'a [(&'a str, &'a str)],
    pub class: Class,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Gateway,
    SidecarInbound,
}

impl Class {
    /// Istio's word for the direction.
    fn mode(self) -> &'static str {
        match self {
            Self::Gateway => "CLIENT",
            Self::SidecarInbound => "SERVER",
        }
    }

    fn context(self) -> &'static str {
        match self {
            Self::Gateway => "GATEWAY",
            Self::SidecarInbound => "SIDECAR_INBOUND",
        }
    }
}

impl Pod<'_> {
    /// Whether a resource of its namespace chooses it.
    fn is_chosen(&self, manifest: &Value, labels: &str) -> bool {
        let chosen = manifest.pointer(labels).and_then(Value::as_object);
        let has = |(name, value): (&String, &Value)| {
            self.labels
                .iter()
                .any(|(label, of)| label == name && value == of)
        };
        manifest["metadata"]["namespace"] == self.namespace
            && chosen.is_none_or(|labels| labels.iter().all(has))
    }
}

/// What a pod's Envoy is sent. `mesh` is the mesh's own configuration.
pub fn proxy(manifests: &[Value], mesh: &Value, pod: Pod<'_>) -> Proxy {
    let mut plugins: Vec<_> = of_kind(manifests, "WasmPlugin")
        .into_iter()
        .filter(|plugin| pod.is_chosen(plugin, "/spec/selector/matchLabels"))
        .filter(|plugin| is_for(plugin, pod.class))
        .collect();
    plugins.sort_by_key(|plugin| -plugin["spec"]["priority"].as_i64().unwrap_or(0));
    let mut filters = Vec::new();
    for plugin in &plugins {
        assert_eq!(plugin["spec"]["phase"], "AUTHN");
        filters.push(discovered(plugin));
    }
    // What istiod puts between, as far as Envoy itself has it.
    for (name, message) in [
        (
            "envoy.filters.http.grpc_stats",
            "grpc_stats.v3.FilterConfig",
        ),
        ("envoy.filters.http.fault", "fault.v3.HTTPFault"),
        ("envoy.filters.http.cors", "cors.v3.Cors"),
        (ROUTER, "router.v3.Router"),
    ] {
        let kind = format!("type.googleapis.com/envoy.extensions.filters.http.{message}");
        filters.push(json!({"name": name, "typed_config": {"@type": kind}}));
    }
    let mut manager = match pod.class {
        Class::Gateway => json!({"use_remote_address": true,
            "xff_num_trusted_hops": mesh["meshConfig"]["defaultConfig"]["gatewayTopology"]["numTrustedProxies"]}),
        Class::SidecarInbound => json!({"use_remote_address": false}),
    };
    let mut patches: Vec<_> = of_kind(manifests, "EnvoyFilter")
        .into_iter()
        .filter(|filter| pod.is_chosen(filter, "/spec/workloadSelector/labels"))
        .collect();
    patches.sort_by_key(|filter| filter["spec"]["priority"].as_i64().unwrap_or(0));
    for patch in patches
        .iter()
        .flat_map(|filter| filter["spec"]["configPatches"].as_array().unwrap())
    {
        if patch["match"]["context"] == pod.class.context() {
            apply(patch, &mut manager, &mut filters);
        }
    }
    Proxy {
        manager,
        http_filters: filters,
        access_log: access_log(manifests, mesh, pod),
        extensions: plugins.into_iter().map(extension).collect(),
        stats_config: Some(stats_config(mesh)),
        ..Proxy::default()
    }
}

fn is_for(plugin: &Value, class: Class) -> bool {
    let modes = plugin["spec"]["match"].as_array();
    modes.is_none_or(|modes| modes.iter().any(|one| one["mode"] == class.mode()))
}

/// Istio 1.30 makes another resource of a WasmPlugin first, and marks its name.
fn name(plugin: &Value) -> String {
    let metadata = &plugin["metadata"];
    let text = |member: &str| metadata[member].as_str().unwrap().to_owned();
    format!(
        "{}.{}~istio-translated-wasmplugin",
        text("namespace"),
        text("name")
    )
}

fn resource_name(plugin: &Value) -> String {
    format!("extensions.istio.io/trafficextension/{}", name(plugin))
}

fn discovered(plugin: &Value) -> Value {
    json!({"name": resource_name(plugin), "config_discovery": {
    "config_source": {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"},
    "type_urls": [
        "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
    ]}})
}

/// The extension's configuration: no vm_id, no `fail_open`, the `.wasm` as a file that the agent has fetched, whatever the URL was.
pub fn extension(plugin: &Value) -> (String, Value) {
    let spec = &plugin["spec"];
    let policy = match spec["failStrategy"].as_str() {
        Some("FAIL_RELOAD") => "FAIL_RELOAD",
        Some("FAIL_OPEN") => "FAIL_OPEN",
        _ => "FAIL_CLOSED",
    };
    let mut config = json!({"name": name(plugin), "root_id": spec["pluginName"], "failure_policy": policy,
        "vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": find::wasm()}}}});
    // For an empty object an empty message is sent, which is the same as none.
    if let Some(members) = spec["pluginConfig"].as_object().filter(|it| !it.is_empty()) {
        let members = Value::Object(members.clone());
        config["configuration"] = json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": written(&members)});
    }
    let wasm = json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": config});
    let resource = json!({"@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "name": resource_name(plugin), "typed_config": wasm});
    (resource_name(plugin), resource)
}

/// JSON as Go writes a `google.protobuf.Struct`: every number is a double, and whole ones below 10^21 are written without exponent.
pub fn written(value: &Value) -> String {
    match value {
        Value::Number(number) => {
            let double = number.as_f64().unwrap();
            assert!(double.abs() < 1e21);
            format!("{double}")
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(written).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members: Vec<_> = members
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::String(name.clone()), written(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

/// An EnvoyFilter's patch. Only what ours use; anything else fails.
fn apply(patch: &Value, manager: &mut Value, filters: &mut Vec<Value>) {
    let filter = &patch["match"]["listener"]["filterChain"]["filter"];
    assert_eq!(filter["name"], HCM);
    let value = &patch["patch"]["value"];
    match (&patch["applyTo"], &patch["patch"]["operation"]) {
        (to, operation) if to == "NETWORK_FILTER" && operation == "MERGE" => {
            let mut config = value["typed_config"].clone();
            config.as_object_mut().unwrap().remove("@type").unwrap();
            merge(manager, &config);
        }
        (to, operation) if to == "HTTP_FILTER" && operation == "INSERT_BEFORE" => {
            let before = &filter["subFilter"]["name"];
            // Where the anchor is missing nothing is inserted, and nobody is told.
            if let Some(place) = filters.iter().position(|filter| &filter["name"] == before) {
                filters.insert(place, value.clone());
            }
        }
        other => panic!("{other:?}"),
    }
}

fn access_log(manifests: &[Value], mesh: &Value, pod: Pod<'_>) -> Option<Vec<Value>> {
    let telemetry = of_kind(manifests, "Telemetry")
        .into_iter()
        .find(|telemetry| pod.is_chosen(telemetry, "/spec/selector/matchLabels"))?;
    let providers = mesh["meshConfig"]["extensionProviders"].as_array().unwrap();
    let loggers = telemetry["spec"]["accessLogging"].as_array().unwrap();
    let logger = |logging: &Value| {
        let name = &logging["providers"][0]["name"];
        let provider = providers.iter().find(|it| &it["name"] == name).unwrap();
        let file = &provider["envoyFileAccessLog"];
        json!({"name": "envoy.access_loggers.file", "filter": {"extension_filter": {"name": "envoy.access_loggers.extension_filters.cel", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                "expression": logging["filter"]["expression"]}}},
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": file["path"], "log_format": {"json_format": file["logFormat"]["labels"]}}})
    };
    Some(loggers.iter().map(logger).collect())
}

/// Which names pass, and which tags are taken out of them: the bootstrap that the agent writes.
fn stats_config(mesh: &Value) -> Value {
    let config = &mesh["meshConfig"]["defaultConfig"];
    let tags = config["extraStatTags"].as_array().unwrap();
    let own = tags.iter().map(|tag| {
        let tag = tag.as_str().unwrap();
        json!({"tag_name": tag, "regex": format!("({tag}=\\.=(.*?);\\.;)")})
    });
    let istios = [
        ("response_code", r"_rq(_(\d{3}))$"),
        ("tag", r"(tag\.(.+?);\.)"),
        ("wasm_filter", r"(wasm_filter\.(.+?)\.)"),
        ("authz_enforce_result", r"rbac(\.(allowed|denied))"),
    ]
    .map(|(tag, regex)| json!({"tag_name": tag, "regex": regex}));
    let prefixes = [
        "reporter=",
        "cluster_manager",
        "listener_manager",
        "server",
        "cluster.xds-grpc",
        "wasm",
        "component",
        "istio",
    ]
    .map(|prefix| json!({"prefix": prefix}));
    let suffixes = ["rbac.allowed", "rbac.denied"].map(|suffix| json!({"suffix": suffix}));
    let regexes = config["proxyStatsMatcher"]["inclusionRegexps"]
        .as_array()
        .unwrap();
    let regexes = regexes
        .iter()
        .map(|regex| json!({"safe_regex": {"regex": regex}}));
    let patterns: Vec<Value> = prefixes
        .into_iter()
        .chain(suffixes)
        .chain(regexes)
        .collect();
    let tags: Vec<Value> = own.chain(istios).collect();
    json!({"use_all_default_tags": false, "stats_tags": tags, "stats_matcher": {"inclusion_list": {"patterns": patterns}}})
}
