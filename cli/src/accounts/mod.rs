//! `keyward accounts`: the accounts and organizations of the key file, and the keys that an account starts with.

mod tree;

use std::io::Write;

use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::exit::Exit;
use super::input;
use super::keys::NEXT_PUSH;
use super::once::Once;
use super::output::{self, OutputArguments, Rows, Tone, toned};
use super::store::StoreArguments;
use keyward::account::{AccountStatus, Children, IdKind};
use keyward::key::{KeyKind, Livemode};
use keyward_files::key_file::{Account, Key, KeyFile};
use keyward_files::secret::{self, Secret};
use keyward_files::store::{Store, actor};

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

impl Arguments {
    /// Whether it prints what there is, and changes nothing.
    pub(super) fn only_shows(&self) -> bool {
        match self.command {
            Command::Tree => true,
            Command::Add { .. }
            | Command::Move { .. }
            | Command::Remove { .. }
            | Command::Resume { .. }
            | Command::Suspend { .. } => false,
        }
    }
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
            let add = |keys: &mut KeyFile| Ok(keys.add_account(account, file.as_deref())?);
            // An organization starts without keys.
            let is_account =
                |keys: &KeyFile| keys.profile().names().ids.kind(id) == Some(IdKind::Account);
            if *no_keys || !is_account(&store.read()?) {
                store.edit("accounts add", add)?;
                return show_added(output, id);
            }
            add_with_keys(&store, Once::open(output)?, id, add)
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
        writeln!(out, "{NEXT_PUSH}")?;
    }
    Ok(Exit::Good)
}

/// A key that was just made, and its value.
struct Made {
    key: Key,
    secret: Secret,
}

/// Adds an account by `add`, and its first keys, whose values are shown before the file is written.
fn add_with_keys(
    store: &Store,
    once: Once,
    id: &str,
    add: impl FnOnce(&mut KeyFile) -> Result<()>,
) -> Result<Exit> {
    let edit = |keys: &mut KeyFile| {
        add(keys)?;
        first_keys(keys, id)
    };
    store.edit_and_show("accounts add", None, edit, |made| {
        once.show(&values(id, made, once.output())?)
    })?;
    let mut err = output::stderr();
    // The keys are there and their values were shown: where nobody can be told the rest, it is no failure.
    let _ = writeln!(err, "added {}", toned(Tone::Good, id));
    let _ = writeln!(
        err,
        "the values stand on standard output, this once; put the secret ones where they are used\n{NEXT_PUSH}"
    );
    Ok(Exit::Good)
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
            let (key, secret) = secret::new_key(keys, kind, mode, owner)?;
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

/// What standard output gets of new keys.
fn values(id: &str, made: &[Made], output: OutputArguments) -> Result<Zeroizing<String>> {
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
        let json = json!({"account": id, "did": "added", "keys": keys});
        return output::json(&json).map(Zeroizing::new);
    }
    let mut rows = Rows::new(&["mode", "kind", "id", "value"]).unbroken();
    for Made { key, secret } in made {
        rows.push([
            (Tone::Plain, key.mode.name()),
            (Tone::Plain, key.kind.name()),
            (Tone::Plain, key.id.as_str()),
            (Tone::Plain, secret.expose()),
        ]);
    }
    let mut text = Vec::new();
    rows.write(&mut text)?;
    Ok(Zeroizing::new(String::from_utf8(text)?))
}

fn show_added(output: OutputArguments, id: &str) -> Result<Exit> {
    if output.json {
        output::print_json(&json!({"account": id, "did": "added", "keys": []}))?;
    } else {
        let mut out = output::stdout();
        writeln!(out, "added {id}")?;
        writeln!(
            out,
            "next: its first key, `keyward keys create --owner {id}`"
        )?;
    }
    Ok(Exit::Good)
}
