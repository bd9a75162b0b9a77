//! `keyward snapshot show`: summarizes the content of a snapshot in numbers.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value, json};

use super::load::load;
use crate::exit::Exit;
use crate::input;
use crate::output::{self, Rows, Tone};
use crate::store::StoreArguments;
use keyward::snapshot::document::Key;
use keyward_files::key_file::instant;

/// The number of expiries that are listed.
const NEXT: usize = 5;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A snapshot or a plugin configuration, JSON (`-` reads standard input), or a key file (default: the one of --keys)
    file: Option<PathBuf>,
}

/// Keys of one kind and mode.
#[derive(Clone, Copy, Default)]
struct Count {
    working: usize,
    not_yet: usize,
    expired: usize,
    deleted: usize,
}

pub(super) fn run(arguments: &Arguments, store: &StoreArguments, is_json: bool) -> Result<Exit> {
    let path = arguments.file.as_ref().unwrap_or(&store.path);
    let source = load(path)?;
    let Some(snapshot) = source.snapshot() else {
        if is_json {
            output::print_json(&json!({"snapshot": null}))?;
        } else {
            writeln!(output::stdout(), "no snapshot: every request is denied")?;
        }
        return Ok(Exit::Good);
    };
    let now = input::now();
    let keys = snapshot.keys();
    let counts = counts(keys, now);
    let expiries = expiries(keys, now);
    let accounts = snapshot.accounts();
    let suspended = accounts
        .iter()
        .filter(|account| account.is_suspended())
        .count();
    let sets = snapshot.grant_sets().len();
    let endpoints = snapshot.endpoints().len();
    let revision = snapshot.revision.0;
    let issued_at = instant::show(snapshot.issued_at.0);
    if is_json {
        let counts: Vec<Value> = counts
            .iter()
            .map(|((mode, kind), count)| {
                json!({"kind": kind, "mode": mode, "working": count.working, "not_yet": count.not_yet, "expired": count.expired, "deleted": count.deleted})
            })
            .collect();
        let expiries: Vec<Value> = expiries
            .iter()
            .map(|(at, id)| json!({"key": id, "expires": instant::show(*at)}))
            .collect();
        output::print_json(&json!({
            "revision": revision,
            "issued_at": issued_at,
            "accounts": accounts.len(),
            "suspended_accounts": suspended,
            "grant_sets": sets,
            "endpoints": endpoints,
            "keys": counts,
            "next_expiries": expiries,
        }))?;
        return Ok(Exit::Good);
    }
    let mut out = output::stdout();
    writeln!(out, "revision {revision}, issued {issued_at}")?;
    writeln!(
        out,
        "{} accounts ({suspended} suspended), {sets} grant sets, {endpoints} custom endpoints\n",
        accounts.len()
    )?;
    drop(out);
    let mut rows = Rows::new(&["mode", "kind", "working", "not yet", "expired", "deleted"]);
    for ((mode, kind), count) in &counts {
        let cells = [count.working, count.not_yet, count.expired, count.deleted];
        let cells = cells.map(|count| count.to_string());
        let counted = cells.iter().map(|count| (Tone::Plain, count.as_str()));
        let named = [(Tone::Plain, *mode), (Tone::Plain, *kind)];
        rows.push(named.into_iter().chain(counted));
    }
    rows.print()?;
    if !expiries.is_empty() {
        writeln!(output::stdout(), "\nnext to expire:")?;
        let names = source.names();
        let mut rows = Rows::new(&["at", "key", "name"]);
        for (at, id) in &expiries {
            let name = names.get(id).copied().unwrap_or_default();
            rows.push([
                (Tone::Warning, instant::show(*at).as_str()),
                (Tone::Plain, *id),
                (Tone::Dim, name),
            ]);
        }
        rows.print()?;
    }
    Ok(Exit::Good)
}

fn counts(keys: &[Key], now: u64) -> BTreeMap<(&'static str, &'static str), Count> {
    let mut counts: BTreeMap<(&'static str, &'static str), Count> = BTreeMap::new();
    for key in keys {
        let count = counts
            .entry((key.mode().name(), key.kind.name()))
            .or_default();
        let slot = if key.is_deleted() {
            &mut count.deleted
        } else if key.has_expired(now) {
            &mut count.expired
        } else if key.not_before.is_some_and(|at| now < at.0) {
            &mut count.not_yet
        } else {
            &mut count.working
        };
        *slot += 1;
    }
    counts
}

fn expiries(keys: &[Key], now: u64) -> Vec<(u64, &str)> {
    let mut expiries: Vec<(u64, &str)> = keys
        .iter()
        .filter(|key| !key.is_deleted())
        .filter_map(|key| Some((key.expires_at?.0, key.id.as_str())))
        .filter(|(at, _)| *at > now)
        .collect();
    expiries.sort_unstable();
    expiries.truncate(NEXT);
    expiries
}
