//! `keyward keys create`: creates a key. It grants only permissions that are named, and by default
//! creates the most limited kind.

use anyhow::Result;

use super::details::{Details, GrantArguments};
use super::told;
use super::words::{KindArgument, ModeArgument};
use crate::exit::Exit;
use crate::input;
use crate::once::Once;
use crate::output::OutputArguments;
use crate::records::{Records, Step};
use keyward::key::KeyKind;
use keyward::management::{Command, CreateKey, Value};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The account that owns it; for an organization key, the organization
    #[arg(long, value_name = "ID")]
    owner: String,
    /// Its kind (default: restricted, or organization for an organization)
    #[arg(long, value_enum)]
    kind: Option<KindArgument>,
    /// Its mode
    #[arg(long, value_enum, default_value_t = ModeArgument::Test)]
    mode: ModeArgument,
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
    let once = Once::open(output)?;
    let [grants, connect_grants] = arguments.grants.to_rules();
    let command = Command::CreateKey(CreateKey {
        owner: arguments.owner.clone(),
        kind: arguments.kind.map(KeyKind::from),
        mode: arguments.mode.into(),
        value: Value::Minted,
        id: None,
        grants,
        connect_grants,
        details: arguments.details.to_rules(now),
    });
    let step = Step {
        name: "keys create",
        command: &command,
        now,
        seen: None,
        place: arguments.details.file.as_deref(),
    };
    told::make(records, once, &step)
}
