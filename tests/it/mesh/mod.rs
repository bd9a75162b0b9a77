//! keyward in a mesh: the manifests in `envoy/istio` and `envoy/gateway`, and what `keyward push`
//! makes of them. A test builds them with kustomize and compares them with the CRD schemas of the
//! projects ([`schemas`]). The resulting Envoy configuration is in `tests/mesh`. A test compares it
//! with the manifests ([`amounts`]) and runs it in a real Envoy.
//!
//! No cluster is involved: what a control plane is expected to make of a manifest follows its
//! source.

mod amounts;
mod feed;
mod gateway;
mod istio;
pub mod proxy;
mod revoked;
mod schemas;
pub mod tools;

use serde_json::Value;

use crate::support::Envoy;
use crate::support::command::keyward;
use crate::support::find::root;

/// Returns the manifests of one kind.
pub fn of_kind<'a>(manifests: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let is_meant = |manifest: &&Value| manifest["kind"] == kind;
    manifests.iter().filter(is_meant).collect()
}

/// Returns the only manifest of this kind, for changes.
#[track_caller]
pub fn the<'a>(manifests: &'a mut [Value], kind: &str) -> &'a mut Value {
    let mut found = manifests
        .iter_mut()
        .filter(|manifest| manifest["kind"] == kind);
    match (found.next(), found.next()) {
        (Some(manifest), None) => manifest,
        _ => panic!("not one {kind}"),
    }
}

/// Reads a YAML file of the project, with its merge keys applied.
pub fn merged(path: &str) -> Value {
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    let mut value: serde_norway::Value = serde_norway::from_str(&text).unwrap();
    value.apply_merge().unwrap();
    serde_json::to_value(value).unwrap()
}

/// Reads `envoy/istio/mesh-config.yaml`.
pub fn mesh_config() -> Value {
    merged("envoy/istio/mesh-config.yaml")
}

/// Returns the expression and the format of each logger of Envoy Gateway.
pub fn gateway_settings() -> Vec<Value> {
    let proxy = merged("envoy/gateway/base/envoy-proxy.yaml");
    let settings = &proxy["spec"]["telemetry"]["accessLog"]["settings"];
    settings.as_array().unwrap().clone()
}

/// Returns the expression of each logger of Istio, and its provider's format.
pub fn istio_loggers() -> Vec<(String, Value)> {
    let telemetry = merged("envoy/istio/base/telemetry.yaml");
    let mesh = mesh_config();
    let providers = mesh["meshConfig"]["extensionProviders"].as_array().unwrap();
    let loggers = telemetry["spec"]["accessLogging"].as_array().unwrap();
    let logger = |logger: &Value| {
        let name = &logger["providers"][0]["name"];
        let provider = providers.iter().find(|it| &it["name"] == name).unwrap();
        let expression = logger["filter"]["expression"].as_str().unwrap();
        (
            expression.to_owned(),
            provider["envoyFileAccessLog"]["logFormat"]["labels"].clone(),
        )
    };
    loggers.iter().map(logger).collect()
}

/// Returns the exit code of `keyward doctor`.
fn doctor(envoy: &Envoy) -> Option<i32> {
    let url = format!("http://{}", envoy.admin_address());
    let said = keyward(&["doctor", "--admin", &url]);
    println!("{}{}", said.out, said.err);
    said.code
}
