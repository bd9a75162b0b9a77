//! Envoy's ECDS file: a discovery response with one wasm filter, as JSON, YAML or binary protobuf by its name's ending. The configuration and the
//! version are replaced, and nothing else.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::carried::{Carried, STRING};
use super::protobuf::Message;
use super::text_file::{Form, TextFile};
use super::version_info::VersionInfo;

const CONFIGURATION: &str = "/resources/0/typed_config/config/configuration";
const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
const EXTENSION: &str = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";

/// Why a file is not an ECDS resource.
const EXPECTED: &str = "expected a discovery response with one wasm filter, `resources[0].typed_config.config.configuration`; envoy/ecds/keyward.yaml is one";

/// The configuration in a JSON or YAML file.
pub(super) fn configuration(document: &TextFile) -> Result<Option<Carried>> {
    let value = document.value();
    let resources = value.get("resources").and_then(Value::as_array);
    if resources.is_none_or(|resources| resources.len() != 1) {
        bail!(EXPECTED);
    }
    let configuration = value.pointer(CONFIGURATION).context(EXPECTED)?;
    Ok(Carried::read_json(configuration))
}

/// Which revision the file says it holds, and whose.
pub(super) fn version(document: &TextFile) -> VersionInfo {
    let version = document.value().get("version_info").and_then(Value::as_str);
    VersionInfo::read(version.unwrap_or_default())
}

/// The file with this configuration.
pub(super) fn place(
    document: &TextFile,
    carried: &Carried,
    version: &VersionInfo,
) -> Result<Vec<u8>> {
    let mut document = document.clone();
    let message = json!({"@type": carried.type_url(), "value": carried.json()});
    document.put(CONFIGURATION, message)?;
    if document.value().get("version_info").is_some() || version.source.is_some() {
        document.put("/version_info", json!(version.to_string()))?;
    }
    document.written(CONFIGURATION)
}

/// The path of field numbers from the response to the configuration, and what each message on it must be.
///
/// Source: Envoy's `envoy/service/discovery/v3/discovery.proto`, `envoy/config/core/v3/extension.proto`, `envoy/extensions/wasm/v3/wasm.proto`
mod field {
    pub(super) const VERSION: u64 = 1;
    pub(super) const RESOURCES: u64 = 2;
    pub(super) const ANY_TYPE: u64 = 1;
    pub(super) const ANY_VALUE: u64 = 2;
    pub(super) const EXTENSION_NAME: u64 = 1;
    pub(super) const TYPED_CONFIG: u64 = 2;
    pub(super) const WASM_CONFIG: u64 = 1;
    pub(super) const PLUGIN_NAME: u64 = 1;
    pub(super) const ROOT_ID: u64 = 2;
    pub(super) const VM_CONFIG: u64 = 3;
    pub(super) const CONFIGURATION: u64 = 4;
    pub(super) const FAILURE_POLICY: u64 = 7;
    /// The same for `StringValue` and `BytesValue`.
    pub(super) const VALUE: u64 = 1;
    pub(super) const VM_ID: u64 = 1;
    pub(super) const RUNTIME: u64 = 2;
    pub(super) const CODE: u64 = 3;
    pub(super) const CODE_LOCAL: u64 = 1;
    pub(super) const FILENAME: u64 = 1;
}

const NOT_BINARY: &str = "expected a binary discovery response with one wasm filter; `--template envoy/ecds/keyward.yaml` makes one anew";

/// The configuration in a binary file.
pub(super) fn binary_configuration(bytes: &[u8]) -> Result<Option<Carried>> {
    let response = parse(bytes)?;
    let extension = any(response.one(field::RESOURCES), EXTENSION)?;
    let extension = parse(&extension)?;
    let wasm = any(extension.one(field::TYPED_CONFIG), WASM)?;
    let wasm = parse(&wasm)?;
    let plugin = parse(wasm.one(field::WASM_CONFIG).context(NOT_BINARY)?)?;
    let configuration = parse(plugin.one(field::CONFIGURATION).context(NOT_BINARY)?)?;
    let (Some(type_url), Ok(value)) = (
        configuration.text(field::ANY_TYPE),
        parse(configuration.one(field::ANY_VALUE).context(NOT_BINARY)?),
    ) else {
        return Ok(None);
    };
    let content = value.one(field::VALUE);
    Ok(content.and_then(|content| Carried::read(type_url, content)))
}

/// The same of a binary file.
pub(super) fn binary_version(bytes: &[u8]) -> Result<VersionInfo> {
    let response = parse(bytes)?;
    Ok(VersionInfo::read(
        response.text(field::VERSION).unwrap_or_default(),
    ))
}

