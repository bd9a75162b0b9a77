//! `keyward keys import`: imports an existing key from standard input, or many keys, one per line.
//! It stores digests, and the values of publishable keys, which are public.

use anyhow::Result;

use super::bulk::Deed;
use super::details::{Details, GrantArguments};
use super::lines;
use super::told;
use super::words::{KindArgument, ModeArgument};
use crate::exit::Exit;
use crate::input;
use crate::output::OutputArguments;
use crate::records::{Records, Step};
use keyward::key::{KeyKind, Livemode};
use keyward::management::{Command, ImportKey, ImportedValue};

/// The options that each line sets for its own key when there are many.
const SAID_OF_ONE: [&str; 16] = [
    "owner",
    "kind",
    "mode",
    "id",
    "name",
    "note",
    "labels",
    "expires",
    "not_before",
    "allow_ip",
    "ipv6",
    "enforcement",
    "grants",
    "from_grant_set",
    "connect_grants",
    "connect_from_grant_set",
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The account that owns it; for an organization key, the organization
    #[arg(long, value_name = "ID", required_unless_present = "lines")]
    owner: Option<String>,
    /// Read many keys, a JSON object per line, as `keyward keys export` prints them; it imports all, or none
    #[arg(long, conflicts_with_all = SAID_OF_ONE)]
    lines: bool,
    /// Its kind, if its prefix does not show it
    #[arg(long, value_enum)]
    kind: Option<KindArgument>,
    /// Its mode, if its prefix does not show it
    #[arg(long, value_enum)]
    mode: Option<ModeArgument>,
    /// Its id (default: a new one)
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Accept a key with so few characters after the prefix that it can be guessed, or may be cut short or masked
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
    let Some(owner) = &arguments.owner else {
        return many(arguments, records, output, now);
    };
    let value = input::key()?;
    let (kind, mode) = (
        arguments.kind.map(KeyKind::from),
        arguments.mode.map(Livemode::from),
    );
    let [grants, connect_grants] = arguments.grants.to_rules();
    let profile = records.profile()?;
    let command = Command::ImportKey(ImportKey {
        owner: owner.clone(),
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

fn many(
    arguments: &Arguments,
    records: &Records,
    output: OutputArguments,
    now: u64,
) -> Result<Exit> {
    const IMPORT: Deed = Deed {
        verb: "Import",
        done: "imported",
    };
    let profile = records.profile()?;
    let commands = lines::read(std::io::stdin().lock(), &profile, arguments.allow_short)?;
    let place = arguments.details.file.as_deref();
    let done = records.change_all("keys import", None, &commands, place, now)?;
    IMPORT.show(&done, records, output, now)
}
