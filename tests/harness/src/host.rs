//! What runs the filter in Envoy: a VM, or Envoy itself. With `KEYWARD_HOST=native`, every test
//! that does not choose a file runs the native module. Tests describe the filter in wasm, and this
//! module translates the description for the native module.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::find;

const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
const NATIVE: &str =
    "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    Wasm,
    Native,
}

impl Host {
    /// Returns the host of all tests that do not choose one.
    pub fn chosen() -> Self {
        match std::env::var("KEYWARD_HOST").as_deref() {
            Err(_) | Ok("" | "wasm") => Self::Wasm,
            Ok("native") => Self::Native,
            Ok(other) => panic!("KEYWARD_HOST is `{other}`, and not `wasm` or `native`"),
        }
    }

    /// Returns the filter that keyward ships for this host.
    pub fn filter(self) -> PathBuf {
        match self {
            Self::Wasm => find::wasm(),
            Self::Native => find::native(),
        }
    }

    /// Returns where the file that Envoy watches contains the configuration's text.
    pub fn configuration(self) -> &'static str {
        match self {
            Self::Wasm => "/resources/0/typed_config/config/configuration/value",
            Self::Native => "/resources/0/typed_config/filter_config/value",
        }
    }

    /// Returns where that file contains the path of the filter's file.
    pub fn code(self) -> &'static str {
        match self {
            Self::Wasm => "/resources/0/typed_config/config/vm_config/code/local/filename",
            Self::Native => "/resources/0/typed_config/dynamic_module_config/module/local/filename",
        }
    }

    /// Changes a description of wasm filters into one for this host. `file` is the filter.
    pub fn take_over(self, description: &mut Value, file: &Path) {
        match self {
            Self::Wasm => {}
            Self::Native => nativize(description, file),
        }
    }

    /// Translates the name of a wasm metric: `wasmcustom.plugin=.=NAME;.;keyward_x` is
    /// `keyward.x.plugin.NAME` in the native module.
    pub fn stat(self, name: &str) -> String {
        let custom = match self {
            Self::Wasm => None,
            Self::Native => name.strip_prefix("wasmcustom."),
        };
        let Some(custom) = custom else {
            return name.to_owned();
        };
        let (mut tags, mut rest) = (String::new(), custom);
        while let Some((tag, after)) = rest.split_once(";.;") {
            let (tag, value) = tag.split_once("=.=").expect("a tag has a value");
            tags += &format!(".{tag}.{value}");
            rest = after;
        }
        let metric = rest.strip_prefix("keyward_").expect("a metric of ours");
        format!("keyward.{metric}{tags}")
    }
}

/// Turns every wasm plugin in `value` into a native one with the same name and configuration.
fn nativize(value: &mut Value, file: &Path) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| nativize(item, file)),
        Value::Object(members) => {
            if members.get("@type").is_some_and(|kind| kind == WASM) {
                let config = &members["config"];
                let none = json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": ""});
                *value = json!({
                    "@type": NATIVE,
                    "dynamic_module_config": {
                        "module": {"local": {"filename": file}},
                        "do_not_close": true,
                        "metrics_namespace": "keyward",
                    },
                    "filter_name": config["name"],
                    "filter_config": config.get("configuration").unwrap_or(&none),
                });
                return;
            }
            members
                .values_mut()
                .for_each(|member| nativize(member, file));
        }
        Value::String(text) if text == WASM => NATIVE.clone_into(text),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
