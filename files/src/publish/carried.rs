//! The form of a configuration for Envoy: text in a `StringValue`, or packed in a `BytesValue`.
//!
//! Source: <https://protobuf.dev/reference/protobuf/google.protobuf/>, and its JSON form in
//! <https://protobuf.dev/programming-guides/json/>

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::snapshot::{pack, unpack};
use keyward::configuration::is_packed;

pub(super) const STRING: &str = "type.googleapis.com/google.protobuf.StringValue";
pub(super) const BYTES: &str = "type.googleapis.com/google.protobuf.BytesValue";

pub(super) enum Carried {
    Text(String),
    Packed(Vec<u8>),
}

impl Carried {
    pub(super) fn new(json: &str, is_packed: bool) -> Result<Self> {
        Ok(match is_packed {
            true => Self::Packed(pack::configuration(json.as_bytes())?),
            false => Self::Text(json.to_owned()),
        })
    }

    /// Reads a message of this type, if it contains a configuration.
    pub(super) fn read(type_url: &str, value: &[u8]) -> Option<Self> {
        match type_url {
            STRING => Some(Self::Text(std::str::from_utf8(value).ok()?.to_owned())),
            // In protobuf, an absent field is empty.
            BYTES if value.is_empty() => Some(Self::Text(String::new())),
            BYTES if is_packed(value) => Some(Self::Packed(value.to_vec())),
            _ => None,
        }
    }

    /// Reads a message in protobuf's JSON form.
    pub(super) fn read_json(message: &Value) -> Option<Self> {
        let value = message.get("value").map_or(Some(""), Value::as_str)?;
        match message.get("@type")?.as_str()? {
            BYTES => Self::read(BYTES, &STANDARD.decode(value).ok()?),
            type_url => Self::read(type_url, value.as_bytes()),
        }
    }

    pub(super) fn type_url(&self) -> &'static str {
        match self {
            Self::Text(_) => STRING,
            Self::Packed(_) => BYTES,
        }
    }

    /// Returns the member `value` of the message in protobuf's JSON form.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Packed(bytes) => json!(STANDARD.encode(bytes)),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Packed(bytes) => bytes,
        }
    }

    pub(super) fn is_packed(&self) -> bool {
        match self {
            Self::Text(_) => false,
            Self::Packed(_) => true,
        }
    }

    /// Returns the configuration's JSON.
    pub(super) fn into_json(self) -> Result<String> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Packed(bytes) => {
                let json = unpack::to_json(bytes)?;
                String::from_utf8(json).ok().context("expected UTF-8")
            }
        }
    }
}
