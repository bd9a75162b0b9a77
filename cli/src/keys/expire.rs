//! `keyward keys expire`: sets when a key ends. An ended key cannot be revived by accident, and a
//! replaced key cannot outlive its overlap.

use anyhow::Result;

use super::told;
use crate::exit::Exit;
use crate::input;
use crate::output::OutputArguments;
use crate::records::{Records, Step};
use crate::times;
use keyward::management::{Command, ExpireKey};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The key, by its id
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    when: When,
    /// Let an ended key work again
    #[arg(long)]
    revive: bool,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct When {
    /// Expire it after this time: `90d`, `12h`
    #[arg(long = "in", value_name = "LENGTH", value_parser = times::length)]
    after: Option<u64>,
    /// Expire it at this date: `2026-11-20T10:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = times::time)]
    at: Option<u64>,
    /// Expire it now
    #[arg(long)]
    now: bool,
    /// Let it never expire
    #[arg(long)]
    never: bool,
}

impl When {
    /// Returns the end in Unix seconds. `None` means never.
    fn end(&self, now: u64) -> Option<u64> {
        if self.now {
            return Some(now);
        }
        self.at
            .or_else(|| self.after.map(|seconds| now.saturating_add(seconds)))
    }
}

pub(super) fn run(
    arguments: &Arguments,
    records: &Records,
    output: OutputArguments,
) -> Result<Exit> {
    let now = input::now();
    let end = arguments.when.end(now);
    let command = Command::ExpireKey(ExpireKey {
        id: arguments.key.clone(),
        end,
        revive: arguments.revive,
    });
    let step = Step {
        name: "keys expire",
        command: &command,
        now,
        seen: None,
        place: None,
    };
    let (told, _) = told::change(records, &step)?;
    let did = match end {
        None => "took the expiry from",
        Some(_) => "set the expiry of",
    };
    told.show(did, &[], records, output)
}
