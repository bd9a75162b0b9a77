//! `keyward keys revoke`: the end of many keys at once, after an incident. What would be deleted is shown first, and only that is deleted.

use std::io::Write;

use anyhow::Result;
use clap::ArgGroup;
use serde_json::json;

use super::confirm::{self, ConfirmArguments};
use super::selection::Selection;
use super::view;
use crate::exit::Exit;
use crate::input;
use crate::output::{self, OutputArguments, Tone, toned};
use crate::records::Records;
use keyward::key::KeyKind;
use keyward_files::key_file::{Key, KeyFile};

/// Of which at least one is needed: nobody deletes all keys by leaving everything out.
const FILTERS: [&str; 5] = ["owners", "kinds", "mode", "created_before", "labels"];

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
    /// Whether it deletes nothing.
    pub(super) fn only_shows(&self) -> bool {
        self.dry_run
    }
}

pub(super) fn run(
    arguments: &Arguments,
    records: &Records,
    output: OutputArguments,
) -> Result<Exit> {
    let seen = records.listed(&arguments.selection.of_server())?;
    let file = seen.file();
    arguments.selection.check(file)?;
    let now = input::now();
    let (doomed, public) = selected(file, &arguments.selection, now);
    let ids: Vec<String> = doomed.iter().map(|key| key.id.clone()).collect();
    let mut err = output::stderr();
    if !public.is_empty() {
        let names: Vec<&str> = public.iter().map(|key| key.id.as_str()).collect();
        let note = format!(
            "publishable keys are public and cannot be deleted, so these stay; `keyward keys rotate` replaces them: {}",
            names.join(" ")
        );
        writeln!(err, "{}", toned(Tone::Dim, &note))?;
    }
    let is_for_programs = output.json;
    if !is_for_programs && !doomed.is_empty() {
        view::table(file, doomed.iter().copied(), now).write(&mut err)?;
    }
    if doomed.is_empty() {
        if is_for_programs {
            show_json(&[], false)?;
        }
        writeln!(
            err,
            "no key to delete fits; `keyward keys list` takes the same filters"
        )?;
        return Ok(Exit::Failed);
    }
    let count = ids.len();
    if arguments.dry_run {
        if is_for_programs {
            show_json(&ids, false)?;
        }
        writeln!(err, "{count} would be deleted; nothing was changed")?;
        return Ok(Exit::Good);
    }
    drop(err);
    if let Some(exit) = confirm::ask(arguments.confirm, &format!("Delete these {count} keys?"))? {
        return Ok(exit);
    }
    records.delete_all("keys revoke", &seen, &ids, now)?;
    if is_for_programs {
        show_json(&ids, true)?;
    } else {
        writeln!(output::stdout(), "deleted {count}: {}", ids.join(" "))?;
    }
    writeln!(output::stderr(), "{}", records.next())?;
    Ok(Exit::Good)
}

fn show_json(ids: &[String], is_done: bool) -> Result<()> {
    output::print_json(&json!({"keys": ids, "deleted": is_done}))
}

/// The keys that are not deleted yet: those that can be, and the publishable ones.
fn selected<'a>(
    file: &'a KeyFile,
    selection: &Selection,
    now: u64,
) -> (Vec<&'a Key>, Vec<&'a Key>) {
    file.keys()
        .filter(|key| !key.is_deleted() && selection.fits(key, now))
        .partition(|key| key.kind != KeyKind::Publishable)
}
