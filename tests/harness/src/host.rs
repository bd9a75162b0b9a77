//! What runs the filter in Envoy: a VM, or Envoy itself. `KEYWARD_HOST=native` makes every test
//! that names no other file run the native module. Tests describe the wasm filter, and this module
//! converts that to the native form.

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

    /// Returns the filter that is shipped for this host.
    pub fn filter(self) -> PathBuf {
        match self {
            Self::Wasm => find::wasm(),
            Self::Native => find::native(),
        }
    }

    /// Returns the place of the configuration's text in the file that Envoy watches.
    pub fn configuration(self) -> &'static str {
        match self {
            Self::Wasm => "/resources/0/typed_config/config/configuration/value",
            Self::Native => "/resources/0/typed_config/filter_config/value",
        }
    }

    /// Returns the place of the path of the filter's file.
    pub fn code(self) -> &'static str {
        match self {
            Self::Wasm => "/resources/0/typed_config/config/vm_config/code/local/filename",
            Self::Native => "/resources/0/typed_config/dynamic_module_config/module/local/filename",
        }
    }

    /// Converts wasm filters to this host's form. `file` is the filter.
    pub fn take_over(self, description: &mut Value, file: &Path) {
        match self {
            Self::Wasm => {}
            Self::Native => nativize(description, file),
        }
    }

    /// Returns the name of a metric that is `name` in wasm: `wasmcustom.plugin=.=NAME;.;keyward_x`
    /// is `keyward.x.plugin.NAME` natively.
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

/// Converts every plugin of a wasm filter in `value` to a native one with the same name and
/// configuration.
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
