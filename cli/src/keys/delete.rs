//! `keyward keys delete`: the end of a key. It stays in the file as deleted, so that whoever still uses it is told why; `--purge` takes it out.

use anyhow::Result;

use super::confirm::{self, ConfirmArguments};
use super::told::{self, Told};
use crate::exit::Exit;
use crate::find_key::find;
use crate::input;
use crate::output::OutputArguments;
use crate::records::{Records, Step};
use keyward::management::{Command, KeyTarget};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The key, by its id
    #[arg(value_name = "KEY")]
    key: String,
    /// Take it out of the file; whoever uses it is told that it is unknown, and not that it is deleted
    #[arg(long)]
    purge: bool,
    #[command(flatten)]
    confirm: ConfirmArguments,
}

pub(super) fn run(
    arguments: &Arguments,
    records: &Records,
    output: OutputArguments,
) -> Result<Exit> {
    let now = input::now();
    let target = KeyTarget {
        id: arguments.key.clone(),
    };
    let command = if arguments.purge {
        Command::PurgeKey(target)
    } else {
        Command::DeleteKey(target)
    };
    let seen = records.check(&command, now)?;
    let key = find(seen.file(), &arguments.key)?;
    let told = Told::of(seen.file(), key, now);
    let question = format!(
        "{} {} ({})?",
        if arguments.purge { "Purge" } else { "Delete" },
        key.id,
        key.name.as_deref().unwrap_or("without a name")
    );
    if let Some(exit) = confirm::ask(arguments.confirm, &question)? {
        return Ok(exit);
    }
    let step = |name| Step {
        name,
        command: &command,
        now,
        seen: Some(&seen),
        place: None,
    };
    if arguments.purge {
        let step = step("keys delete --purge");
        let notes = records.change(&step, |outcome| Ok(told::notes(outcome, now, records)))?;
        return told.show("purged", &notes, records, output);
    }
    let (told, notes) = told::change(records, &step("keys delete"))?;
    told.show("deleted", &notes, records, output)
}
