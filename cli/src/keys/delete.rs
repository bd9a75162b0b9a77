//! `keyward keys delete`: the end of a key. It stays in the file as deleted, so that whoever still uses it is told why; `--purge` takes it out.

use anyhow::Result;

use super::confirm::{self, ConfirmArguments};
use super::told::{self, Told};
use crate::exit::Exit;
use crate::find_key::find;
use crate::input;
use crate::output::OutputArguments;
use crate::rules;
use keyward::management::{Command, KeyTarget};
use keyward_files::store::Store;

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

pub(super) fn run(arguments: &Arguments, store: &Store, output: OutputArguments) -> Result<Exit> {
    let now = input::now();
    let seen = store.read()?;
    let target = KeyTarget {
        id: arguments.key.clone(),
    };
    let command = if arguments.purge {
        Command::PurgeKey(target)
    } else {
        Command::DeleteKey(target)
    };
    rules::check(&seen, &command, now)?;
    let key = find(&seen, &arguments.key)?;
    let told = Told::of(&seen, key, now);
    let question = format!(
        "{} {} ({})?",
        if arguments.purge { "Purge" } else { "Delete" },
        key.id,
        key.name.as_deref().unwrap_or("without a name")
    );
    if let Some(exit) = confirm::ask(arguments.confirm, &question)? {
        return Ok(exit);
    }
    if arguments.purge {
        let notes = store.edit_seen("keys delete --purge", &seen, |file| {
            let decision = rules::carry_out(file, &command, None, now)?;
            Ok(told::notes(&decision, now))
        })?;
        return told.show("purged", &notes, output);
    }
    let (told, notes) = told::change(store, "keys delete", Some(&seen), now, &command)?;
    told.show("deleted", &notes, output)
}
