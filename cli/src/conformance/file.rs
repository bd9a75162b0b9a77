//! The format of the files in `conformance/`. The README there explains the members.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::input;

const FORMAT: &str = "keyward.conformance/v1";

/// Members that contain a time, which may be relative to the present.
const TIMES: [&str; 3] = ["issued_at", "not_before", "expires_at"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    format: String,
    pub(super) description: String,
    settings: Map<String, Value>,
    #[serde(default)]
    snapshot: Option<Value>,
    pub(super) cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) description: String,
    pub(super) request: Request,
    pub(super) expect: Expectation,
}

/// A request. Every character of method, path and values stands for one byte.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) headers: Vec<(String, String)>,
    #[serde(default)]
    pub(super) address: Option<String>,
    #[serde(default)]
    pub(super) body: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Expectation {
    Reply(Reply),
    Passage(Passage),
}

/// Expects an answer from the gateway.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Headers,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) x_keyward: Extension,
}

/// Expects that the request reaches the upstream.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Passage {
    pub(super) upstream: Headers,
    #[serde(default)]
    pub(super) x_keyward: Extension,
}

/// Expectations that apply only to keyward.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Extension {
    #[serde(default)]
    pub(super) reason: Option<String>,
    /// Envoy's filter state, which is not visible over HTTP.
    #[serde(default, rename = "state")]
    _state: Option<String>,
    #[serde(default)]
    pub(super) upstream: Headers,
}

/// Exactly one header with this name and value, or no header.
pub(super) type Headers = BTreeMap<String, Option<String>>;

impl File {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let json = input::read(path)?;
        let name = path.display();
        let file: Self = serde_json::from_slice(&json)
            .with_context(|| format!("`{name}` is not a conformance file"))?;
        if file.format != FORMAT {
            bail!("`{name}` has another format than `{FORMAT}`");
        }
        Ok(file)
    }

    /// Returns the settings and the snapshot as keyward's plugin configuration, without the keys
    /// themselves and with times in Unix seconds.
    pub(super) fn configuration(&self, now: u64) -> Result<Value> {
        let mut configuration = self.settings.clone();
        if let Some(snapshot) = &self.snapshot {
            let mut snapshot = snapshot.clone();
            let keys = snapshot.get_mut("keys").and_then(Value::as_array_mut);
            for key in keys.into_iter().flatten().filter_map(Value::as_object_mut) {
                key.remove("key");
            }
            resolve_times(&mut snapshot, now)?;
            configuration.insert("snapshot".to_owned(), snapshot);
        }
        Ok(Value::Object(configuration))
    }
}

/// Replaces times such as `now-10` wherever a time is expected.
fn resolve_times(value: &mut Value, now: u64) -> Result<()> {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(text) if TIMES.contains(&&**name) => *value = time(text, now)?.into(),
                    Some(_) | None => resolve_times(value, now)?,
                }
            }
            Ok(())
        }
        Value::Array(values) => values
            .iter_mut()
            .try_for_each(|value| resolve_times(value, now)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn time(text: &str, now: u64) -> Result<u64> {
    let offset = match text.strip_prefix("now") {
        Some("") => Some(0),
        Some(offset) => offset.parse().ok(),
        None => None,
    };
    offset
        .and_then(|offset| now.checked_add_signed(offset))
        .context("expected a time: `now`, `now-10` or `now+10`")
}
