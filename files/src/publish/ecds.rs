//! Envoy's ECDS file: a discovery response with one filter, wasm or native. The file's extension
//! decides whether it is JSON, YAML or binary protobuf. Only the configuration and the version are
//! replaced.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::carried::{Carried, STRING};
use super::ecds_filter::Filter;
use super::protobuf::Message;
use super::text_file::{Form, TextFile};
use super::version_info::VersionInfo;

const EXTENSION: &str = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";

/// The error for a file that is not a discovery response.
const EXPECTED: &str = "expected a discovery response with one filter, which has `resources[0].typed_config.config.configuration` in wasm and `resources[0].typed_config.filter_config` natively; envoy/ecds/keyward.yaml is one";

/// Returns the configuration in a JSON or YAML file.
pub(super) fn configuration(document: &TextFile) -> Result<Option<Carried>> {
    let value = document.value();
    let resources = value.get("resources").and_then(Value::as_array);
    if resources.is_none_or(|resources| resources.len() != 1) {
        bail!(EXPECTED);
    }
    let configuration = value.pointer(Filter::of(document).pointer());
    let configuration = configuration.context(EXPECTED)?;
    Ok(Carried::read_json(configuration))
}

/// Returns the revision and the source that the file states.
pub(super) fn version(document: &TextFile) -> VersionInfo {
    let version = document.value().get("version_info").and_then(Value::as_str);
    VersionInfo::read(version.unwrap_or_default())
}

/// Returns the file with this configuration.
pub(super) fn place(
    document: &TextFile,
    carried: &Carried,
    version: &VersionInfo,
) -> Result<Vec<u8>> {
    let mut document = document.clone();
    let message = json!({"@type": carried.type_url(), "value": carried.json()});
    let pointer = Filter::of(&document).pointer();
    document.put(pointer, message)?;
    if document.value().get("version_info").is_some() || version.source.is_some() {
        document.put("/version_info", json!(version.to_string()))?;
    }
    document.written(pointer)
}

/// The field numbers from the response to the filter.
///
/// Source: Envoy's `envoy/service/discovery/v3/discovery.proto`,
/// `envoy/config/core/v3/extension.proto`
mod field {
    pub(super) const VERSION: u64 = 1;
    pub(super) const RESOURCES: u64 = 2;
    pub(super) const ANY_TYPE: u64 = 1;
    pub(super) const ANY_VALUE: u64 = 2;
    pub(super) const EXTENSION_NAME: u64 = 1;
    pub(super) const TYPED_CONFIG: u64 = 2;
    /// The field of the value in `StringValue` and `BytesValue`.
    pub(super) const VALUE: u64 = 1;
}

const NOT_BINARY: &str = "expected a binary discovery response with one filter, in wasm or native; `--template envoy/ecds/keyward.yaml` makes a new one";

/// Returns the configuration in a binary file.
pub(super) fn binary_configuration(bytes: &[u8]) -> Result<Option<Carried>> {
    let response = parse(bytes)?;
    let extension = any(response.one(field::RESOURCES), EXTENSION)?;
    let extension = parse(&extension)?;
    let (filter, mut inner) = of_filter(extension.one(field::TYPED_CONFIG))?;
    for number in filter.fields() {
        inner = one(&inner, *number)?;
    }
    let configuration = parse(&inner)?;
    let (Some(type_url), Ok(value)) = (
        configuration.text(field::ANY_TYPE),
        parse(configuration.one(field::ANY_VALUE).context(NOT_BINARY)?),
    ) else {
        return Ok(None);
    };
    let content = value.one(field::VALUE);
    Ok(content.and_then(|content| Carried::read(type_url, content)))
}

/// Returns the revision and the source that a binary file states.
pub(super) fn binary_version(bytes: &[u8]) -> Result<VersionInfo> {
    let response = parse(bytes)?;
    Ok(VersionInfo::read(
        response.text(field::VERSION).unwrap_or_default(),
    ))
}

