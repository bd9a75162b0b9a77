//! `keyward keys delete`: ends a key. The key stays in the file as deleted, so that keyward can
//! give its users the reason; `--purge` removes it.

use anyhow::Result;

use super::bulk::{Deed, Many};
use super::confirm::{self, ConfirmArguments};
use super::told::{self, Told};
use crate::exit::Exit;
use crate::find_key::find;
use crate::input;
use crate::output::OutputArguments;
use crate::records::{Records, Step};
use keyward::key::KeyKind;
use keyward::management::{Command, KeyTarget};

pub(super) const DELETE: Deed = Deed {
    verb: "Delete",
    done: "deleted",
};
const PURGE: Deed = Deed {
    verb: "Purge",
    done: "purged",
};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The key, by its id
    #[arg(value_name = "KEY", required_unless_present = "filters")]
    key: Option<String>,
    #[command(flatten)]
    pub(super) many: Many,
    /// Remove it from the file; keyward then denies it as unknown, and not as deleted
    #[arg(long)]
    purge: bool,
    #[command(flatten)]
    confirm: ConfirmArguments,
}

pub(super) fn command(id: &str, purge: bool) -> Command {
    let target = KeyTarget { id: id.to_owned() };
    if purge {
        Command::PurgeKey(target)
    } else {
        Command::DeleteKey(target)
    }
}

pub(super) fn run(
    arguments: &Arguments,
    records: &Records,
    output: OutputArguments,
) -> Result<Exit> {
    let now = input::now();
    let purge = arguments.purge;
    let (deed, name) = match purge {
        true => (PURGE, "keys delete --purge"),
        false => (DELETE, "keys delete"),
    };
    let Some(id) = &arguments.key else {
        // The rules decide for each key whether it can be purged.
        let can = |key: &keyward_files::key_file::Key| {
            purge || !key.is_deleted() && key.kind != KeyKind::Publishable
        };
        let many = &arguments.many;
        let chosen = match many.chosen(records, deed, arguments.confirm, output, now, can)? {
            Ok(chosen) => chosen,
            Err(exit) => return Ok(exit),
        };
        let commands: Vec<Command> = chosen.ids.iter().map(|id| command(id, purge)).collect();
        let done = records.change_all(name, Some(&chosen.seen), &commands, None, now)?;
        return deed.show(&done, records, output, now);
    };
    let command = command(id, purge);
    let seen = records.check(&command, now)?;
    let key = find(seen.file(), id)?;
    let told = Told::of(seen.file(), key, now);
    let question = format!(
        "{} {} ({})?",
        deed.verb,
        key.id,
        key.name.as_deref().unwrap_or("without a name")
    );
    if let Some(exit) = confirm::ask(arguments.confirm, &question)? {
        return Ok(exit);
    }
    let step = Step {
        name,
        command: &command,
        now,
        seen: Some(&seen),
        place: None,
    };
    if purge {
        let notes = records.change(&step, |outcome| Ok(told::notes(outcome, now, records)))?;
        return told.show(deed.done, &notes, records, output);
    }
    let (told, notes) = told::change(records, &step)?;
    told.show(deed.done, &notes, records, output)
}
