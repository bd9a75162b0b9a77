//! Tests of what only the native module has: how Envoy loads it, how it shares one copy, and what
//! happens after a panic. The tests of the wasm filter cover everything else, with
//! `KEYWARD_HOST=native`.

mod counts;
mod files;
mod loading;
mod memory;
mod panics;
mod remote;
mod replies;
mod shipped;
mod switch;
mod versions;

use std::path::Path;

use serde_json::{Value, json};

use crate::fail_closed::{ALICE, STRANGER, configuration};
use crate::support::bootstrap::http_filter;
use crate::support::builder::Builder;
use crate::support::http::Connection;
use crate::support::{Envoy, Host};

/// Returns the shipped Envoy with the native module, regardless of what runs the filter in other
/// tests.
fn builder() -> Builder {
    Envoy::builder().host(Host::Native)
}

fn started() -> Envoy {
    builder()
        .config(configuration(1, &[ALICE]).to_string())
        .start()
}

/// Returns an ECDS response with this `dynamic_module_config`.
fn response(version: u64, module: &Value, config: &str) -> Vec<u8> {
    let resource = json!({
        "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "name": "keyward",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter",
            "dynamic_module_config": module,
            "filter_name": "keyward",
            "filter_config": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": config},
        },
    });
    let response = json!({"version_info": version.to_string(), "resources": [resource]});
    response.to_string().into_bytes()
}

/// Returns a module in this file, configured as keyward ships it.
fn local(file: &Path) -> Value {
    json!({"module": {"local": {"filename": file}}, "do_not_close": true, "metrics_namespace": "keyward"})
}

/// Puts keyward into the listener's own filters, without ECDS.
fn as_static(config: &str, module: &Value) -> impl FnOnce(&mut Value) + use<> {
    let response: Value = serde_json::from_slice(&response(1, module, config)).unwrap();
    let typed = response["resources"][0]["typed_config"].clone();
    move |bootstrap| {
        *http_filter(bootstrap, "keyward") = json!({"name": "keyward", "typed_config": typed})
    }
}

/// Returns the doctor's output and exit code.
fn doctor(envoy: &Envoy) -> (String, Option<i32>) {
    let url = format!("http://{}", envoy.admin_address());
    let mut command = crate::support::command::command();
    let output = command.args(["doctor", "--admin", &url]).output().unwrap();
    (
        String::from_utf8(output.stdout).unwrap(),
        output.status.code(),
    )
}

/// Returns the status for a stranger, and for the key's owner.
fn both(envoy: &Envoy) -> (u16, u16) {
    let mut connection = Connection::open(envoy.address());
    let mut ask = |key| crate::fail_closed::ask(&mut connection, key).status;
    (ask(STRANGER), ask(ALICE))
}
