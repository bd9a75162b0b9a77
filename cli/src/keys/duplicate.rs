//! `keyward keys duplicate`: creates a restricted key with the permissions and the name of another.
//! `--live` creates the live counterpart of a tested test key.

use anyhow::Result;

use super::details::Details;
use super::told;
use crate::exit::Exit;
use crate::input;
use crate::once::Once;
use crate::output::OutputArguments;
use crate::records::{Records, Step};
use keyward::management::{Command, DuplicateKey};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The restricted key to copy, by its id
    #[arg(value_name = "KEY")]
    key: String,
    /// Make a live key from a test key
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    details: Details,
}

pub(super) fn run(
    arguments: &Arguments,
    records: &Records,
    output: OutputArguments,
) -> Result<Exit> {
    let now = input::now();
    let once = Once::open(output)?;
    let command = Command::DuplicateKey(DuplicateKey {
        id: arguments.key.clone(),
        live: arguments.live,
        details: arguments.details.to_rules(now),
    });
    let step = Step {
        name: "keys duplicate",
        command: &command,
        now,
        seen: None,
        place: arguments.details.file.as_deref(),
    };
    told::make(records, once, &step)
}
