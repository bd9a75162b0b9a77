//! Writes ends into the key file that does not have them yet. They have happened on the server,
//! which no file undoes; so the file only learns of them.

use std::path::Path;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;

use keyward::account::AccountStatus;
use keyward::management::{AccountSettings, RecordChange};
use keyward::snapshot::KeyStatus;

use super::Ended;
use crate::key_file::KeyFile;
use crate::store::Store;

/// Writes all of the ends or none, as an edit of the command `apply`. `beginning` is what the server
/// added to the file.
pub(super) fn adopt(path: &Path, ends: &[Ended], beginning: Option<&str>) -> Result<()> {
    let mut store = Store::open(path)?;
    if let Some(beginning) = beginning {
        store = store.in_context("the server", beginning);
    }
    let written = store.edit("apply", |file| {
        let changes: Result<Vec<RecordChange>> = ends.iter().map(|end| change(file, end)).collect();
        Ok(file.apply(&changes?, None)?)
    });
    written.with_context(|| {
        let lines: Vec<String> = ends.iter().map(|end| format!("\n  {end}")).collect();
        format!(
            "the ends cannot be written into `{}`, and nothing was applied. Write them by hand:{}\nThe reason",
            path.display(),
            lines.concat()
        )
    })
}

fn change(file: &KeyFile, end: &Ended) -> Result<RecordChange> {
    let Ended {
        expires_at,
        id,
        object,
        status,
    } = end;
    let gone = || format!("the file no longer has `{id}`");
    match (object.as_str(), status.as_str()) {
        ("account", "suspended") => {
            let before = file.account(id).with_context(gone)?.clone();
            let mut after = before.clone();
            after.status = AccountStatus::Suspended;
            // A key file has no such settings.
            let settings = AccountSettings::default;
            Ok(RecordChange::PutAccount {
                before: (before, settings()),
                after: (after, settings()),
            })
        }
        ("api_key", "active" | "deleted") => {
            let before = file.key(id).with_context(gone)?.clone();
            let mut after = before.clone();
            // Whatever the server says, a key in the file ends no later than before.
            let end = expires_at.as_deref().map(seconds).transpose()?;
            let earlier = end.filter(|end| before.expires.is_none_or(|known| *end < known));
            after.expires = earlier.or(before.expires);
            if status == "deleted" {
                after.status = KeyStatus::Deleted;
            } else if earlier.is_none() {
                bail!("the server names no end of `{id}` that the file does not have");
            }
            Ok(RecordChange::PutKey {
                before: Box::new(before),
                after: Box::new(after),
            })
        }
        _ => bail!("the server names an end that this version does not know: {object} {end}"),
    }
}

fn seconds(text: &str) -> Result<u64> {
    let time: Option<Timestamp> = text.parse().ok();
    let seconds = time.and_then(|time| u64::try_from(time.as_second()).ok());
    seconds.with_context(|| format!("the server names an invalid time: `{text}`"))
}
