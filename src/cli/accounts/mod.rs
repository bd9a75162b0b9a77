//! `keyward accounts`: the accounts and organizations of the key file, and the keys that an account starts with.

mod tree;

use std::io::Write;

use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use serde_json::{Value as Json, json};

use super::exit::Exit;
use super::input;
use super::output::{self, OutputArguments, Rows, Tone};
use super::secret::{Secret, new_key_id};
use super::store::{StoreArguments, actor};
use crate::account::{AccountStatus, Children, IdKind};
use crate::key::{KeyKind, Livemode};
use crate::key_file::{Account, Key, KeyFile};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Subcommand)]
enum Command {
    /// Add an account or an organization; an account gets a secret and a publishable key for each mode, shown once
    #[command(
        after_help = "Examples:\n  keyward accounts add org_1 --name 'Widgets Group' > first-keys.txt\n  keyward accounts add acct_1 --name 'Widgets Ltd' --parent org_1"
    )]
    Add {
        /// Its id, with the prefix that says what it is: `acct_…` or `org_…`
        id: String,
        /// A name for people
        #[arg(long)]
        name: Option<String>,
        /// The account or organization above it
        #[arg(long, value_name = "ID")]
        parent: Option<String>,
        /// Which accounts are accepted below it: those listed, or any (for an egress gateway)
        #[arg(long, value_enum, default_value_t = ChildrenArgument::Listed)]
        children: ChildrenArgument,
        /// Make no keys
        #[arg(long)]
        no_keys: bool,
        /// In a folder of key files: the one it goes into, made if it is not there
        #[arg(long, value_name = "FILE")]
        file: Option<String>,
    },
    /// Put an account below another one
    #[command(
        after_help = "Examples:\n  keyward accounts move acct_1 --parent org_1\n  keyward accounts move acct_1 --root"
    )]
    Move {
        /// The account
        id: String,
        /// The account or organization that it goes below
        #[arg(long, value_name = "ID", required_unless_present = "root")]
        parent: Option<String>,
        /// Below none
        #[arg(long, conflicts_with = "parent")]
        root: bool,
    },
    /// Remove an account and its deleted keys
    #[command(after_help = "Examples:\n  keyward accounts remove acct_1")]
    Remove {
        /// The account
        id: String,
        /// Remove all its keys, too; whoever uses one is told that it is unknown
        #[arg(long)]
        with_keys: bool,
    },
    /// Take up a suspended account again
    #[command(after_help = "Examples:\n  keyward accounts resume acct_1")]
    Resume {
        /// The account
        id: String,
    },
    /// Stop an account: its keys, and every path across it
    #[command(after_help = "Examples:\n  keyward accounts suspend acct_1")]
    Suspend {
        /// The account
        id: String,
    },
    /// Draw the accounts, with their keys counted
    #[command(after_help = "Examples:\n  keyward accounts tree\n  keyward accounts tree --json")]
    Tree,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ChildrenArgument {
    /// Those in the key file
    Listed,
    /// Any well-formed id
    Any,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let (store, output) = (arguments.store.open()?, arguments.output);
    let told = |id: &str, did: &str| tell(output, id, did);
    match &arguments.command {
        Command::Add {
            id,
            name,
            parent,
            children,
            no_keys,
            file,
        } => {
            let account = Account {
                name: name.clone(),
                parent: parent.clone(),
                children: match children {
                    ChildrenArgument::Listed => Children::Listed,
                    ChildrenArgument::Any => Children::Any,
                },
                ..Account::new(id)
            };
            let made = store.edit("accounts add", |keys| {
                keys.add_account(account, file.as_deref())?;
                let is_account = keys.profile().names().ids.kind(id) == Some(IdKind::Account);
                if *no_keys || !is_account {
                    return Ok(Vec::new());
                }
                first_keys(keys, id)
            })?;
            show_added(output, id, &made)
        }
        Command::Move { id, parent, .. } => {
            store.edit("accounts move", |keys| {
                Ok(keys.move_account(id, parent.as_deref())?)
            })?;
            told(id, "moved")
        }
        Command::Remove { id, with_keys } => {
            store.edit("accounts remove", |keys| {
                if *with_keys {
                    keys.remove_account_with_keys(id)?;
                } else {
                    keys.remove_account(id)?;
                }
                Ok(())
            })?;
            told(id, "removed")
        }
        Command::Resume { id } => {
            store.edit("accounts resume", |keys| {
                Ok(keys.set_account_status(id, AccountStatus::Active)?)
            })?;
            told(id, "resumed")
        }
        Command::Suspend { id } => {
            store.edit("accounts suspend", |keys| {
                Ok(keys.set_account_status(id, AccountStatus::Suspended)?)
            })?;
            told(id, "suspended")
        }
        Command::Tree => tree::show(&store.read()?, output, input::now()),
    }
}

