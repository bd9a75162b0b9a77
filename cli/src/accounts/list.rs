//! Shows the accounts as a table, or one account with its keys.

use std::collections::HashMap;
use std::io::Write;

use anyhow::{Result, bail};
use serde_json::{Value as Json, json};

use crate::exit::Exit;
use crate::find_key;
use crate::output::{self, OutputArguments, Rows, Tone};
use crate::records::Records;
use crate::server::{Count, Filter};
use keyward::account::Children;
use keyward_files::key_file::{Account, Key, KeyFile};

/// Which accounts are listed.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Choice {
    /// Only accounts with this text in their id or name, in any case
    #[arg(value_name = "TEXT")]
    text: Option<String>,
    /// Only accounts below this one, at any depth
    #[arg(long, value_name = "ID")]
    below: Option<String>,
    /// Only suspended accounts
    #[arg(long)]
    suspended: bool,
}

impl Choice {
    fn takes(&self, account: &Account, file: &KeyFile) -> bool {
        let has = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
        let by_text = self.text.as_deref().is_none_or(|part| {
            has(&account.id, part) || account.name.as_deref().is_some_and(|name| has(name, part))
        });
        let by_place = self
            .below
            .as_deref()
            .is_none_or(|id| path(file, account).any(|above| above == id));
        by_text && by_place && (!self.suspended || account.is_suspended())
    }
}

/// Returns the accounts above an account, the nearest first. A key file that was read has no
/// circles.
fn path<'a>(file: &'a KeyFile, account: &'a Account) -> impl Iterator<Item = &'a str> {
    let next = |id: &&'a str| {
        file.account(id)
            .and_then(|account| account.parent.as_deref())
    };
    std::iter::successors(account.parent.as_deref(), next)
}

fn status(account: &Account) -> (Tone, &'static str) {
    match account.is_suspended() {
        true => (Tone::Bad, "suspended"),
        false => (Tone::Good, "active"),
    }
}

pub(super) fn list(
    records: &Records,
    choice: &Choice,
    output: OutputArguments,
    now: u64,
) -> Result<Exit> {
    let (file, counts) = &records.tree(now)?;
    let prefixes = file.profile().known_prefixes();
    if choice
        .text
        .as_deref()
        .is_some_and(|text| prefixes.occur_in(text))
    {
        bail!(
            "a key cannot be searched for by value: arguments show in process lists and shell histories, so treat it as leaked; `keyward keys find --key-stdin` finds its owner"
        );
    }
    if let Some(id) = &choice.below {
        find_key::check_owner(file, id)?;
    }
    let chosen = file
        .accounts()
        .filter(|account| choice.takes(account, file));
    if output.json {
        let all: Vec<Json> = chosen.map(|account| json(account, counts)).collect();
        output::print_json(&Json::Array(all))?;
        return Ok(Exit::Good);
    }
    let mut rows = Rows::new(&["id", "name", "parent", "keys", "status"]);
    let mut count = 0_usize;
    for account in chosen {
        count = count.saturating_add(1);
        let keys = live(account, counts).to_string();
        rows.push([
            (Tone::Plain, account.id.as_str()),
            (Tone::Plain, account.name.as_deref().unwrap_or("–")),
            (Tone::Dim, account.parent.as_deref().unwrap_or("–")),
            (Tone::Plain, keys.as_str()),
            status(account),
        ]);
    }
    match count {
        0 => writeln!(output::stdout(), "no such accounts")?,
        _ => rows.print()?,
    }
    Ok(Exit::Good)
}

/// Shows one account and the ids of its keys.
pub(super) fn show(records: &Records, id: &str, output: OutputArguments, now: u64) -> Result<Exit> {
    let (file, counts) = &records.tree(now)?;
    find_key::check_owner(file, id)?;
    let Some(account) = file.account(id) else {
        return Ok(Exit::Invalid);
    };
    if output.json {
        output::print_json(&json(account, counts))?;
        return Ok(Exit::Good);
    }
    let above: Vec<&str> = path(file, account).collect();
    let above = above.into_iter().rev().collect::<Vec<_>>().join("/");
    let below = file
        .accounts()
        .filter(|other| other.parent.as_deref() == Some(id))
        .count();
    let below = match account.children {
        Children::Any => "any account".to_owned(),
        Children::Listed => below.to_string(),
    };
    let (tone, status) = status(account);
    let mut rows = Rows::without_headings();
    for (name, value) in [
        ("id", Some(account.id.as_str())),
        ("name", account.name.as_deref()),
        (
            "below",
            Some(above.as_str()).filter(|above| !above.is_empty()),
        ),
        ("accounts below it", Some(below.as_str())),
        ("file", file.file_of_account(id)),
    ] {
        if let Some(value) = value {
            rows.push([(Tone::Dim, name), (Tone::Plain, value)]);
        }
    }
    rows.push([(Tone::Dim, "status"), (tone, status)]);
    rows.print()?;
    let mut keys = Rows::new(&["key", "name", "kind", "mode"]);
    let mut count = 0_usize;
    let owned = records.listed(&Filter {
        owners: vec![id.to_owned()],
        ..Filter::default()
    })?;
    for key in live_keys(owned.file(), account, now) {
        count = count.saturating_add(1);
        keys.push([
            (Tone::Plain, key.id.as_str()),
            (Tone::Plain, key.name.as_deref().unwrap_or("–")),
            (Tone::Plain, key.kind.name()),
            (Tone::Plain, key.mode.name()),
        ]);
    }
    let mut out = output::stdout();
    match count {
        0 => writeln!(
            out,
            "\nno working keys; `keyward keys create --owner {id}` makes one"
        )?,
        _ => {
            writeln!(out)?;
            keys.write(&mut out)?;
        }
    }
    Ok(Exit::Good)
}

/// Returns the account's keys that work now.
fn live_keys<'a>(
    file: &'a KeyFile,
    account: &'a Account,
    now: u64,
) -> impl Iterator<Item = &'a Key> {
    file.keys()
        .filter(move |key| key.owner == account.id && key.is_live_at(now))
}

/// Returns the number of the account's keys that work now.
fn live(account: &Account, counts: &HashMap<String, Count>) -> usize {
    counts.get(&account.id).map_or(0, |count| count.live)
}

fn json(account: &Account, counts: &HashMap<String, Count>) -> Json {
    json!({
        "id": account.id,
        "name": account.name,
        "parent": account.parent,
        "status": status(account).1,
        "children": if account.children == Children::Any { "any" } else { "listed" },
        "keys": live(account, counts),
    })
}