/// The binary file with this configuration.
pub(super) fn place_binary(
    bytes: &[u8],
    carried: &Carried,
    version: &VersionInfo,
) -> Result<Vec<u8>> {
    let mut response = parse(bytes)?;
    let resource = response.one(field::RESOURCES).context(NOT_BINARY)?.to_vec();
    let mut resource = parse(&resource)?;
    let extension = any(Some(&resource.encode()), EXTENSION)?;
    let mut extension = parse(&extension)?;
    let typed = extension
        .one(field::TYPED_CONFIG)
        .context(NOT_BINARY)?
        .to_vec();
    let mut typed = parse(&typed)?;
    let wasm = any(Some(&typed.encode()), WASM)?;
    let mut wasm = parse(&wasm)?;
    let plugin = wasm.one(field::WASM_CONFIG).context(NOT_BINARY)?.to_vec();
    let mut plugin = parse(&plugin)?;

    plugin.set(
        field::CONFIGURATION,
        value(carried.type_url(), carried.bytes()),
    );
    wasm.set(field::WASM_CONFIG, plugin.encode());
    typed.set(field::ANY_VALUE, wasm.encode());
    extension.set(field::TYPED_CONFIG, typed.encode());
    resource.set(field::ANY_VALUE, extension.encode());
    response.set(field::RESOURCES, resource.encode());
    response.set(field::VERSION, version.to_string().into_bytes());
    Ok(response.encode())
}

/// The binary form of a JSON or YAML file whose `.wasm` is a local file. It rejects what it cannot write in binary, and leaves nothing out.
pub(super) fn to_binary(document: &TextFile) -> Result<Vec<u8>> {
    const SUPPORTED: &str = "a template for a binary file has `name`, `root_id`, `failure_policy: FAIL_RELOAD`, and a `vm_config` of `vm_id`, `runtime` and `code.local.filename`, and nothing else";
    configuration(document)?;
    let text = |pointer: &str| document.value().pointer(pointer).and_then(Value::as_str);
    let plugin_at = "/resources/0/typed_config/config";
    let at = |rest: &str| text(&format!("{plugin_at}{rest}")).context(SUPPORTED);
    let has_only = |rest: &str, names: &[&str]| {
        let object = document.value().pointer(&format!("{plugin_at}{rest}"));
        object
            .and_then(Value::as_object)
            .is_some_and(|object| object.keys().all(|name| names.contains(&&**name)))
    };
    let is_supported = has_only(
        "",
        &[
            "name",
            "root_id",
            "failure_policy",
            "vm_config",
            "configuration",
        ],
    ) && has_only("/vm_config", &["vm_id", "runtime", "code"])
        && has_only("/vm_config/code", &["local"])
        && has_only("/vm_config/code/local", &["filename"])
        && at("/failure_policy")? == "FAIL_RELOAD";
    if !is_supported {
        bail!(SUPPORTED);
    }
    let one = |number: u64, content: Vec<u8>| {
        let mut message = Message::default();
        message.set(number, content);
        message.encode()
    };
    let bytes = |text: &str| text.as_bytes().to_vec();
    let filename = one(
        field::FILENAME,
        bytes(at("/vm_config/code/local/filename")?),
    );
    let mut vm = Message::default();
    vm.set(field::VM_ID, bytes(at("/vm_config/vm_id")?));
    vm.set(field::RUNTIME, bytes(at("/vm_config/runtime")?));
    vm.set(field::CODE, one(field::CODE_LOCAL, filename));
    let mut plugin = Message::default();
    plugin.set(field::PLUGIN_NAME, bytes(at("/name")?));
    plugin.set(field::ROOT_ID, bytes(at("/root_id")?));
    plugin.set(field::VM_CONFIG, vm.encode());
    plugin.set(field::CONFIGURATION, value(STRING, b"{}"));
    plugin.set_number(field::FAILURE_POLICY, 1);
    let mut extension = Message::default();
    let name = text("/resources/0/name").context(SUPPORTED)?;
    extension.set(field::EXTENSION_NAME, bytes(name));
    let wasm = one(field::WASM_CONFIG, plugin.encode());
    extension.set(field::TYPED_CONFIG, to_any(WASM, wasm));
    let mut response = Message::default();
    response.set(field::VERSION, bytes("0"));
    response.set(field::RESOURCES, to_any(EXTENSION, extension.encode()));
    Ok(response.encode())
}

fn parse(bytes: &[u8]) -> Result<Message<'_>> {
    Message::parse(bytes).context(NOT_BINARY)
}

/// What an `Any` of this type holds.
fn any(bytes: Option<&[u8]>, type_url: &str) -> Result<Vec<u8>> {
    let any = parse(bytes.context(NOT_BINARY)?)?;
    if any.text(field::ANY_TYPE) != Some(type_url) {
        bail!(NOT_BINARY);
    }
    Ok(any.one(field::ANY_VALUE).context(NOT_BINARY)?.to_vec())
}

fn to_any(type_url: &str, value: Vec<u8>) -> Vec<u8> {
    let mut any = Message::default();
    any.set(field::ANY_TYPE, type_url.as_bytes().to_vec());
    any.set(field::ANY_VALUE, value);
    any.encode()
}

/// A `StringValue` or a `BytesValue`.
fn value(type_url: &str, content: &[u8]) -> Vec<u8> {
    let mut value = Message::default();
    value.set(field::VALUE, content.to_vec());
    to_any(type_url, value.encode())
}

/// How Envoy reads a file, off its name.
pub(super) fn form(name: &std::path::Path) -> Result<Option<Form>> {
    match name.extension().and_then(|extension| extension.to_str()) {
        Some("pb") => Ok(None),
        Some("json") => Ok(Some(Form::Json)),
        Some("yaml" | "yml") => Ok(Some(Form::Yaml)),
        _ => bail!(
            "`{}` must end in .json, .yaml, .yml or .pb: Envoy reads the format off the name",
            name.display()
        ),
    }
}
