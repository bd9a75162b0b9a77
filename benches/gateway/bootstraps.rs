//! The shipped bootstrap, reduced to the minimum: no access log, a direct response in place of an
//! upstream, and the measured filter before the router. The candidates' Envoys differ only in that
//! filter.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::bootstrap::{at, hcm, remove_http_filter};
use crate::support::find::root;

/// Removes what takes time in every candidate.
pub fn strip(bootstrap: &mut Value) {
    let hcm = hcm(bootstrap);
    hcm.as_object_mut().unwrap().remove("access_log");
    *at(hcm, "/route_config/virtual_hosts/0/routes") = json!([
        {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "{}"}}}
    ]);
}

/// Replaces keyward and its interlock with `filter`, or removes them.
pub fn replace(bootstrap: &mut Value, filter: Option<Value>) {
    remove_http_filter(bootstrap, "keyward");
    remove_http_filter(bootstrap, "keyward.interlock");
    if let Some(filter) = filter {
        let filters = at(hcm(bootstrap), "/http_filters").as_array_mut().unwrap();
        filters.insert(0, filter);
    }
}

fn filter(name: &str, kind: &str, config: Value) -> Value {
    let mut config = config;
    config["@type"] = json!(format!(
        "type.googleapis.com/envoy.extensions.filters.http.{kind}"
    ));
    json!({"name": name, "typed_config": config})
}

/// Returns the filter that does nothing.
pub fn noop(wasm: &Path) -> Value {
    let vm = json!({"vm_id": "noop", "runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": wasm}}});
    filter(
        "noop",
        "wasm.v3.Wasm",
        json!({"config": {"name": "noop", "root_id": "noop", "vm_config": vm}}),
    )
}

/// Returns Envoy's own filter for API keys, which are in plain text.
pub fn api_key_auth(keys: &[String]) -> Value {
    let credentials = keys
        .iter()
        .map(|key| json!({"key": key, "client": "client"}));
    filter(
        "api_key_auth",
        "api_key_auth.v3.ApiKeyAuth",
        json!({"credentials": credentials.collect::<Vec<_>>(), "key_sources": [{"header": "Authorization"}]}),
    )
}

/// Returns a table of keys in Lua.
pub fn lua(keys: &[String]) -> Value {
    let table: String = keys
        .iter()
        .map(|key| format!("[\"Bearer {key}\"]=true,"))
        .collect();
    let code = format!(
        "local keys = {{{table}}}\n\
         function envoy_on_request(handle)\n\
           if not keys[handle:headers():get(\"authorization\")] then\n\
             handle:respond({{[\":status\"] = \"401\"}}, \"\")\n\
           end\n\
         end\n"
    );
    filter(
        "lua",
        "lua.v3.Lua",
        json!({"default_source_code": {"inline_string": code}}),
    )
}

/// Returns a filter for tokens in place of keys, with a JWKS in its configuration, and a token that
/// it accepts.
pub fn jwt_authn() -> Option<(Value, String)> {
    let script = root().join("benches/gateway/jwt.mjs");
    let output = Command::new("node").arg(script).output().ok()?;
    let made: Value = serde_json::from_slice(&output.stdout).ok()?;
    let provider =
        json!({"issuer": "bench", "local_jwks": {"inline_string": made["jwks"]}, "forward": true});
    let config = json!({"providers": {"bench": provider}, "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "bench"}}]});
    let token = made["token"].as_str()?.to_owned();
    Some((
        filter("jwt_authn", "jwt_authn.v3.JwtAuthentication", config),
        token,
    ))
}

/// Adds a filter that calls a service on every request.
pub fn ext_authz(bootstrap: &mut Value, service: SocketAddr) {
    let address =
        json!({"socket_address": {"address": service.ip(), "port_value": service.port()}});
    let endpoints = json!([{"lb_endpoints": [{"endpoint": {"address": address}}]}]);
    let cluster = json!({"name": "authz", "type": "STATIC", "connect_timeout": "1s", "load_assignment": {"cluster_name": "authz", "endpoints": endpoints}});
    let clusters = at(bootstrap, "/static_resources/clusters");
    clusters.as_array_mut().unwrap().push(cluster);
    let server = json!({"uri": format!("http://{service}"), "cluster": "authz", "timeout": "5s"});
    let config = json!({"http_service": {"server_uri": server}});
    replace(
        bootstrap,
        Some(filter("ext_authz", "ext_authz.v3.ExtAuthz", config)),
    );
}

/// Returns the path of the filter that does nothing, or nothing except host calls, as the Makefile
/// builds it.
pub fn noop_wasm(variable: &str, built: &str) -> std::path::PathBuf {
    let place = format!("target/{built}/wasm32-wasip1/release/noop.wasm");
    let built =
        std::env::var_os(variable).map_or_else(|| root().join(place), std::path::PathBuf::from);
    assert!(
        fs::exists(&built).unwrap(),
        "{}: no such file; `make bench` makes it",
        built.display()
    );
    built.canonicalize().unwrap()
}
