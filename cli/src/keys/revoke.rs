//! `keyward keys revoke`: ends many keys at once, after an incident. It first shows the keys that
//! it would delete, and deletes only those.

use std::io::Write;

use anyhow::Result;
use clap::ArgGroup;

use super::bulk::selected;
use super::confirm::ConfirmArguments;
use super::delete;
use super::selection::Selection;
use crate::exit::Exit;
use crate::input;
use crate::output::{self, OutputArguments, Tone, toned};
use crate::records::Records;
use keyward::key::KeyKind;
use keyward::management::Command;
use keyward_files::key_file::Key;

/// At least one filter is required, so that a command without any does not delete all keys.
const FILTERS: [&str; 12] = [
    "owners",
    "name",
    "kinds",
    "mode",
    "permissions",
    "level",
    "statuses",
    "expiring_within",
    "created_before",
    "labels",
    "unused_for",
    "used_within",
];

#[derive(clap::Args)]
#[command(group = ArgGroup::new("some filter").args(FILTERS).required(true).multiple(true))]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Show what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    confirm: ConfirmArguments,
}

impl Arguments {
    /// Whether the command deletes nothing.
    pub(super) fn only_shows(&self) -> bool {
        self.dry_run
    }
}

pub(super) fn run(
    arguments: &Arguments,
    records: &Records,
    output: OutputArguments,
) -> Result<Exit> {
    let now = input::now();
    let selection = &arguments.selection;
    let (seen, usage) = selected(selection, records, now)?;
    let file = seen.file();
    let keys = selection.of(file, usage.as_ref(), now);
    let (doomed, public): (Vec<&Key>, Vec<&Key>) = keys
        .filter(|key| !key.is_deleted())
        .partition(|key| key.kind != KeyKind::Publishable);
    if !public.is_empty() {
        let names: Vec<&str> = public.iter().map(|key| key.id.as_str()).collect();
        let note = format!(
            "publishable keys are public and cannot be deleted, so these stay; `keyward keys rotate` replaces them: {}",
            names.join(" ")
        );
        writeln!(output::stderr(), "{}", toned(Tone::Dim, &note))?;
    }
    let asking = (arguments.dry_run, arguments.confirm);
    let asked = delete::DELETE.agreed(file, &doomed, usage.as_ref(), asking, output, now)?;
    if let Some(exit) = asked {
        return Ok(exit);
    }
    let commands: Vec<Command> = doomed
        .iter()
        .map(|key| delete::command(&key.id, false))
        .collect();
    let done = records.change_all("keys revoke", Some(&seen), &commands, None, now)?;
    delete::DELETE.show(&done, records, output, now)
}
