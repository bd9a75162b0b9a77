//! A configuration that is ready for a gateway, from a key file or from what another program wrote.

use anyhow::{Context, Result};

use super::reissue::{compact, reissue};
use super::unpack;
use crate::key_file::{Issue, KeyFile, SourceName};
use keyward::configuration::Configuration;

/// A configuration that a gateway would take.
pub struct Built {
    /// Compact JSON.
    pub json: String,
    /// The same, as a gateway reads it.
    pub configuration: Configuration,
    /// The name of the key file that it was made from.
    pub source: Option<SourceName>,
}

impl Built {
    /// What a key file makes, issued as `issue` says. Errors call the file `name`.
    pub fn of_key_file(name: &str, file: &KeyFile, issue: &Issue) -> Result<Self> {
        Self::of_json(name, file.compile(issue).to_string(), file.source())
    }

    /// A configuration of another program, JSON or packed. It is as it was written, but for the revision
    /// and the time of an `issue`.
    pub fn of_configuration(name: &str, bytes: Vec<u8>, issue: Option<&Issue>) -> Result<Self> {
        let refused = || format!("`{name}` is refused");
        let bytes = unpack::to_json(bytes).with_context(refused)?;
        // Checked as it was written: what is refused has its place in that text.
        Configuration::from_json(&bytes).with_context(refused)?;
        let text = String::from_utf8(bytes)?;
        let json = match issue {
            Some(issue) => reissue(&text, issue.revision, issue.issued_at)?,
            None => compact(&text),
        };
        Self::of_json(name, json, None)
    }

    /// The JSON of a configuration, from the source of that name.
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
