//! The journal next to a key file, `<file>.journal`: one line of JSON for every step, appended and
//! synced. A change has two lines: `begun` before the file is replaced, then `done`, or `undone` if
//! the file stayed unchanged. So every change is recorded. Only `done` proves that a change was
//! made. If a crash left a change at `begun`, the next writer compares the file with the digests
//! in that line and records the outcome. The journal contains ids and names of members, never a
//! key or a key's digest.

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value as Json, json};

use crate::key_file::{Change, instant};
use crate::replace::{beside, sync_folder};
use keyward::digest::KeyDigest;
use keyward::invariant::Held;

/// The journal of one key file.
pub(super) struct Journal {
    path: PathBuf,
}

/// Who changes something, when, and the command.
pub(super) struct Entry<'a> {
    pub(super) at: u64,
    pub(super) by: &'a str,
    pub(super) command: &'a str,
}

/// A change whose file is about to be replaced.
pub(super) struct Begun {
    journal: Journal,
    id: String,
}

impl Journal {
    /// Returns the journal of `file`. It is created with its first line.
    pub(super) fn of(file: &Path) -> Self {
        Self {
            path: beside(file, ".journal"),
        }
    }

    /// Records what is about to happen to the file.
    pub(super) fn begin(
        &self,
        entry: &Entry<'_>,
        id: String,
        changes: &[&Change],
        before: &str,
        after: &str,
    ) -> Result<Begun> {
        let changes: Vec<Json> = changes.iter().map(|change| shown(change)).collect();
        self.append(&json!({
            "change": id,
            "state": "begun",
            "at": instant::show(entry.at),
            "by": entry.by,
            "command": entry.command,
            "changes": changes,
            "file_before": digest(before),
            "file_after": digest(after),
        }))?;
        let journal = Self {
            path: self.path.clone(),
        };
        Ok(Begun { journal, id })
    }

    /// Records the outcome of a change that a crash interrupted: `done` if the file has the new
    /// text, `undone` if it has the old one, `unknown` if someone else has written it since.
    pub(super) fn recover(&self, text: &str, at: u64) -> Result<()> {
        let Some(last) = self.last()? else {
            return Ok(());
        };
        if last.get("state") != Some(&json!("begun")) {
            return Ok(());
        }
        let found = json!(digest(text));
        let state = if last.get("file_after") == Some(&found) {
            "done"
        } else if last.get("file_before") == Some(&found) {
            "undone"
        } else {
            "unknown"
        };
        self.append(&json!({
            "change": last.get("change"),
            "state": state,
            "at": instant::show(at),
            "after_a_crash": true,
        }))
    }

    /// Returns the last complete line. A partial line after a crash is cut off: it was never
    /// synced, so nothing depends on it.
    fn last(&self) -> Result<Option<Json>> {
        let opened = OpenOptions::new().read(true).write(true).open(&self.path);
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| self.unusable()),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .with_context(|| self.unusable())?;
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        if whole < bytes.len() {
            let length = u64::try_from(whole)?;
            file.set_len(length)
                .and_then(|()| file.seek(SeekFrom::End(0)))
                .and_then(|_| file.sync_all())
                .with_context(|| self.unusable())?;
        }
        let lines = bytes.get(..whole).held("the last line end is in the text");
        let last = lines
            .split(|byte| *byte == b'\n')
            .rfind(|line| !line.is_empty());
        last.map(|line| {
            serde_json::from_slice(line).with_context(|| {
                format!(
                    "the last line of `{}` is no JSON; move that file away, a new one will be begun",
                    self.path.display()
                )
            })
        })
        .transpose()
    }

    fn append(&self, line: &Json) -> Result<()> {
        let is_new = !self.path.exists();
        let mut text = line.to_string();
        text.push('\n');
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .with_context(|| self.unusable())?;
        if is_new {
            sync_folder(&self.path)?;
        }
        Ok(())
    }

    fn unusable(&self) -> String {
        format!(
            "the journal `{}` cannot be written, and no change goes unrecorded; make it writable",
            self.path.display()
        )
    }
}

impl Begun {
    /// Records that the file was replaced.
    pub(super) fn done(self, at: u64) -> Result<()> {
        self.ended("done", at)
    }

    /// Records that the file stayed unchanged.
    pub(super) fn undone(self, at: u64) -> Result<()> {
        self.ended("undone", at)
    }

    fn ended(self, state: &str, at: u64) -> Result<()> {
        let line = json!({"change": self.id, "state": state, "at": instant::show(at)});
        self.journal.append(&line)
    }
}

/// Returns the digest that recovery compares with a file's text.
fn digest(text: &str) -> String {
    KeyDigest::of(text.as_bytes()).to_string()
}

fn shown(change: &Change) -> Json {
    let mut json = json!({change.subject.name(): change.id, "did": change.did});
    if let (Some(members), false) = (json.as_object_mut(), change.members.is_empty()) {
        members.insert("members".to_owned(), json!(change.members));
    }
    json
}
