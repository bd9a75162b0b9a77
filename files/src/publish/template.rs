//! Prints a plain manifest from a template. Names are quoted as in JSON, so that no YAML reader can
//! mistake one for a boolean or a number.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::yaml;

/// The kind of manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Istio's manifest.
    WasmPlugin,
    /// Envoy Gateway's manifest.
    EnvoyExtensionPolicy,
}

/// The names from which a manifest without a template is made.
#[derive(Clone, Debug)]
pub struct Names {
    /// The name of the manifest and of the plugin; if a file has several manifests, the one to
    /// change
    pub name: String,
    /// The manifest's namespace
    pub namespace: Option<String>,
    /// Where the mesh gets the `.wasm`, such as `oci://registry.example/keyward:0.1.0`
    pub image: Option<String>,
    /// The Gateway to which an EnvoyExtensionPolicy applies
    pub gateway: Option<String>,
}

/// Returns the manifest's text.
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

/// Returns the text after a member's name: lines of a flow mapping are indented more than the name.
fn indented(value: &Value, by: &str) -> String {
    yaml::spelled(value).replace('\n', &format!("\n{by}"))
}

/// Returns the names in a manifest of this kind, which may contain more than these.
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
