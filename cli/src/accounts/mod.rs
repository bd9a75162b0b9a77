//! `keyward accounts`: accounts and organizations, and the keys that an account starts with.

mod list;
mod tree;

use std::io::Write;

use anyhow::{Result, bail};
use clap::{Subcommand, ValueEnum};
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::exit::Exit;
use super::input;
use super::once::Once;
use super::output::{self, OutputArguments, Rows, Tone, toned};
use super::records::{OnRecords, Records, Step};
use keyward::account::{AccountStatus, Children, IdKind};
use keyward::management::{AccountSettings, AddAccount, Command as Rule, Patch, UpdateAccount};
use keyward_files::key_file::{Account, Key};

pub(super) type Arguments = OnRecords<Command>;

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
        /// The accounts accepted below it: those listed, or any (for an egress gateway)
        #[arg(long, value_enum, default_value_t = ChildrenArgument::Listed)]
        children: ChildrenArgument,
        /// Make no keys
        #[arg(long)]
        no_keys: bool,
        /// In a folder of key files: the file for the account, made if it does not exist
        #[arg(long, value_name = "FILE")]
        file: Option<String>,
        /// On a server: the policy for the keys it may have
        #[arg(long, value_name = "NAME")]
        policy: Option<String>,
    },
    /// Move an account below another one
    #[command(
        after_help = "Examples:\n  keyward accounts move acct_1 --parent org_1\n  keyward accounts move acct_1 --root"
    )]
    Move {
        /// The account
        id: String,
        /// The account or organization above it
        #[arg(long, value_name = "ID", required_unless_present = "root")]
        parent: Option<String>,
        /// Put it at the top, below no other
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
        /// Remove all its keys as well; a request with one is then denied as unknown
        #[arg(long)]
        with_keys: bool,
    },
    /// Resume a suspended account
    #[command(after_help = "Examples:\n  keyward accounts resume acct_1")]
    Resume {
        /// The account
        id: String,
    },
    /// Suspend an account: its keys, and every path across it
    #[command(after_help = "Examples:\n  keyward accounts suspend acct_1")]
    Suspend {
        /// The account
        id: String,
    },
    /// Show the accounts as a tree, with the number of their keys
    #[command(after_help = "Examples:\n  keyward accounts tree\n  keyward accounts tree --json")]
    Tree,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ChildrenArgument {
    /// Those that were added
    Listed,
    /// Any well-formed id
    Any,
}

impl OnRecords<Command> {
    /// Whether the command only prints and changes nothing.
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
    let (records, output) = (&arguments.records.open()?, arguments.output);
    let change = |name: &str, command: &Rule, id: &str, did: &str| {
        let step = Step {
            name,
            command,
            now: input::now(),
            seen: None,
            place: None,
        };
        records.change(&step, |_| Ok(()))?;
        tell(records, output, id, did)
    };
    match &arguments.command {
        Command::Add {
            id,
            name,
            parent,
            children,
            no_keys,
            file,
            policy,
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
            if policy.is_some() && matches!(records, Records::File(_)) {
                bail!("--policy is for a server: a key file has no policies; leave it out");
            }
            let settings = AccountSettings {
                policy: policy.clone(),
                ..AccountSettings::default()
            };
            let add = AddAccount { account, settings };
            // An organization starts without keys.
            let is_account = records.profile()?.names().ids.kind(id) == Some(IdKind::Account);
            if !*no_keys && is_account {
                return add_with_keys(records, Once::open(output)?, &add, file.as_deref());
            }
            let step = Step {
                name: "accounts add",
                command: &Rule::AddAccount(add),
                now: input::now(),
                seen: None,
                place: file.as_deref(),
            };
            records.change(&step, |_| Ok(()))?;
            show_added(output, id)
        }
        Command::Move { id, parent, .. } => {
            let parent = parent.clone().map_or(Patch::Clear, Patch::Set);
            let update = UpdateAccount::of(id);
            let command = Rule::UpdateAccount(UpdateAccount { parent, ..update });
            change("accounts move", &command, id, "moved")
        }
        Command::Remove { id, with_keys } => {
            let command = Rule::RemoveAccount {
                id: id.clone(),
                with_keys: *with_keys,
            };
            change("accounts remove", &command, id, "removed")
        }
        Command::Resume { id } => {
            let command = status(id, AccountStatus::Active);
            change("accounts resume", &command, id, "resumed")
        }
        Command::Suspend { id } => {
            let command = status(id, AccountStatus::Suspended);
            change("accounts suspend", &command, id, "suspended")
        }
        Command::List { choice } => list::list(records, choice, output, input::now()),
        Command::Show { id } => list::show(records, id, output, input::now()),
        Command::Tree => tree::show(records, output, input::now()),
    }
}

fn status(id: &str, status: AccountStatus) -> Rule {
    Rule::UpdateAccount(UpdateAccount {
        status: Some(status),
        ..UpdateAccount::of(id)
    })
}

fn tell(records: &Records, output: OutputArguments, id: &str, did: &str) -> Result<Exit> {
    if output.json {
        output::print_json(&json!({"account": id, "did": did}))?;
    } else {
        let mut out = output::stdout();
        writeln!(out, "{did} {id}")?;
        writeln!(out, "{}", records.next())?;
    }
    Ok(Exit::Good)
}

/// Adds an account and its first keys. Their values are shown before the file is written.
fn add_with_keys(
    records: &Records,
    once: Once,
    add: &AddAccount,
    file: Option<&str>,
) -> Result<Exit> {
    let id = &add.account.id;
    records.add_with_keys(add, file, input::now(), |made| {
        once.show(&values(id, made, once.output())?)
    })?;
    let mut err = output::stderr();
    // The keys exist and their values were shown, so the command succeeds even if printing the rest
    // fails.
    let _ = writeln!(err, "added {}", toned(Tone::Good, id));
    let _ = writeln!(
        err,
        "the values are on standard output, and are not shown again; put the secret ones where they are used\n{}",
        records.next()
    );
    Ok(Exit::Good)
}

/// Returns the text about new keys for standard output.
fn values(
    id: &str,
    made: &[(Key, Zeroizing<String>)],
    output: OutputArguments,
) -> Result<Zeroizing<String>> {
    if output.json {
        let keys: Vec<Json> = made
            .iter()
            .map(|(key, value)| {
                json!({
                    "id": key.id,
                    "kind": key.kind.name(),
                    "mode": key.mode.name(),
                    "value": value.as_str(),
                })
            })
            .collect();
        let json = json!({"account": id, "did": "added", "keys": keys});
        return output::json(&json).map(Zeroizing::new);
    }
    let mut rows = Rows::new(&["mode", "kind", "id", "value"]).unbroken();
    for (key, value) in made {
        rows.push([
            (Tone::Plain, key.mode.name()),
            (Tone::Plain, key.kind.name()),
            (Tone::Plain, key.id.as_str()),
            (Tone::Plain, value.as_str()),
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