fn tell(output: OutputArguments, id: &str, did: &str) -> Result<Exit> {
    if output.json {
        output::print_json(&json!({"account": id, "did": did}))?;
    } else {
        let mut out = output::stdout();
        writeln!(out, "{did} {id}")?;
        writeln!(out, "it takes effect with the next `keyward push`")?;
    }
    Ok(Exit::Good)
}

/// A key that was just made, and its value.
struct Made {
    key: Key,
    secret: Secret,
}

/// The keys an account starts with, as Stripe's accounts do: a secret and a publishable one for each mode.
fn first_keys(keys: &mut KeyFile, owner: &str) -> Result<Vec<Made>> {
    let now = input::now();
    let mut made = Vec::new();
    for mode in [Livemode::Test, Livemode::Live] {
        for (kind, name) in [
            (KeyKind::Publishable, "Publishable key"),
            (KeyKind::Secret, "Secret key"),
        ] {
            let secret = Secret::generate(keys.profile(), kind, mode)?;
            let id = new_key_id()?;
            let key = match kind {
                KeyKind::Publishable => Key::publishable(&id, mode, owner, secret.expose()),
                KeyKind::Secret | KeyKind::Restricted | KeyKind::Organization => {
                    let prefixes = keys.profile().known_prefixes();
                    Key::of_value(&id, kind, mode, owner, secret.expose(), prefixes)
                }
            };
            let key = Key {
                name: Some(name.to_owned()),
                created: Some(now),
                created_by: Some(actor()),
                ..key
            };
            let file = keys.file_of_account(owner).map(str::to_owned);
            keys.add_key(key.clone(), file.as_deref())?;
            made.push(Made { key, secret });
        }
    }
    Ok(made)
}

fn show_added(output: OutputArguments, id: &str, made: &[Made]) -> Result<Exit> {
    if output.json {
        let keys: Vec<Json> = made
            .iter()
            .map(|Made { key, secret }| {
                json!({
                    "id": key.id,
                    "kind": key.kind.name(),
                    "mode": key.mode.name(),
                    "value": secret.expose(),
                })
            })
            .collect();
        output::print_json(&json!({"account": id, "did": "added", "keys": keys}))?;
        return Ok(Exit::Good);
    }
    writeln!(output::stdout(), "added {id}")?;
    if made.is_empty() {
        writeln!(
            output::stdout(),
            "next: its first key, `keyward keys create --owner {id}`"
        )?;
        return Ok(Exit::Good);
    }
    let mut rows = Rows::new(&["mode", "kind", "id", "value"]);
    for Made { key, secret } in made {
        rows.push([
            (Tone::Plain, key.mode.name()),
            (Tone::Plain, key.kind.name()),
            (Tone::Dim, key.id.as_str()),
            (Tone::Good, secret.expose()),
        ]);
    }
    rows.print()?;
    writeln!(
        output::stdout(),
        "the values are shown this once; put the secret ones where they are used\nthey take effect with the next `keyward push`"
    )?;
    Ok(Exit::Good)
}
