//! `keyward keys list`: the keys as a table. Deleted ones are left out unless they are asked for, and that is said.

use std::io::Write;

use anyhow::Result;
use serde_json::Value as Json;

use super::selection::Selection;
use super::view::{self, Status};
use crate::exit::Exit;
use crate::input;
use crate::output::{self, OutputArguments, Tone, toned};
use crate::records::Records;
use crate::times;
use keyward_files::key_file::Key;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Keys of this status; may be repeated
    #[arg(long = "status", value_enum, value_name = "STATUS")]
    statuses: Vec<Status>,
    /// Keys that work and end within this: `14d`
    #[arg(long, value_name = "LENGTH", value_parser = times::length)]
    expiring_within: Option<u64>,
    /// Deleted keys, too
    #[arg(long)]
    all: bool,
}

pub(super) fn run(
    arguments: &Arguments,
    records: &Records,
    output: OutputArguments,
) -> Result<Exit> {
    let filter = arguments.selection.of_server();
    let seen = records.listed(&filter)?;
    let file = seen.file();
    arguments.selection.check(file)?;
    let now = input::now();
    let selected: Vec<(&Key, Status)> = file
        .keys()
        .filter(|key| arguments.selection.fits(key, now))
        .map(|key| (key, Status::of(key, file, now)))
        .filter(|(key, status)| arguments.is_meant(key, *status, now))
        .collect();
    let (shown, hidden): (Vec<_>, Vec<_>) = selected
        .into_iter()
        .partition(|(_, status)| arguments.shows(*status));
    let keys = shown.iter().map(|(key, _)| *key);
    if output.json {
        let keys = keys.map(|key| Json::Object(view::json(key, file, now)));
        output::print_json(&Json::Array(keys.collect()))?;
        return Ok(Exit::Good);
    }
    if shown.is_empty() {
        let what = if records.has_no_keys(&seen, &filter) {
            "no keys yet; `keyward keys create --owner ID` makes one"
        } else {
            "no such keys"
        };
        writeln!(output::stderr(), "{what}")?;
    } else {
        view::table(file, keys, now).print()?;
    }
    if !hidden.is_empty() {
        let count = hidden.len();
        let note = format!("{count} deleted not shown; --all shows them, too");
        writeln!(output::stderr(), "{}", toned(Tone::Dim, &note))?;
    }
    Ok(Exit::Good)
}

impl Arguments {
    fn is_meant(&self, key: &Key, status: Status, now: u64) -> bool {
        let is_of_status = self.statuses.is_empty() || self.statuses.contains(&status);
        let ends_soon = |within: u64| {
            let is_over = matches!(status, Status::Deleted | Status::Expired);
            let last = now.saturating_add(within);
            !is_over && key.expires.is_some_and(|at| at <= last)
        };
        is_of_status && self.expiring_within.is_none_or(ends_soon)
    }

    fn shows(&self, status: Status) -> bool {
        self.all || status != Status::Deleted || self.statuses.contains(&Status::Deleted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward::digest::KeyDigest;
    use keyward::key::{KeyKind, Livemode};

    fn arguments() -> Arguments {
        Arguments {
            selection: Selection::default(),
            statuses: Vec::new(),
            expiring_within: None,
            all: false,
        }
    }

    #[test]
    fn what_ends_soon_still_works() {
        let digest = KeyDigest::of(b"1");
        let key = Key::new("mk_1", KeyKind::Secret, Livemode::Test, "acct_1", digest);
        let within = Arguments {
            expiring_within: Some(10),
            ..arguments()
        };
        let ends = |at| Key {
            expires: Some(at),
            ..key.clone()
        };
        assert!(within.is_meant(&ends(110), Status::Active, 100));
        assert!(!within.is_meant(&ends(111), Status::Active, 100));
        assert!(!within.is_meant(&ends(99), Status::Expired, 100));
        assert!(!within.is_meant(&key, Status::Active, 100));
    }

    #[test]
    fn deleted_keys_are_shown_where_they_are_asked_for() {
        assert!(!arguments().shows(Status::Deleted));
        assert!(arguments().shows(Status::Expired));
        let all = true;
        assert!(Arguments { all, ..arguments() }.shows(Status::Deleted));
        let statuses = vec![Status::Deleted];
        assert!(
            Arguments {
                statuses,
                ..arguments()
            }
            .shows(Status::Deleted)
        );
    }
}
