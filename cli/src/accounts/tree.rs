//! The accounts as a tree.

use std::collections::HashMap;
use std::io::Write;

use anyhow::Result;
use serde_json::{Value as Json, json};

use crate::exit::Exit;
use crate::output::{self, OutputArguments, Tone, toned};
use keyward::account::Children;
use keyward_files::key_file::{Account, KeyFile};

/// What is drawn: the accounts by their parents, and how many keys each has.
struct Forest<'a> {
    below: HashMap<Option<&'a str>, Vec<&'a Account>>,
    keys: HashMap<&'a str, Count>,
}

/// Keys of one account.
#[derive(Clone, Copy, Default)]
struct Count {
    /// Those that may pass now.
    live: usize,
    /// Deleted, expired, or not begun.
    other: usize,
}

impl<'a> Forest<'a> {
    fn of(file: &'a KeyFile, now: u64) -> Self {
        let mut below: HashMap<Option<&str>, Vec<&Account>> = HashMap::new();
        for account in file.accounts() {
            let parent = account.parent.as_deref();
            below.entry(parent).or_default().push(account);
        }
        let mut keys: HashMap<&str, Count> = HashMap::new();
        for key in file.keys() {
            let count = keys.entry(&key.owner).or_default();
            if key.is_live_at(now) {
                count.live += 1;
            } else {
                count.other += 1;
            }
        }
        Self { below, keys }
    }

    fn below(&self, parent: Option<&'a str>) -> &[&'a Account] {
        self.below.get(&parent).map_or(&[], Vec::as_slice)
    }

    fn count(&self, account: &Account) -> Count {
        self.keys.get(&*account.id).copied().unwrap_or_default()
    }

    fn draw(&self, out: &mut impl Write, parent: Option<&'a str>, indent: &str) -> Result<()> {
        let accounts = self.below(parent);
        for (number, account) in accounts.iter().enumerate() {
            let is_last = number + 1 == accounts.len();
            let (branch, below) = match (parent, is_last) {
                (None, _) => ("", ""),
                (Some(_), true) => ("└── ", "    "),
                (Some(_), false) => ("├── ", "│   "),
            };
            writeln!(out, "{indent}{branch}{}", self.line(account))?;
            self.draw(out, Some(&account.id), &format!("{indent}{below}"))?;
        }
        Ok(())
    }

    fn line(&self, account: &Account) -> String {
        let mut line = account.id.clone();
        if let Some(name) = &account.name {
            line.push_str(&format!("  {name}"));
        }
        let Count { live, other } = self.count(account);
        let keys = match (live, other) {
            (0, 0) => "no keys".to_owned(),
            (1, 0) => "1 key".to_owned(),
            (live, 0) => format!("{live} keys"),
            (live, other) => format!("{live} keys, {other} past"),
        };
        line.push_str(&toned(Tone::Dim, &format!("  {keys}")));
        if account.children == Children::Any {
            line.push_str(&toned(Tone::Dim, "  any account below"));
        }
        if account.is_suspended() {
            line.push_str(&toned(Tone::Bad, "  suspended"));
        }
        line
    }

    fn json(&self, parent: Option<&'a str>) -> Json {
        let accounts = self.below(parent).iter();
        Json::Array(
            accounts
                .map(|account| {
                    let Count { live, other } = self.count(account);
                    json!({
                        "id": account.id,
                        "name": account.name,
                        "status": if account.is_suspended() { "suspended" } else { "active" },
                        "children": if account.children == Children::Any { "any" } else { "listed" },
                        "keys": live,
                        "past_keys": other,
                        "accounts": self.json(Some(&account.id)),
                    })
                })
                .collect(),
        )
    }
}

pub(super) fn show(file: &KeyFile, output: OutputArguments, now: u64) -> Result<Exit> {
    let forest = Forest::of(file, now);
    if output.json {
        output::print_json(&forest.json(None))?;
    } else if file.accounts().next().is_none() {
        writeln!(
            output::stdout(),
            "no accounts yet; `keyward accounts add acct_1` adds one"
        )?;
    } else {
        forest.draw(&mut output::stdout(), None, "")?;
    }
    Ok(Exit::Good)
}
