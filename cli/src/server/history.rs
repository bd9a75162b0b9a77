//! The history of a key, from the server's trail.

use anyhow::Result;
use jiff::Timestamp;

use super::Server;
use super::wire::ActivityLog;
use keyward_files::key_file::instant;
use keyward_files::store::Step;

impl Server {
    /// Returns the steps, the oldest first. `None` if the caller may not read the trail.
    pub(crate) fn history(&self, id: &str) -> Result<Option<Vec<Step>>> {
        let rows = self.list::<ActivityLog>("/v2/iam/activity_logs", &[("object", id)], None)?;
        match rows {
            Ok(rows) => Ok(Some(rows.into_iter().rev().map(step).collect())),
            Err(refused) if refused.is_forbidden() => Ok(None),
            Err(refused) => Err(refused.to_error()),
        }
    }
}

fn step(row: ActivityLog) -> Step {
    let actor = row.actor;
    let by = actor.api_key.map(|key| key.id);
    let by = by.or(actor.user.map(|user| user.email)).or(actor.id);
    let time: Option<Timestamp> = row.created.parse().ok();
    let seconds = time.and_then(|time| u64::try_from(time.as_second()).ok());
    let did = did(&row.r#type).to_owned();
    let changes = row.keyward.changes.into_iter();
    let members = changes.map(|change| change.member);
    Step {
        at: seconds.map_or(row.created, instant::show),
        by: by.unwrap_or_else(|| "unknown".to_owned()),
        // In a new key all members are new.
        members: members.filter(|_| did != "added").collect(),
        did,
        command: row.r#type,
        state: "done".to_owned(),
    }
}

/// Returns a row's type in the words of a journal.
fn did(of_type: &str) -> &str {
    match of_type {
        "api_key_created" | "api_key_imported" => "added",
        "api_key_purged" => "removed",
        "api_key_viewed" => "value shown",
        "api_key_looked_up" => "looked up",
        _ => "changed",
    }
}
