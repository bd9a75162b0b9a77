//! `keyward keys rotate`: creates a replacement that works immediately and may do everything that
//! the old key may. The old key ends immediately, which is confirmed first, or after up to 7 days.

use std::io::Write;

use anyhow::Result;

use super::bulk::{Deed, Many};
use super::confirm::{self, ConfirmArguments};
use super::told;
use crate::exit::Exit;
use crate::find_key::find;
use crate::input;
use crate::once::Once;
use crate::output::{self, OutputArguments};
use crate::records::{Records, Step};
use crate::rules::OVERLAP_TOO_LONG;
use crate::times::{self, Moment};
use keyward::management::{Command, End, LONGEST_OVERLAP, RotateKey, Value};
use keyward_files::key_file::Key;

/// The message if keyward has no terminal to ask when the old key ends.
const WHEN: &str =
    "say when the old key ends: --keep-for 24h lets both work for a day, --now ends it at once";

const ROTATE: Deed = Deed {
    verb: "Rotate",
    done: "rotated",
};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The key to replace, by its id
    #[arg(value_name = "KEY", required_unless_present = "filters")]
    key: Option<String>,
    #[command(flatten)]
    pub(super) many: Many,
    #[command(flatten)]
    confirm: ConfirmArguments,
    /// How long the old key still works, up to `7d`
    #[arg(long, value_name = "LENGTH", value_parser = overlap)]
    keep_for: Option<u64>,
    /// End the old key at once (in a key file: with the next push), without asking
    #[arg(long, conflicts_with = "keep_for")]
    now: bool,
    /// When the replacement stops working: after a time (`90d`) or at a date
    #[arg(long, value_name = "WHEN", value_parser = times::moment, conflicts_with = "no_expiry")]
    expires: Option<Moment>,
    /// Let the replacement never expire, even if the old key expires
    #[arg(long)]
    no_expiry: bool,
}

/// Parses `24h`; the maximum is 7 days.
fn overlap(text: &str) -> Result<u64, String> {
    let seconds = times::length(text)?;
    if seconds > LONGEST_OVERLAP {
        return Err(OVERLAP_TOO_LONG.to_owned());
    }
    Ok(seconds)
}

pub(super) fn run(
    arguments: &Arguments,
    records: &Records,
    output: OutputArguments,
) -> Result<Exit> {
    let now = input::now();
    let expires = match arguments.expires {
        Some(moment) => End::At(moment.ahead_of(now)),
        None if arguments.no_expiry => End::Never,
        None => End::Unsaid,
    };
    let command = |id: &str| {
        Command::RotateKey(RotateKey {
            id: id.to_owned(),
            keep_for: arguments.keep_for.unwrap_or(0),
            keep_from: None,
            expires,
            value: Value::Minted,
        })
    };
    let Some(id) = &arguments.key else {
        return many(arguments, records, output, now, command);
    };
    let once = Once::open(output)?;
    let command = command(id);
    let mut seen = None;
    if arguments.keep_for.is_none() && !arguments.now {
        let asked = records.check(&command, now)?;
        let old = find(asked.file(), id)?;
        let question = format!(
            "End {} ({}) {}? Its users are locked out until they have the new key; --keep-for 24h lets both work.",
            old.id,
            old.name.as_deref().unwrap_or("without a name"),
            records.at_once()
        );
        if let Some(exit) = confirm::ask_or(&question, WHEN)? {
            return Ok(exit);
        }
        seen = Some(asked);
    }
    let step = Step {
        name: "keys rotate",
        command: &command,
        now,
        seen: seen.as_ref(),
        place: None,
    };
    told::make(records, once, &step)
}

/// Rotates all selected keys. Their values are shown together, one JSON object per line.
fn many(
    arguments: &Arguments,
    records: &Records,
    output: OutputArguments,
    now: u64,
    command: impl Fn(&str) -> Command,
) -> Result<Exit> {
    let is_said = arguments.keep_for.is_some() || arguments.now;
    if !is_said && !arguments.many.only_shows() {
        writeln!(output::stderr(), "keyward: {WHEN}")?;
        return Ok(Exit::Usage);
    }
    let can = |key: &Key| !key.is_deleted() && !key.is_expired(now) && key.replaced_by.is_none();
    let many = &arguments.many;
    let chosen = match many.chosen(records, ROTATE, arguments.confirm, output, now, can)? {
        Ok(chosen) => chosen,
        Err(exit) => return Ok(exit),
    };
    let once = Once::open(output)?;
    let commands: Vec<Command> = chosen.ids.iter().map(|id| command(id)).collect();
    let made = told::make_all(records, &once, "keys rotate", &chosen.seen, &commands, now)?;
    let mut err = output::stderr();
    // The values were shown, so the command succeeds even if printing the rest fails.
    let _ = writeln!(
        err,
        "rotated {made}: each line of standard output has a new key's id, the id of the one it replaces, and its value, this once\n{}",
        records.next()
    );
    Ok(Exit::Good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_is_7_days_at_most() {
        assert_eq!(overlap("24h"), Ok(86_400));
        assert_eq!(overlap("7d"), Ok(LONGEST_OVERLAP));
        for text in ["8d", "604801s", "2w"] {
            assert!(
                overlap(text).unwrap_err().contains("within 7 days"),
                "{text}"
            );
        }
    }
}
