//! `keyward keys limit-ip`: sets the addresses from which a key may be used. Only secret,
//! restricted and organization keys have such limits.

use anyhow::Result;
use clap::ValueEnum;

use super::details::IpArguments;
use super::told;
use crate::exit::Exit;
use crate::input;
use crate::output::OutputArguments;
use crate::records::{Records, Step};
use keyward::management::{Command, EditKey, IpAction, IpChange};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The key, by its id
    #[arg(value_name = "KEY")]
    key: String,
    /// The change
    #[arg(value_enum, value_name = "ACTION")]
    action: Action,
    /// Addresses and ranges, as separate arguments or separated by blanks in one
    #[arg(value_name = "IP")]
    ips: Vec<String>,
    #[command(flatten)]
    ip: IpArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Also let it work from these
    Add,
    /// Remove these
    Remove,
    /// Only from these
    Set,
    /// Lift the limit
    Clear,
}

impl From<Action> for IpAction {
    fn from(action: Action) -> Self {
        match action {
            Action::Add => Self::Add,
            Action::Remove => Self::Remove,
            Action::Set => Self::Set,
            Action::Clear => Self::Clear,
        }
    }
}

pub(super) fn run(
    arguments: &Arguments,
    records: &Records,
    output: OutputArguments,
) -> Result<Exit> {
    let now = input::now();
    let command = Command::EditKey(EditKey {
        id: arguments.key.clone(),
        ips: Some(IpChange {
            action: arguments.action.into(),
            texts: arguments.ips.clone(),
            ipv6: arguments.ip.ipv6,
        }),
        ..EditKey::default()
    });
    let step = Step {
        name: "keys limit-ip",
        command: &command,
        now,
        seen: None,
        place: None,
    };
    let (told, notes) = told::change(records, &step)?;
    let did = match arguments.action {
        Action::Clear => "lifted the IP limit of",
        Action::Add | Action::Remove | Action::Set => "limited",
    };
    told.show(did, &notes, records, output)
}
