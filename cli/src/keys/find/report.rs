//! The report for people and programs: every found key with what to do now, and what could not be
//! read. It never prints a key.

use std::io::Write;

use anyhow::Result;
use serde_json::{Map, Value as Json, json};

use super::Found;
use crate::exit::Exit;
use crate::keys::view::{self, Status};
use crate::output::{self, OutputArguments, Tone, toned};
use crate::records::Records;
use keyward::key::KeyKind;
use keyward_files::key_file::{Key, KeyFile};

/// The results, with the file and the time.
pub(super) struct Report<'a> {
    file: &'a KeyFile,
    found: &'a Found<'a>,
    records: &'a Records,
    now: u64,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        file: &'a KeyFile,
        found: &'a Found<'a>,
        records: &'a Records,
        now: u64,
    ) -> Self {
        Self {
            file,
            found,
            records,
            now,
        }
    }

    pub(super) fn show(&self, output: OutputArguments) -> Result<Exit> {
        if output.json {
            output::print_json(&self.json())?;
        } else {
            self.print(&mut output::stdout())?;
        }
        self.remark(&mut output::stderr())?;
        Ok(self.exit())
    }

    /// Returns the exit status. If something could not be read, that outranks what was found,
    /// because there may be more.
    fn exit(&self) -> Exit {
        if !self.found.unread.is_empty() {
            Exit::Invalid
        } else if self.is_any() {
            Exit::Good
        } else {
            Exit::Failed
        }
    }

    fn is_any(&self) -> bool {
        let mut masked = self.found.masked.iter();
        !self.found.keys.is_empty() || masked.any(|(_, keys)| !keys.is_empty())
    }

    fn json(&self) -> Json {
        let keys = |keys: &[&Key]| -> Vec<Json> {
            keys.iter().map(|key| Json::Object(self.of(key))).collect()
        };
        let masked = self.found.masked.iter();
        let masked: Vec<Json> = masked
            .map(|(mask, may_be)| json!({"masked": mask.shown(), "may_be": keys(may_be)}))
            .collect();
        json!({
            "found": keys(&self.found.keys),
            "masked": masked,
            "unknown": self.found.strangers,
            "unread": self.found.unread,
        })
    }

    fn of(&self, key: &Key) -> Map<String, Json> {
        let mut json = view::json(key, self.file, self.now);
        let next = self.next(key, Status::of(key, self.file, self.now));
        json.insert("next".to_owned(), json!(next));
        json
    }

    fn print(&self, out: &mut impl Write) -> Result<()> {
        for key in &self.found.keys {
            self.print_key(key, out)?;
        }
        for (mask, may_be) in &self.found.masked {
            let shown = mask.shown();
            match may_be.len() {
                0 => continue,
                1 => writeln!(out, "`{shown}` may be:")?,
                count => writeln!(out, "`{shown}` may be one of {count}:")?,
            }
            for key in may_be {
                self.print_key(key, out)?;
            }
        }
        Ok(())
    }

    fn print_key(&self, key: &Key, out: &mut impl Write) -> Result<()> {
        let status = Status::of(key, self.file, self.now);
        let name = key.name.as_deref().unwrap_or("without a name");
        writeln!(
            out,
            "{}  {name}  {}",
            toned(Tone::Good, &key.id),
            toned(status.tone(), status.name())
        )?;
        writeln!(out, "{}", danger(self.file, key, status))?;
        let next = self.next(key, status);
        if !next.is_empty() {
            writeln!(out, "next:")?;
        }
        for command in next {
            writeln!(out, "  {command}")?;
        }
        Ok(())
    }

    /// Reports values that match no key of the file.
    fn remark(&self, err: &mut impl Write) -> Result<()> {
        for shown in &self.found.strangers {
            writeln!(
                err,
                "`{shown}`: no key of this file has this value; it has the prefix of a key: it may be of another key file, or purged"
            )?;
        }
        for (mask, may_be) in &self.found.masked {
            if may_be.is_empty() && mask.has_end() {
                let shown = mask.shown();
                writeln!(err, "`{shown}`: no key of this file is known to end so")?;
            }
        }
        for why in &self.found.unread {
            writeln!(err, "{}", toned(Tone::Warning, why))?;
        }
        if !self.found.unread.is_empty() {
            let what = if self.is_any() { "other keys" } else { "keys" };
            writeln!(
                err,
                "not all of the text could be read: {what} of this file may be in it"
            )?;
        } else if !self.is_any() {
            writeln!(err, "no key of this file is in the text")?;
        }
        Ok(())
    }

    /// Returns the commands to run now, in order.
    fn next(&self, key: &Key, status: Status) -> Vec<String> {
        let id = &key.id;
        match (key.kind, status) {
            (_, Status::Deleted | Status::Expired) => Vec::new(),
            (KeyKind::Publishable, _) => vec![format!(
                "keyward keys show {id}    # publishable keys are public: nothing leaked"
            )],
            (_, Status::Inactive | Status::Suspended | Status::Active) => {
                let mut next = vec![format!(
                    "keyward keys delete {id} --yes    # ends it; or, for a replacement first: keyward keys rotate {id}"
                )];
                if let Records::File(_) = self.records {
                    next.push("keyward push".to_owned());
                }
                next.push(format!(
                    "keyward keys show {id}    # what it could do, and who made it"
                ));
                next
            }
        }
    }
}

/// Describes what someone who has the key can do with it.
fn danger(file: &KeyFile, key: &Key, status: Status) -> String {
    let whose = format!(
        "a {} key of {} in {} mode",
        key.kind.name(),
        key.owner,
        key.mode.name()
    );
    if status != Status::Active {
        return format!("{whose}; it does not work now: {}", status.name());
    }
    let place = if key.allowed_ips.is_empty() {
        "from everywhere".to_owned()
    } else {
        format!("from {}", key.allowed_ips.join(" "))
    };
    format!(
        "{whose}; it works {place}, permissions: {}",
        view::permissions(key, file)
    )
}
