//! A configuration that is ready for a gateway, from a key file or from another program.

use anyhow::{Context, Result};

use super::reissue::{compact, reissue};
use super::unpack;
use crate::key_file::{Issue, KeyFile, SourceName};
use keyward::configuration::Configuration;

/// A configuration that a gateway accepts.
pub struct Built {
    /// Compact JSON.
    pub json: String,
    /// The configuration as a gateway reads it.
    pub configuration: Configuration,
    /// The source's name for itself, if it has one.
    pub source: Option<SourceName>,
}

impl Built {
    /// Builds the configuration of a key file with the revision and time of `issue`. Errors call
    /// the file `name`.
    pub fn of_key_file(name: &str, file: &KeyFile, issue: &Issue) -> Result<Self> {
        Self::of_json(name, file.compile(issue).to_string(), file.source())
    }

    /// Accepts a configuration of another program, JSON or packed. Only the revision and the time
    /// change, to those of `issue`.
    pub fn of_configuration(name: &str, bytes: Vec<u8>, issue: Option<&Issue>) -> Result<Self> {
        let refused = || format!("`{name}` is refused");
        let bytes = unpack::to_json(bytes).with_context(refused)?;
        // Check the original text, so that errors name places in it.
        Configuration::from_json(&bytes).with_context(refused)?;
        let text = String::from_utf8(bytes)?;
        let json = match issue {
            Some(issue) => reissue(&text, issue.revision, issue.issued_at)?,
            None => compact(&text),
        };
        Self::of_json(name, json, None)
    }

    /// Checks the JSON of a configuration, which errors call `name`.
    pub fn of_json(name: &str, json: String, source: Option<SourceName>) -> Result<Self> {
        let configuration = Configuration::from_json(json.as_bytes())
            .with_context(|| format!("`{name}` is refused"))?;
        Ok(Self {
            json,
            configuration,
            source,
        })
    }
}
