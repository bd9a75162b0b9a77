//! Key files of a server: planned, applied and exported.

use anyhow::{Result, anyhow, bail};
use serde_json::Value as Json;

use super::Server;
use super::answer::Refused;
use super::request::Call;

const KEY_FILE: &str = "/v2/keyward/key_file";

/// The part of a server's records that a key file gets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    /// The account whose records are wanted, and no others.
    pub(crate) owner: Option<String>,
    /// Whether those of the accounts below it are wanted as well.
    pub(crate) is_tree: bool,
    /// Whether the server's own records are left out.
    pub(crate) is_without_own: bool,
}

impl Server {
    /// Sends a step of a key file's way into the server. A file that is rejected is an error with
    /// all of its faults.
    pub(crate) fn key_file_step(&self, path: &str, body: Json) -> Result<Json> {
        self.call(&Call::post(path, body))?.map_err(|refused| {
            let faults = faults(&refused);
            // The message has the first one.
            if faults.len() < 2 {
                return refused.to_error();
            }
            anyhow!(
                "a gateway would reject the file:\n  {}",
                faults.join("\n  ")
            )
        })
    }

    /// Returns the records as the text of a key file.
    pub(crate) fn exported(&self, part: &Part) -> Result<String> {
        let mut path = format!("{KEY_FILE}?without_own={}", part.is_without_own);
        if let Some(owner) = &part.owner {
            if !keyward_files::key_file::is_id(owner) {
                bail!("`{owner}` is not an id");
            }
            let scope = if part.is_tree { "tree" } else { "self" };
            path.push_str(&format!("&owner={owner}&scope={scope}"));
        }
        self.ask_for_text(&path, "application/toml")
    }
}

fn faults(refused: &Refused) -> Vec<&str> {
    let all = refused.facts.get("faults").and_then(Json::as_array);
    all.into_iter().flatten().filter_map(Json::as_str).collect()
}
