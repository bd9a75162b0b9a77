//! `[profile]` of the configuration: the names and prefixes of the API whose keys these are, as in a plugin configuration. It is in the store as well, because
//! keys are made by it.

use anyhow::{Context, Result};
use keyward::configuration::Configuration;
use keyward::profile::Profile;
use serde_json::{Map, Value, json};

/// The member of a plugin configuration, and of the document in the store.
pub(crate) const MEMBER: &str = "profile";

/// Reads a profile.
pub(crate) fn read(members: &Value) -> Result<Profile> {
    let settings = json!({MEMBER: members}).to_string();
    let read = Configuration::from_json(settings.as_bytes());
    let read = read.map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
    Ok(read.profile().clone())
}

/// Rejects a profile that gateways would reject.
pub(crate) fn check(members: &Map<String, Value>) -> Result<()> {
    read(&Value::Object(members.clone()))
        .context("`profile`")
        .map(|_| ())
}
