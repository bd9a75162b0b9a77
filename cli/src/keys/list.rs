//! `keyward keys list`: the keys as a table. It omits deleted keys unless asked for them, and says
//! so.

use std::io::Write;

use anyhow::Result;
use serde_json::Value as Json;

use super::bulk::selected;
use super::selection::Selection;
use super::view::{self, Status};
use crate::exit::Exit;
use crate::input;
use crate::output::{self, OutputArguments, Tone, toned};
use crate::records::Records;
use keyward_files::key_file::Key;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Also list deleted keys
    #[arg(long)]
    all: bool,
}

pub(super) fn run(
    arguments: &Arguments,
    records: &Records,
    output: OutputArguments,
) -> Result<Exit> {
    let now = input::now();
    let selection = &arguments.selection;
    let (seen, usage) = selected(selection, records, now)?;
    let (file, usage) = (seen.file(), usage.as_ref());
    let (shown, hidden): (Vec<&Key>, Vec<&Key>) = selection
        .of(file, usage, now)
        .partition(|key| arguments.shows(Status::of(key, file, now)));
    if output.json {
        let keys = shown.iter().map(|key| {
            let mut json = view::json(key, file, now);
            if let Some(used) = usage.and_then(|usage| usage.of(&key.id)) {
                json.insert("usage".to_owned(), used.to_json());
            }
            Json::Object(json)
        });
        output::print_json(&Json::Array(keys.collect()))?;
        return Ok(Exit::Good);
    }
    if shown.is_empty() {
        let what = if records.has_no_keys(&seen, &selection.of_server()) {
            "no keys yet; `keyward keys create --owner ID` makes one"
        } else {
            "no such keys"
        };
        writeln!(output::stderr(), "{what}")?;
    } else {
        view::table(file, shown, usage, now).print()?;
    }
    let mut err = output::stderr();
    if !hidden.is_empty() {
        let count = hidden.len();
        let note = format!("{count} deleted not shown; --all shows them, too");
        writeln!(err, "{}", toned(Tone::Dim, &note))?;
    }
    let lost = usage.map_or(0, super::usage::Usage::lost);
    if lost > 0 {
        let note = format!("{lost} requests are in no key's count; docs/usage.md says why");
        writeln!(err, "{}", toned(Tone::Warning, &note))?;
    }
    Ok(Exit::Good)
}

impl Arguments {
    fn shows(&self, status: Status) -> bool {
        let statuses = &self.selection.statuses;
        self.all || status != Status::Deleted || statuses.contains(&Status::Deleted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows_deleted(all: bool, statuses: &[Status]) -> bool {
        let mut selection = Selection::default();
        selection.statuses = statuses.to_vec();
        Arguments { selection, all }.shows(Status::Deleted)
    }

    #[test]
    fn deleted_keys_are_shown_where_they_are_asked_for() {
        assert!(!shows_deleted(false, &[]));
        assert!(!shows_deleted(false, &[Status::Active]));
        assert!(shows_deleted(true, &[]));
        assert!(shows_deleted(false, &[Status::Deleted]));
        let selection = Selection::default();
        let all = false;
        assert!(Arguments { selection, all }.shows(Status::Expired));
    }
}
