//! A plugin configuration in its written form: the settings, and the snapshot as a document.

use std::fmt;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use super::pack::Parts;
use keyward::invariant::Held;
use keyward::json::from_json;
use keyward::snapshot::Document;

const IN_JSON: &str = "what was read of JSON or TOML has a form in JSON";

/// The member of a configuration that contains the snapshot.
pub const SNAPSHOT: &str = "snapshot";

/// A plugin configuration that has not been checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    /// All members except the snapshot.
    pub settings: Map<String, Value>,
    /// The snapshot, if there is one.
    pub snapshot: Option<Document>,
}

impl Written {
    /// Reads the parts of a file that has been checked.
    pub fn of(parts: &Parts<'_>) -> Result<Self> {
        const AGAIN: &str = "the configuration cannot be read again; please report this";
        let settings = match &parts.settings {
            Some(settings) => serde_json::from_str(settings).ok().context(AGAIN)?,
            None => Map::new(),
        };
        let snapshot = parts.snapshot.map(from_json).transpose();
        Ok(Self {
            settings,
            snapshot: snapshot.ok().context(AGAIN)?,
        })
    }

    /// Returns the configuration as JSON text, without building a tree of it first.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        #[derive(serde::Serialize)]
        struct Form<'a> {
            #[serde(flatten)]
            settings: &'a Map<String, Value>,
            #[serde(skip_serializing_if = "Option::is_none")]
            snapshot: Option<&'a Document>,
        }
        let form = Form {
            settings: &self.settings,
            snapshot: self.snapshot.as_ref(),
        };
        serde_json::to_vec(&form).ok().held(IN_JSON)
    }

    /// Returns the configuration as JSON, with members sorted by name.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut members = self.settings.clone();
        if let Some(snapshot) = self.snapshot.as_ref().map(json) {
            members.insert(SNAPSHOT.to_owned(), snapshot);
        }
        Value::Object(members)
    }
}

/// Returns the JSON of a snapshot, with members sorted by name.
#[must_use]
pub fn json(snapshot: &Document) -> Value {
    // Map keys are strings, so serialization cannot fail.
    serde_json::to_value(snapshot).ok().held(IN_JSON)
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_json())
    }
}