/// Returns the binary file with this configuration.
pub(super) fn place_binary(
    bytes: &[u8],
    carried: &Carried,
    version: &VersionInfo,
) -> Result<Vec<u8>> {
    let mut response = parse(bytes)?;
    let resource = one(bytes, field::RESOURCES)?;
    let mut resource = parse(&resource)?;
    let extension = any(Some(&resource.encode()), EXTENSION)?;
    let mut extension = parse(&extension)?;
    let typed = extension.one(field::TYPED_CONFIG).context(NOT_BINARY)?;
    let typed = typed.to_vec();
    let mut typed = parse(&typed)?;
    let (filter, message) = of_filter(Some(&typed.encode()))?;
    let configuration = value(carried.type_url(), carried.bytes());

    let placed = replaced(&message, filter.fields(), configuration)?;
    typed.set(field::ANY_VALUE, placed);
    extension.set(field::TYPED_CONFIG, typed.encode());
    resource.set(field::ANY_VALUE, extension.encode());
    response.set(field::RESOURCES, resource.encode());
    response.set(field::VERSION, version.to_string().into_bytes());
    Ok(response.encode())
}

/// Returns a message with `content` in the field at the end of this path.
fn replaced(bytes: &[u8], path: &[u64], content: Vec<u8>) -> Result<Vec<u8>> {
    let mut message = parse(bytes)?;
    let Some((number, rest)) = path.split_first() else {
        return Ok(content);
    };
    let inner = replaced(&one(bytes, *number)?, rest, content)?;
    message.set(*number, inner);
    Ok(message.encode())
}

/// Converts a JSON or YAML file to binary, if the filter's code is a local file. Fails for a field
/// that it cannot convert, instead of leaving the field out.
pub(super) fn to_binary(document: &TextFile) -> Result<Vec<u8>> {
    configuration(document)?;
    let filter = Filter::of(document);
    let message = filter.to_binary(document, value(STRING, b"{}"))?;
    let mut extension = Message::default();
    let name = document.value().pointer("/resources/0/name");
    let name = name.and_then(Value::as_str).context(EXPECTED)?;
    extension.set(field::EXTENSION_NAME, name.as_bytes().to_vec());
    extension.set(field::TYPED_CONFIG, to_any(filter.type_url(), message));
    let mut response = Message::default();
    response.set(field::VERSION, b"0".to_vec());
    response.set(field::RESOURCES, to_any(EXTENSION, extension.encode()));
    Ok(response.encode())
}

fn parse(bytes: &[u8]) -> Result<Message<'_>> {
    Message::parse(bytes).context(NOT_BINARY)
}

/// Returns the message in an `Any` of this type.
fn any(bytes: Option<&[u8]>, type_url: &str) -> Result<Vec<u8>> {
    let any = parse(bytes.context(NOT_BINARY)?)?;
    if any.text(field::ANY_TYPE) != Some(type_url) {
        bail!(NOT_BINARY);
    }
    Ok(any.one(field::ANY_VALUE).context(NOT_BINARY)?.to_vec())
}

/// Returns the filter in an `Any`, and its message.
fn of_filter(bytes: Option<&[u8]>) -> Result<(Filter, Vec<u8>)> {
    let any = parse(bytes.context(NOT_BINARY)?)?;
    let filter = any.text(field::ANY_TYPE).and_then(Filter::of_type);
    let message = any.one(field::ANY_VALUE).context(NOT_BINARY)?;
    Ok((filter.context(NOT_BINARY)?, message.to_vec()))
}

/// Returns the only field with this number.
fn one(bytes: &[u8], number: u64) -> Result<Vec<u8>> {
    let message = parse(bytes)?;
    Ok(message.one(number).context(NOT_BINARY)?.to_vec())
}

fn to_any(type_url: &str, value: Vec<u8>) -> Vec<u8> {
    let mut any = Message::default();
    any.set(field::ANY_TYPE, type_url.as_bytes().to_vec());
    any.set(field::ANY_VALUE, value);
    any.encode()
}

/// Returns a `StringValue` or a `BytesValue`.
fn value(type_url: &str, content: &[u8]) -> Vec<u8> {
    let mut value = Message::default();
    value.set(field::VALUE, content.to_vec());
    to_any(type_url, value.encode())
}

/// Returns the format that Envoy assumes for a file name. `None` for binary.
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
