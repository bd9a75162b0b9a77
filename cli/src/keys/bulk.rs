//! Many keys at once: `--select` of `delete`, `edit` and `rotate`, and the filters of `revoke`. The
//! command first shows the selected keys, and changes only those.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use serde_json::json;

use super::confirm::{self, ConfirmArguments};
use super::selection::{self, Selection};
use super::usage::Usage;
use super::view;
use crate::exit::Exit;
use crate::output::{self, OutputArguments, Tone, toned};
use crate::records::{Records, Seen};
use crate::rules::{self, Done};
use keyward_files::key_file::{Key, KeyFile};

/// How many ids are all listed, and how many of more.
const LISTED: usize = 20;
const FIRST: usize = 5;

/// `--select`, instead of one key.
#[derive(clap::Args)]
pub(super) struct Many {
    /// Instead of one key, choose all that `keyward keys list` shows with this filter, such as `owner=acct_1`; may be repeated, and a key must match all
    #[arg(long = "select", value_name = "FILTER=VALUE", value_parser = selection::filter, conflicts_with = "key")]
    filters: Vec<String>,
    /// With --select, show the chosen keys, and change nothing
    #[arg(long, conflicts_with = "key")]
    dry_run: bool,
}

/// The words for an action on many keys.
#[derive(Clone, Copy)]
pub(super) struct Deed {
    /// The verb, such as `Delete`.
    pub(super) verb: &'static str,
    /// The participle, such as `deleted`.
    pub(super) done: &'static str,
}

/// The selected keys.
pub(super) struct Chosen {
    pub(super) seen: Seen,
    pub(super) ids: Vec<String>,
}

impl Many {
    /// Whether the command changes nothing.
    pub(super) fn only_shows(&self) -> bool {
        self.dry_run
    }

    /// Returns the matching keys that `can` accepts, after the person has agreed, or the command's
    /// exit status.
    pub(super) fn chosen(
        &self,
        records: &Records,
        deed: Deed,
        confirm: ConfirmArguments,
        output: OutputArguments,
        now: u64,
        can: impl Fn(&Key) -> bool,
    ) -> Result<Result<Chosen, Exit>> {
        let selection = Selection::of_filters(&self.filters)?;
        let (seen, usage) = selected(&selection, records, now)?;
        let file = seen.file();
        let keys = selection.of(file, usage.as_ref(), now);
        let keys: Vec<&Key> = keys.filter(|key| can(key)).collect();
        let dry_run = self.dry_run;
        let asked = deed.agreed(file, &keys, usage.as_ref(), (dry_run, confirm), output, now)?;
        let ids = keys.iter().map(|key| key.id.clone()).collect();
        Ok(match asked {
            Some(exit) => Err(exit),
            None => Ok(Chosen { seen, ids }),
        })
    }
}

/// Returns the records from which a selection is made, and what is known about the use of the keys.
pub(super) fn selected(
    selection: &Selection,
    records: &Records,
    now: u64,
) -> Result<(Seen, Option<Usage>)> {
    let usage = selection.usage(now)?;
    let seen = records.listed(&selection.of_server())?;
    selection.check(seen.file())?;
    Ok((seen, usage))
}

impl Deed {
    /// Shows the keys (on standard output for a dry run) and asks. Returns `None` for yes, or the
    /// command's exit status.
    pub(super) fn agreed(
        self,
        file: &KeyFile,
        keys: &[&Key],
        usage: Option<&Usage>,
        (dry_run, confirm): (bool, ConfirmArguments),
        output: OutputArguments,
        now: u64,
    ) -> Result<Option<Exit>> {
        let Self { verb, done } = self;
        let count = keys.len();
        if output.json && (keys.is_empty() || dry_run) {
            self.show_json(keys.iter().map(|key| key.id.as_str()), false)?;
        }
        let mut err = output::stderr();
        if keys.is_empty() {
            let verb = verb.to_lowercase();
            writeln!(
                err,
                "no key to {verb} fits; `keyward keys list` takes the same filters"
            )?;
            return Ok(Some(Exit::Failed));
        }
        if !output.json {
            let table = view::table(file, keys.iter().copied(), usage, now);
            if dry_run {
                table.print()?;
            } else {
                table.write(&mut err)?;
            }
        }
        if dry_run {
            writeln!(err, "{count} would be {done}; nothing was changed")?;
            return Ok(Some(Exit::Good));
        }
        drop(err);
        confirm::ask(confirm, &format!("{verb} these {count} keys?"))
    }

    /// Reports what was done: the count, the first ids on a line each, and each note once.
    pub(super) fn show(
        self,
        all: &[Done],
        records: &Records,
        output: OutputArguments,
        now: u64,
    ) -> Result<Exit> {
        let ids: Vec<&str> = all.iter().map(|one| one.key.as_str()).collect();
        if output.json {
            self.show_json(ids.iter().copied(), true)?;
        } else {
            self.show_ids(&ids)?;
        }
        let mut notes: BTreeMap<String, (&str, usize)> = BTreeMap::new();
        for one in all {
            for note in &one.notes {
                let note = rules::note(note, &one.key, now, records.at_once());
                notes.entry(note).or_insert((&one.key, 0)).1 += 1;
            }
        }
        let mut err = output::stderr();
        for (note, (key, count)) in &notes {
            let note = match count {
                1 => format!("{key}: {note}"),
                count => format!("{key} and {} more: {note}", count.saturating_sub(1)),
            };
            writeln!(err, "{}", toned(Tone::Warning, &note))?;
        }
        writeln!(err, "{}", records.next())?;
        Ok(Exit::Good)
    }

    fn show_ids(self, ids: &[&str]) -> Result<()> {
        let (done, count) = (self.done, ids.len());
        let mut out = output::stdout();
        if let [id] = ids {
            writeln!(out, "{done} 1: {id}")?;
            return Ok(());
        }
        let shown = if count > LISTED { FIRST } else { count };
        writeln!(out, "{done} {count}:")?;
        for id in ids.iter().take(shown) {
            writeln!(out, "  {id}")?;
        }
        if shown < count {
            writeln!(out, "  and {} more", count.saturating_sub(shown))?;
            writeln!(
                output::stderr(),
                "`keyward keys list --all` shows the keys that are there; --json prints every id"
            )?;
        }
        Ok(())
    }

    fn show_json<'a>(self, ids: impl Iterator<Item = &'a str>, is_done: bool) -> Result<()> {
        let ids: Vec<&str> = ids.collect();
        output::print_json(&json!({"keys": ids, (self.done): is_done}))
    }
}
