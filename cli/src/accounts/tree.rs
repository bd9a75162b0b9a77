//! Shows the accounts as a tree.

use std::collections::HashMap;
use std::io::Write;

use anyhow::Result;
use serde_json::{Value as Json, json};

use crate::counted::counted;
use crate::exit::Exit;
use crate::output::{self, OutputArguments, Tone, toned};
use crate::records::Records;
use crate::server::Count;
use keyward::account::Children;
use keyward_files::key_file::{Account, KeyFile};

/// The accounts by their parents, and the number of keys of each.
struct Forest<'a> {
    below: HashMap<Option<&'a str>, Vec<&'a Account>>,
    keys: &'a HashMap<String, Count>,
}

impl<'a> Forest<'a> {
    fn of(file: &'a KeyFile, keys: &'a HashMap<String, Count>) -> Self {
        let mut below: HashMap<Option<&str>, Vec<&Account>> = HashMap::new();
        for account in file.accounts() {
            let parent = account.parent.as_deref();
            below.entry(parent).or_default().push(account);
        }
        Self { below, keys }
    }

    fn below(&self, parent: Option<&'a str>) -> &[&'a Account] {
        self.below.get(&parent).map_or(&[], Vec::as_slice)
    }

    fn count(&self, account: &Account) -> Count {
        self.keys.get(&account.id).copied().unwrap_or_default()
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
            (live, 0) => counted(live, "key", "keys"),
            (live, other) => format!("{}, {other} past", counted(live, "key", "keys")),
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

pub(super) fn show(records: &Records, output: OutputArguments, now: u64) -> Result<Exit> {
    let (file, keys) = records.tree(now)?;
    let forest = Forest::of(&file, &keys);
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
