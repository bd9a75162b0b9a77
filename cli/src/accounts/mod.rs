//! `keyward accounts`: the accounts and organizations of the key file, and the keys that an account starts with.

mod list;
mod tree;

use std::io::Write;

use anyhow::{Context, Result};
use clap::{Subcommand, ValueEnum};
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::exit::Exit;
use super::input;
use super::keys::NEXT_PUSH;
use super::once::Once;
use super::output::{self, OutputArguments, Rows, Tone, toned};
use super::rules;
use super::store::OnKeyFile;
use keyward::account::{AccountStatus, Children, IdKind};
use keyward::management::{
    self, AccountSettings, AddAccount, Command as Rule, Patch, Secret, UpdateAccount,
};
use keyward_files::key_file::{Account, Key, KeyFile};
use keyward_files::store::Store;

pub(super) type Arguments = OnKeyFile<Command>;

#[derive(Subcommand)]
pub(super) enum Command {
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
    /// List accounts, with how many working keys each has
    #[command(
        after_help = "Examples:\n  keyward accounts list widgets\n  keyward accounts list --below org_1 --json"
    )]
    List {
        #[command(flatten)]
        choice: list::Choice,
    },
    /// Show one account and its working keys
    #[command(after_help = "Examples:\n  keyward accounts show acct_1")]
    Show {
        /// The account
        id: String,
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
pub(super) enum ChildrenArgument {
    /// Those in the key file
    Listed,
    /// Any well-formed id
    Any,
}

impl OnKeyFile<Command> {
    /// Whether it prints what there is, and changes nothing.
    pub(super) fn only_shows(&self) -> bool {
        match self.command {
            Command::List { .. } | Command::Show { .. } | Command::Tree => true,
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
            let settings = AccountSettings::default();
            let add = Rule::AddAccount(AddAccount { account, settings });
            let add = |keys: &mut KeyFile| {
                rules::carry_out(keys, &add, file.as_deref(), input::now()).map(drop)
            };
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
            let parent = parent.clone().map_or(Patch::Clear, Patch::Set);
            let update = UpdateAccount::of(id);
            let command = Rule::UpdateAccount(UpdateAccount { parent, ..update });
            change(&store, "accounts move", &command)?;
            told(id, "moved")
        }
        Command::Remove { id, with_keys } => {
            let command = Rule::RemoveAccount {
                id: id.clone(),
                with_keys: *with_keys,
            };
            change(&store, "accounts remove", &command)?;
            told(id, "removed")
        }
        Command::Resume { id } => {
            change(
                &store,
                "accounts resume",
                &status(id, AccountStatus::Active),
            )?;
            told(id, "resumed")
        }
        Command::Suspend { id } => {
            let suspended = AccountStatus::Suspended;
            change(&store, "accounts suspend", &status(id, suspended))?;
            told(id, "suspended")
        }
        Command::List { choice } => list::list(&store.read()?, choice, output, input::now()),
        Command::Show { id } => list::show(&store.read()?, id, output, input::now()),
        Command::Tree => tree::show(&store.read()?, output, input::now()),
    }
}

fn change(store: &Store, name: &str, command: &Rule) -> Result<()> {
    store.edit(name, |keys| {
        rules::carry_out(keys, command, None, input::now()).map(drop)
    })
}

fn status(id: &str, status: AccountStatus) -> Rule {
    Rule::UpdateAccount(UpdateAccount {
        status: Some(status),
        ..UpdateAccount::of(id)
    })
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

/// The keys an account starts with.
fn first_keys(keys: &mut KeyFile, owner: &str) -> Result<Vec<Made>> {
    let now = input::now();
    let mut made = Vec::new();
    for new in management::first_keys(owner) {
        let mut decision = rules::carry_out(keys, &Rule::CreateKey(new), None, now)?;
        let secret = decision.take_minted();
        let key = decision.key().and_then(|id| keys.key(id)).cloned();
        let (key, secret) = key
            .zip(secret)
            .context("no key was made; please report this")?;
        made.push(Made { key, secret });
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
