//! What a server answers to a key file that is planned. Members that a newer server adds are
//! ignored.

use std::fmt;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

/// `keyward.plan`: the members that are shown.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Plan {
    /// The settings and endpoints that the server read the file with, if the file has none, and has
    /// to learn of ends.
    #[serde(default, skip_serializing)]
    pub beginning: Option<String>,
    /// The first changes.
    pub changes: Vec<Change>,
    /// The number of changes.
    pub count: u64,
    /// What ended on the server although the file has it in use: it stays ended.
    pub ended: Vec<Ended>,
    /// What the file leaves out and something else needs: it stays.
    pub kept: Vec<String>,
    /// The plan's id.
    pub plan: String,
    /// How many records are as the file has them.
    pub same: u64,
}

/// What a file changes.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Change {
    /// `add`, `change`, `end` or `remove`.
    pub change: String,
    /// The record's id or name.
    pub id: String,
    /// The members that change.
    pub members: Vec<String>,
    /// `account`, `api_key`, `document` or `grant_set`.
    pub object: String,
}

/// A record that ended on the server although the file has it in use.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Ended {
    /// The end of a key, RFC 3339.
    pub expires_at: Option<String>,
    /// The record's id.
    pub id: String,
    /// `account` or `api_key`.
    pub object: String,
    /// `active`, `deleted` or `suspended`.
    pub status: String,
}

impl fmt::Display for Ended {
    /// Writes the record with the members that the file needs to agree.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)?;
        if self.status != "active" {
            write!(f, ", status = \"{}\"", self.status)?;
        }
        match &self.expires_at {
            Some(time) => write!(f, ", expires = {time}"),
            None => Ok(()),
        }
    }
}

impl Plan {
    /// Writes the plan for people.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for Change {
            change,
            id,
            members,
            object,
        } in &self.changes
        {
            let members = members.join(", ");
            let object = object.replace('_', " ");
            if members.is_empty() {
                writeln!(out, "{change} {object} {id}")?;
            } else {
                writeln!(out, "{change} {object} {id}: {members}")?;
            }
        }
        let shown = u64::try_from(self.changes.len()).unwrap_or(u64::MAX);
        if self.count > shown {
            writeln!(out, "and {} more", self.count.saturating_sub(shown))?;
        }
        for end in &self.ended {
            writeln!(out, "stays ended, though the file has it in use: {end}")?;
        }
        if !self.ended.is_empty() {
            writeln!(out, "--adopt-ends writes these ends into the file")?;
        }
        for id in &self.kept {
            writeln!(out, "stays, because something else needs it: {id}")?;
        }
        writeln!(
            out,
            "{} changes; {} records are as the file has them",
            self.count, self.same
        )
    }
}
