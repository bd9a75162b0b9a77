//! Kubernetes manifests with the configuration as an object: Istio's `WasmPlugin` and Envoy
//! Gateway's `EnvoyExtensionPolicy`. Either the operator's own manifest receives the configuration,
//! or keyward makes a plain one from names.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::template::{self, Kind, Names};
use super::text_file::{Form, TextFile};
use crate::key_file::SourceName;

/// The maximum size of an object in etcd, 1.5 MiB, minus the part that the API server adds.
///
/// Source: <https://etcd.io/docs/v3.5/dev-guide/limit/>
const LARGEST_OBJECT: usize = (1536 - 64) << 10;

/// The annotation with the name of the keys' source.
const SOURCE: &str = "/metadata/annotations/keyward~1source";

/// A larger number may change when it is read as a double, as istiod does.
const LARGEST_NUMBER: u64 = 1 << 53;

impl Kind {
    /// Returns the manifest's `kind`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WasmPlugin => "WasmPlugin",
            Self::EnvoyExtensionPolicy => "EnvoyExtensionPolicy",
        }
    }

    /// Reads the only manifest of this kind in a file. If there are several, reads the one that
    /// --name names.
    pub(super) fn read(self, bytes: Vec<u8>, form: Form, names: &Names) -> Result<TextFile> {
        let kind = self.name();
        let is_of_kind = |value: &Value| value.get("kind").and_then(Value::as_str) == Some(kind);
        let is_named = |value: &Value| {
            value.pointer("/metadata/name").and_then(Value::as_str) == Some(&names.name)
        };
        let of_several = format!("{kind} named `{}`", names.name);
        TextFile::read_one(bytes, form, is_of_kind, is_named, (kind, &of_several))
    }

    /// Returns a manifest with an empty configuration.
    pub(super) fn plain(self, names: &Names) -> Result<TextFile> {
        let empty = json!({"snapshot": {}});
        let text = template::manifest(self, names, &empty, None)?;
        self.read(text.into_bytes(), Form::Yaml, names)
    }

    /// Whether `plain` made this document and a push filled it. Then it can be printed in that form
    /// again.
    pub(super) fn is_plain(self, document: &TextFile) -> bool {
        let printed = self.printed(document);
        printed.is_some() && document.only_yaml() == printed.as_deref()
    }

    /// Returns the document as the template prints it, if the template has all of its members.
    fn printed(self, document: &TextFile) -> Option<String> {
        document.only_yaml()?;
        let value = document.value();
        let names = template::names(self, value)?;
        let configuration = value.pointer(self.plain_pointer())?;
        let source = value.pointer(SOURCE).map(Value::as_str);
        let text = template::manifest(self, &names, configuration, source.flatten()).ok()?;
        let read = self
            .read(text.clone().into_bytes(), Form::Yaml, &names)
            .ok()?;
        (read.value() == value).then_some(text)
    }

    /// Returns the place of the configuration in a plain manifest.
    fn plain_pointer(self) -> &'static str {
        match self {
            Self::WasmPlugin => "/spec/pluginConfig",
            Self::EnvoyExtensionPolicy => "/spec/wasm/0/config",
        }
    }

    /// Returns the place of the configuration.
    fn pointer(self, document: &TextFile, names: &Names) -> Result<String> {
        match self {
            Self::WasmPlugin => Ok(self.plain_pointer().to_owned()),
            Self::EnvoyExtensionPolicy => {
                let plugins = document
                    .value()
                    .pointer("/spec/wasm")
                    .and_then(Value::as_array);
                let named = |plugin: &&Value| {
                    plugin.get("name").and_then(Value::as_str) == Some(&names.name)
                };
                let position = match plugins.map(Vec::as_slice) {
                    Some([_]) => Some(0),
                    Some(plugins) => plugins.iter().position(|plugin| named(&plugin)),
                    None => None,
                };
                let at = position.context(
                    "expected one plugin in `spec.wasm`, or one of the name that --name says",
                )?;
                Ok(format!("/spec/wasm/{at}/config"))
            }
        }
    }

    /// Returns its configuration.
    pub(super) fn configuration(
        self,
        document: &TextFile,
        names: &Names,
    ) -> Result<Option<String>> {
        let pointer = self.pointer(document, names)?;
        let configuration = document.value().pointer(&pointer);
        Ok(configuration.map(Value::to_string))
    }

    /// Returns the source of its keys.
    pub(super) fn source(document: &TextFile) -> Option<SourceName> {
        let name = document.value().pointer(SOURCE).and_then(Value::as_str)?;
        SourceName::parse(name)
    }

    /// Returns the file with this configuration from this source.
    pub(super) fn place(
        self,
        document: &TextFile,
        names: &Names,
        json: &str,
        source: Option<&SourceName>,
    ) -> Result<Vec<u8>> {
        let configuration: Value = serde_json::from_str(json).ok().context("expected JSON")?;
        if let Some(number) = inexact(&configuration) {
            bail!(
                "`{number}` is too large for a mesh, which reads numbers as doubles; expected at most 2^53"
            );
        }
        let is_plain = self.is_plain(document);
        let mut document = document.clone();
        if Self::source(&document).as_ref() != source {
            // An empty annotation counts as absent: the source that took over the target has no
            // name.
            document.put(SOURCE, json!(source.map_or("", SourceName::as_str)))?;
        }
        let pointer = self.pointer(&document, names)?;
        if document.value().pointer(&pointer).is_none() {
            let path = pointer.trim_start_matches('/').replace('/', ".");
            bail!("expected `{path}`; write `{{}}` there for a start");
        }
        document.put(&pointer, configuration)?;
        let size = serde_json::to_vec(document.value())?.len();
        if size > LARGEST_OBJECT {
            bail!(
                "the {} has {size} bytes, and Kubernetes keeps at most {LARGEST_OBJECT} of one object; push to a file that Envoy reads (--ecds FILE.pb, and --packed), or split the keys over several gateways",
                self.name()
            );
        }
        match self.printed(&document) {
            Some(text) if is_plain => Ok(text.into_bytes()),
            _ => document.written(&pointer),
        }
    }
}

/// Finds an integer that a double cannot represent.
fn inexact(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().filter(|number| *number > LARGEST_NUMBER),
        Value::Array(items) => items.iter().find_map(inexact),
        Value::Object(members) => members.values().find_map(inexact),
        Value::Null | Value::Bool(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_and_times_survive_doubles() {
        let largest = keyward::snapshot::Revision::new(999_999_999_999_999).unwrap();
        assert!(inexact(&json!([largest.number(), 99_999_999_999_u64])).is_none());
        assert_eq!(
            inexact(&json!({"a": [(1_u64 << 53) + 1]})),
            Some((1 << 53) + 1)
        );
    }
}
