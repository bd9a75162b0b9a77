//! `keyward keys import`: a key that exists already, from standard input. Its digest is kept; a publishable key's value is public and kept, too.

use anyhow::Result;

use super::details::{Details, GrantArguments};
use super::told;
use super::words::{KindArgument, ModeArgument};
use crate::exit::Exit;
use crate::input;
use crate::output::OutputArguments;
use crate::records::{Records, Step};
use keyward::key::{KeyKind, Livemode};
use keyward::management::{Command, ImportKey, ImportedValue};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The account it belongs to; for an organization key the organization
    #[arg(long, value_name = "ID")]
    owner: String,
    /// Which kind, where its prefix does not tell
    #[arg(long, value_enum)]
    kind: Option<KindArgument>,
    /// In which mode it works, where its prefix does not tell
    #[arg(long, value_enum)]
    mode: Option<ModeArgument>,
    /// The id it is to have; a new one unless it is said
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Take in a key of which so little follows the prefix that it can be guessed, or may be cut short or masked
    #[arg(long)]
    allow_short: bool,
    #[command(flatten)]
    grants: GrantArguments,
    #[command(flatten)]
    details: Details,
}

pub(super) fn run(
    arguments: &Arguments,
    records: &Records,
    output: OutputArguments,
) -> Result<Exit> {
    let now = input::now();
    let value = input::key()?;
    let (kind, mode) = (
        arguments.kind.map(KeyKind::from),
        arguments.mode.map(Livemode::from),
    );
    let [grants, connect_grants] = arguments.grants.to_rules();
    let profile = records.profile()?;
    let command = Command::ImportKey(ImportKey {
        owner: arguments.owner.clone(),
        value: ImportedValue::read(&profile, &value, kind, mode),
        id: arguments.id.clone(),
        allow_short: arguments.allow_short,
        grants,
        connect_grants,
        details: arguments.details.to_rules(now),
        created: None,
    });
    let step = Step {
        name: "keys import",
        command: &command,
        now,
        seen: None,
        place: arguments.details.file.as_deref(),
    };
    let (told, notes) = told::change(records, &step)?;
    told.show("imported", &notes, records, output)
}
