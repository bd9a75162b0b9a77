//! What the journals record about one key. A malformed line is skipped, because a journal is not
//! proof.

use std::fs;
use std::io::ErrorKind;

use anyhow::{Context, Result};
use serde_json::Value as Json;

use super::Store;
use crate::replace::beside;

/// One change to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When, in RFC 3339.
    pub at: String,
    /// Who did it.
    pub by: String,
    /// The command that did it.
    pub command: String,
    /// `added`, `removed` or `changed`.
    pub did: String,
    /// The members that changed.
    pub members: Vec<String>,
    /// `done`; `undone` if the file stayed unchanged; `begun` or `unknown` if a crash interrupted
    /// it.
    pub state: String,
}

impl Store {
    /// Returns the changes to the key with this id, the oldest first.
    pub fn history(&self, id: &str) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        for file in self.on_disk()? {
            let path = beside(&self.resolved(&file.name)?, ".journal");
            match fs::read_to_string(&path) {
                Ok(text) => steps.extend(told(&text, id)),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("`{}` cannot be read", path.display()));
                }
            }
        }
        steps.sort_by(|one, other| one.at.cmp(&other.at));
        Ok(steps)
    }
}

fn told(text: &str, id: &str) -> Vec<Step> {
    let lines: Vec<Json> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let of = |line: &Json, name: &str| {
        let member = line.get(name).and_then(Json::as_str);
        member.unwrap_or_default().to_owned()
    };
    let mut steps = Vec::new();
    for line in &lines {
        let changes = line.get("changes").and_then(Json::as_array);
        let is_this = |change: &&Json| change.get("key").and_then(Json::as_str) == Some(id);
        for change in changes.into_iter().flatten().filter(is_this) {
            let members = change.get("members").and_then(Json::as_array);
            let members = members.into_iter().flatten().filter_map(Json::as_str);
            // The last line about a change has its outcome.
            let last = lines
                .iter()
                .rfind(|other| other.get("change") == line.get("change"));
            steps.push(Step {
                at: of(line, "at"),
                by: of(line, "by"),
                command: of(line, "command"),
                did: of(change, "did"),
                members: members.map(str::to_owned).collect(),
                state: of(last.unwrap_or(line), "state"),
            });
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_one_key_are_told_with_how_they_ended() {
        let text = concat!(
            r#"{"change":"a","state":"begun","at":"1","by":"ann","command":"keys create","changes":[{"key":"mk_1","did":"added"},{"key":"mk_2","did":"added"}]}"#,
            "\n",
            r#"{"change":"a","state":"done","at":"2"}"#,
            "\nno json\n",
            r#"{"change":"b","state":"begun","at":"3","by":"bob","command":"keys edit","changes":[{"key":"mk_1","did":"changed","members":["name"]}]}"#,
            "\n",
            r#"{"change":"b","state":"undone","at":"4","after_a_crash":true}"#,
            "\n",
        );
        let steps = told(text, "mk_1");
        let shown: Vec<(&str, &str, &str)> = steps
            .iter()
            .map(|step| (step.by.as_str(), step.did.as_str(), step.state.as_str()))
            .collect();
        assert_eq!(
            shown,
            [("ann", "added", "done"), ("bob", "changed", "undone")]
        );
        assert_eq!(steps[1].members, ["name"]);
        assert!(told(text, "mk_3").is_empty());
    }
}
