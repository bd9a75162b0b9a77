//! `keyward keys rotate`: a replacement that works at once, with everything the old key may do. The old one ends at once, which is asked for, or after up to 7 days.

use anyhow::Result;

use super::confirm;
use super::told;
use crate::exit::Exit;
use crate::find_key::find;
use crate::input;
use crate::once::Once;
use crate::output::OutputArguments;
use crate::records::{Records, Step};
use crate::rules::OVERLAP_TOO_LONG;
use crate::times::{self, Moment};
use keyward::management::{Command, End, LONGEST_OVERLAP, RotateKey, Value};

/// Said where nobody can be asked when the old key ends.
const WHEN: &str =
    "say when the old key ends: --keep-for 24h lets both work for a day, --now ends it at once";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The key to replace, by its id
    #[arg(value_name = "KEY")]
    key: String,
    /// How long the old key goes on, up to `7d`
    #[arg(long, value_name = "LENGTH", value_parser = overlap)]
    keep_for: Option<u64>,
    /// End the old key at once (in a key file: with the next push), without asking
    #[arg(long, conflicts_with = "keep_for")]
    now: bool,
    /// When the replacement stops working: after a while (`90d`) or at a time
    #[arg(long, value_name = "WHEN", value_parser = times::moment, conflicts_with = "no_expiry")]
    expires: Option<Moment>,
    /// Let the replacement of a key that has an expiry work for ever
    #[arg(long)]
    no_expiry: bool,
}

/// Reads `24h`; at most 7 days.
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
    let once = Once::open(output)?;
    let expires = match arguments.expires {
        Some(moment) => End::At(moment.ahead_of(now)),
        None if arguments.no_expiry => End::Never,
        None => End::Unsaid,
    };
    let command = Command::RotateKey(RotateKey {
        id: arguments.key.clone(),
        keep_for: arguments.keep_for.unwrap_or(0),
        expires,
        value: Value::Minted,
    });
    let mut seen = None;
    if arguments.keep_for.is_none() && !arguments.now {
        let asked = records.check(&command, now)?;
        let old = find(asked.file(), &arguments.key)?;
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
