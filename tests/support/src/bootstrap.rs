//! The bootstrap that keyward ships, read as data and changed in place. The Envoys of the tests
//! differ from it only in the changes named here.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::find::root;

/// The default bootstrap of a test.
pub const GATEWAY: &str = "envoy/bootstrap.yaml";

/// Reads `envoy/ecds/keyward.yaml`.
pub fn shipped_ecds() -> Value {
    read("envoy/ecds/keyward.yaml")
}

/// Reads a YAML file of the project, by its path from the root.
pub fn read(path: &str) -> Value {
    let path = root().join(path);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_norway::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the member at `pointer`, and panics if it does not exist: if the structure of a shipped
/// file changes, the tests that edit it fail.
#[track_caller]
pub fn at<'a>(value: &'a mut Value, pointer: &str) -> &'a mut Value {
    value
        .pointer_mut(pointer)
        .unwrap_or_else(|| panic!("`{pointer}` is missing"))
}

/// Returns the HTTP connection manager of the gateway's listener.
#[track_caller]
pub fn hcm(bootstrap: &mut Value) -> &mut Value {
    at(
        named(at(bootstrap, "/static_resources/listeners"), "gateway"),
        "/filter_chains/0/filters/0/typed_config",
    )
}

/// Returns the HTTP filter with this name in the gateway's chain.
#[track_caller]
pub fn http_filter<'a>(bootstrap: &'a mut Value, name: &str) -> &'a mut Value {
    named(at(hcm(bootstrap), "/http_filters"), name)
}

#[track_caller]
fn named<'a>(list: &'a mut Value, name: &str) -> &'a mut Value {
    let items = list.as_array_mut().unwrap();
    items
        .iter_mut()
        .find(|item| item["name"] == name)
        .unwrap_or_else(|| panic!("nothing is named `{name}`"))
}

/// Sets free ports and this instance's own files.
pub fn relocate(bootstrap: &mut Value, wasm: &Path, ecds: &Path) {
    *at(bootstrap, "/admin/address/socket_address/port_value") = json!(0);
    let listeners = at(bootstrap, "/static_resources/listeners");
    *at(
        named(listeners, "gateway"),
        "/address/socket_address/port_value",
    ) = json!(0);
    // The built-in upstream needs an address before it has a port. A socket in Envoy's working
    // directory needs no port.
    let mut names = listeners.as_array().unwrap().iter();
    if names.any(|listener| listener["name"] == "upstream") {
        let pipe = json!({"pipe": {"path": "upstream.sock"}});
        *at(named(listeners, "upstream"), "/address") = pipe.clone();
        *at(upstream_endpoint(bootstrap), "/address") = pipe;
    }
    let discovery = at(http_filter(bootstrap, "keyward"), "/config_discovery");
    *at(discovery, "/config_source/path_config_source/path") = json!(ecds);
    *at(
        discovery,
        "/config_source/path_config_source/watched_directory/path",
    ) = json!(ecds.parent());
    let native = "/default_config/dynamic_module_config/module/local/filename";
    let wasm_or_native = match discovery.pointer(native) {
        Some(_) => native,
        None => "/default_config/config/vm_config/code/local/filename",
    };
    *at(discovery, wasm_or_native) = json!(wasm);
}

/// Returns the cluster with this name.
#[track_caller]
pub fn cluster<'a>(bootstrap: &'a mut Value, name: &str) -> &'a mut Value {
    named(at(bootstrap, "/static_resources/clusters"), name)
}

/// Removes a filter from the gateway's chain.
pub fn remove_http_filter(bootstrap: &mut Value, name: &str) {
    http_filter(bootstrap, name);
    at(hcm(bootstrap), "/http_filters")
        .as_array_mut()
        .unwrap()
        .retain(|filter| filter["name"] != name);
}

/// Sends the gateway's requests to `upstream`.
pub fn route_to(bootstrap: &mut Value, upstream: SocketAddr) {
    let address =
        json!({"socket_address": {"address": upstream.ip(), "port_value": upstream.port()}});
    *at(upstream_endpoint(bootstrap), "/address") = address;
}

fn upstream_endpoint(bootstrap: &mut Value) -> &mut Value {
    at(
        cluster(bootstrap, "upstream"),
        "/load_assignment/endpoints/0/lb_endpoints/0/endpoint",
    )
}

/// Allows these upgrades (`websocket`, `CONNECT`). CONNECT also needs its own kind of route.
pub fn allow_upgrades(bootstrap: &mut Value, kinds: &[&str]) {
    let hcm = hcm(bootstrap);
    hcm["upgrade_configs"] = kinds
        .iter()
        .map(|kind| json!({"upgrade_type": kind}))
        .collect();
    if kinds.contains(&"CONNECT") {
        let connect = json!({
            "match": {"connect_matcher": {}},
            "route": {"cluster": "upstream", "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}]},
        });
        at(hcm, "/route_config/virtual_hosts/0/routes")
            .as_array_mut()
            .unwrap()
            .insert(0, connect);
    }
}

/// Parses every document of a YAML text.
pub fn documents(text: &str) -> Vec<Value> {
    use serde::Deserialize;
    serde_norway::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).unwrap())
        .collect()
}
