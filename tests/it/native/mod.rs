//! What only the native module has: how Envoy loads it, how it shares one copy, and what becomes of a panic. Everything else is tested by the tests of
//! the filter in wasm, with `KEYWARD_HOST=native`.

mod counts;
mod loading;
mod panics;
mod replies;
mod shipped;
mod switch;

use serde_json::{Value, json};

use crate::fail_closed::{ALICE, STRANGER, configuration};
use crate::support::builder::Builder;
use crate::support::http::Connection;
use crate::support::{Envoy, Host};

/// The Envoy we ship, with the native module, whatever runs the filter in other tests.
fn builder() -> Builder {
    Envoy::builder().host(Host::Native)
}

fn started() -> Envoy {
    builder()
        .config(configuration(1, &[ALICE]).to_string())
        .start()
}

/// An ECDS response with that `dynamic_module_config`.
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

/// What a stranger is answered, and the key's owner.
fn both(envoy: &Envoy) -> (u16, u16) {
    let mut connection = Connection::open(envoy.address());
    let mut ask = |key| crate::fail_closed::ask(&mut connection, key).status;
    (ask(STRANGER), ask(ALICE))
}
