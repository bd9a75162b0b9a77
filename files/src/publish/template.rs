//! A plain manifest, printed from a template. Names are spelled as in JSON, so that no reader of YAML takes one for a boolean or a number.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::yaml;

/// Which manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Istio's.
    WasmPlugin,
    /// Envoy Gateway's.
    EnvoyExtensionPolicy,
}

/// What a manifest without a template is made of.
#[derive(Clone, Debug)]
pub struct Names {
    /// The manifest's name, and the plugin's; which one is meant, where a file has several
    pub name: String,
    /// The manifest's namespace
    pub namespace: Option<String>,
    /// Where the mesh gets the `.wasm` from, such as `oci://registry.example/keyward:0.1.0`
    pub image: Option<String>,
    /// The Gateway that an EnvoyExtensionPolicy is for
    pub gateway: Option<String>,
}

/// The manifest's text.
pub(super) fn manifest(
    kind: Kind,
    names: &Names,
    configuration: &Value,
    source: Option<&str>,
) -> Result<String> {
    let image = names
        .image
        .as_deref()
        .context("name the .wasm by --image, or give your own manifest by --template")?;
    let text = |text: &str| yaml::spelled(&json!(text));
    let name = text(&names.name);
    let mut metadata = format!("  name: {name}\n");
    if let Some(namespace) = &names.namespace {
        metadata += &format!("  namespace: {}\n", text(namespace));
    }
    if let Some(source) = source {
        metadata += &format!("  annotations:\n    keyward/source: {}\n", text(source));
    }
    match kind {
        Kind::WasmPlugin => Ok(format!(
            "apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata:
{metadata}spec:
  phase: AUTHN
  failStrategy: FAIL_RELOAD
  pluginName: {name}
  url: {}
  pluginConfig: {}
",
            text(image),
            indented(configuration, "    ")
        )),
        Kind::EnvoyExtensionPolicy => {
            let gateway = names.gateway.as_deref().context(
                "name the Gateway by --gateway, or give your own manifest by --template",
            )?;
            Ok(format!(
                "apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyExtensionPolicy
metadata:
{metadata}spec:
  targetRefs:
  - group: gateway.networking.k8s.io
    kind: Gateway
    name: {}
  wasm:
  - name: {name}
    rootID: {name}
    failOpen: false
    code:
      type: Image
      image:
        url: {}
    config: {}
",
                text(gateway),
                text(image.trim_start_matches("oci://")),
                indented(configuration, "      ")
            ))
        }
    }
}

/// What follows a member's name: lines of a flow mapping are indented more than the name.
fn indented(value: &Value, by: &str) -> String {
    yaml::spelled(value).replace('\n', &format!("\n{by}"))
}

/// What a manifest of this kind is made of, if it has no more to it.
pub(super) fn names(kind: Kind, manifest: &Value) -> Option<Names> {
    let at = |pointer: &str| {
        let text = manifest.pointer(pointer).and_then(Value::as_str);
        text.map(str::to_owned)
    };
    let (image, gateway) = match kind {
        Kind::WasmPlugin => ("/spec/url", None),
        Kind::EnvoyExtensionPolicy => {
            ("/spec/wasm/0/code/image/url", at("/spec/targetRefs/0/name"))
        }
    };
    Some(Names {
        name: at("/metadata/name")?,
        namespace: at("/metadata/namespace"),
        image: at(image),
        gateway,
    })
}
