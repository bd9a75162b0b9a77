//! Which filter an ECDS file contains, wasm or native, and where its configuration is.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::protobuf::Message;
use super::text_file::TextFile;

/// A filter that runs keyward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Wasm,
    Native,
}

/// The place of the extension's message in a text file.
const TYPED_CONFIG: &str = "/resources/0/typed_config";

impl Filter {
    /// Returns the filter in the file. A file that names neither counts as wasm, without a
    /// configuration.
    pub(super) fn of(document: &TextFile) -> Self {
        let kind = document
            .value()
            .pointer("/resources/0/typed_config/@type")
            .and_then(Value::as_str);
        kind.and_then(Self::of_type).unwrap_or(Self::Wasm)
    }

    /// Returns the filter whose type an `Any` names.
    pub(super) fn of_type(type_url: &str) -> Option<Self> {
        let mut all = [Self::Wasm, Self::Native].into_iter();
        all.find(|filter| filter.type_url() == type_url)
    }

    pub(super) fn type_url(self) -> &'static str {
        match self {
            Self::Wasm => "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            Self::Native => {
                "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter"
            }
        }
    }

    /// Returns the place of its configuration.
    pub(super) fn pointer(self) -> &'static str {
        match self {
            Self::Wasm => "/resources/0/typed_config/config/configuration",
            Self::Native => "/resources/0/typed_config/filter_config",
        }
    }

    /// Returns the same place for binary, as the numbers of the fields that lead there.
    ///
    /// Source: Envoy's `envoy/extensions/filters/http/wasm/v3/wasm.proto`,
    /// `envoy/extensions/wasm/v3/wasm.proto`,
    /// `envoy/extensions/filters/http/dynamic_modules/v3/dynamic_modules.proto`
    pub(super) fn fields(self) -> &'static [u64] {
        match self {
            Self::Wasm => &[1, 4],
            Self::Native => &[3],
        }
    }

    /// Converts the filter in a JSON or YAML file to binary, with this configuration, if its code
    /// is a local file. Fails for a field that it cannot convert, instead of leaving the field out.
    pub(super) fn to_binary(self, document: &TextFile, configuration: Vec<u8>) -> Result<Vec<u8>> {
        let template = Template { document };
        match self {
            Self::Wasm => template.wasm(configuration),
            Self::Native => template.native(configuration),
        }
    }
}

struct Template<'a> {
    document: &'a TextFile,
}

impl Template<'_> {
    fn value(&self, rest: &str) -> Option<&Value> {
        let pointer = format!("{TYPED_CONFIG}{rest}");
        self.document.value().pointer(&pointer)
    }

    fn text(&self, rest: &str, supported: &'static str) -> Result<Vec<u8>> {
        let text = self.value(rest).and_then(Value::as_str);
        Ok(text.context(supported)?.as_bytes().to_vec())
    }

    fn has_only(&self, rest: &str, names: &[&str]) -> bool {
        let object = self.value(rest).and_then(Value::as_object);
        object.is_some_and(|object| object.keys().all(|name| names.contains(&&**name)))
    }

    fn wasm(&self, configuration: Vec<u8>) -> Result<Vec<u8>> {
        const SUPPORTED: &str = "a template for a binary file has `name`, `root_id`, `failure_policy: FAIL_RELOAD`, and a `vm_config` of `vm_id`, `runtime` and `code.local.filename`, and nothing else";
        let text = |rest: &str| self.text(rest, SUPPORTED);
        let is_supported = self.has_only(
            "/config",
            &[
                "name",
                "root_id",
                "failure_policy",
                "vm_config",
                "configuration",
            ],
        ) && self.has_only("/config/vm_config", &["vm_id", "runtime", "code"])
            && self.has_only("/config/vm_config/code", &["local"])
            && self.has_only("/config/vm_config/code/local", &["filename"])
            && text("/config/failure_policy")? == b"FAIL_RELOAD";
        if !is_supported {
            bail!(SUPPORTED);
        }
        let mut vm = Message::default();
        vm.set(1, text("/config/vm_config/vm_id")?);
        vm.set(2, text("/config/vm_config/runtime")?);
        vm.set(3, local(text("/config/vm_config/code/local/filename")?));
        let mut plugin = Message::default();
        plugin.set(1, text("/config/name")?);
        plugin.set(2, text("/config/root_id")?);
        plugin.set(3, vm.encode());
        plugin.set(4, configuration);
        plugin.set_number(7, 1);
        Ok(one(1, plugin.encode()))
    }

    fn native(&self, configuration: Vec<u8>) -> Result<Vec<u8>> {
        const SUPPORTED: &str = "a template for a binary file has `filter_name`, and a `dynamic_module_config` of `module.local.filename`, `do_not_close: true` and `metrics_namespace`, and nothing else";
        let text = |rest: &str| self.text(rest, SUPPORTED);
        let is_supported = self.has_only(
            "",
            &[
                "@type",
                "dynamic_module_config",
                "filter_name",
                "filter_config",
            ],
        ) && self.has_only(
            "/dynamic_module_config",
            &["module", "do_not_close", "metrics_namespace"],
        ) && self.has_only("/dynamic_module_config/module", &["local"])
            && self.has_only("/dynamic_module_config/module/local", &["filename"])
            && self.value("/dynamic_module_config/do_not_close") == Some(&Value::Bool(true));
        if !is_supported {
            bail!(SUPPORTED);
        }
        let mut module = Message::default();
        module.set_number(3, 1);
        module.set(5, text("/dynamic_module_config/metrics_namespace")?);
        let filename = text("/dynamic_module_config/module/local/filename")?;
        module.set(6, local(filename));
        let mut filter = Message::default();
        filter.set(1, module.encode());
        filter.set(2, text("/filter_name")?);
        filter.set(3, configuration);
        Ok(filter.encode())
    }
}

/// Returns an `AsyncDataSource` with `local.filename`.
fn local(filename: Vec<u8>) -> Vec<u8> {
    one(1, one(1, filename))
}

fn one(number: u64, content: Vec<u8>) -> Vec<u8> {
    let mut message = Message::default();
    message.set(number, content);
    message.encode()
}
