//! `keyward policies`: what accounts of a server, and people in their portals, may do with their keys by themselves. A key file has no policies: its holder
//! may do everything.

mod members;
mod show;

use std::io::Write;

use anyhow::{Result, anyhow, bail};
use clap::Subcommand;
use serde_json::json;

use super::exit::Exit;
use super::output::{self, OutputArguments, toned};
use super::records::OnServer;
use super::server::{Policy, Server};
use crate::output::Tone;
use members::Members;

pub(super) type Arguments = OnServer<Command>;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Give an account a policy; accounts below it that have none follow it
    #[command(after_help = "Examples:\n  keyward policies assign customers acct_1")]
    Assign {
        /// The policy, by its name
        policy: String,
        /// The account
        account: String,
    },
    /// Make a policy; what is not said is as in `default` of a new server
    #[command(
        override_usage = "keyward policies create [OPTIONS] <NAME>",
        after_help = "A policy without --grant allows no permission.\n\nExamples:\n  keyward policies create customers --grant customer=write --grant charge=read --max-keys 10\n  keyward policies create reports --grant-set reports --free-choice false --require-ips live"
    )]
    Create {
        /// Its name
        name: String,
        #[command(flatten)]
        members: Box<Members>,
    },
    /// Change a policy; what is not said stays. It ends no key, and bounds each change after it
    #[command(
        override_usage = "keyward policies edit [OPTIONS] <NAME>",
        after_help = "Examples:\n  keyward policies edit customers --grant invoice=read --grant charge=none\n  keyward policies edit customers --max-lifetime 90d --default-lifetime 30d"
    )]
    Edit {
        /// Its name
        name: String,
        #[command(flatten)]
        members: Box<Members>,
    },
    /// List the policies
    #[command(after_help = "Examples:\n  keyward policies list\n  keyward policies list --json")]
    List,
    /// Remove a policy that no account has
    #[command(after_help = "Examples:\n  keyward policies remove customers")]
    Remove {
        /// Its name
        name: String,
    },
    /// Show what a policy allows
    #[command(
        after_help = "Examples:\n  keyward policies show customers\n  keyward policies show customers --json"
    )]
    Show {
        /// Its name
        name: String,
    },
    /// Take an account's own policy away: it follows that of the account above it, else `default`
    #[command(after_help = "Examples:\n  keyward policies unassign acct_1")]
    Unassign {
        /// The account
        account: String,
    },
}

impl OnServer<Command> {
    /// Whether it prints what there is, and changes nothing.
    pub(super) fn only_shows(&self) -> bool {
        match self.command {
            Command::List | Command::Show { .. } => true,
            Command::Assign { .. }
            | Command::Create { .. }
            | Command::Edit { .. }
            | Command::Remove { .. }
            | Command::Unassign { .. } => false,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let (server, output) = (
        &arguments.server.open("a key file has no policies")?,
        arguments.output,
    );
    match &arguments.command {
        Command::List => show::list(&server.policies()?, output),
        Command::Show { name } => show::one(&found(server, name)?, output),
        Command::Create { name, members } => {
            server.create_policy(name, members.change(server, None)?)?;
            tell(output, name, "made")
        }
        Command::Edit { name, members } => {
            let policy = found(server, name)?;
            let after = members.change(server, Some(&policy))?;
            if after == policy.members() {
                bail!(
                    "the policy says all of this already; `keyward policies edit --help` lists what can be changed"
                );
            }
            server.replace_policy(&policy, after)?;
            tell(output, name, "changed")
        }
        Command::Remove { name } => {
            server.remove_policy(&found(server, name)?)?;
            tell(output, name, "removed")
        }
        Command::Assign { policy, account } => {
            // Read first, so that a name that is not there is answered with those that are.
            found(server, policy)?;
            server.assign_policy(account, Some(policy))?;
            tell_of_account(output, account, Some(policy))
        }
        Command::Unassign { account } => {
            server.assign_policy(account, None)?;
            tell_of_account(output, account, None)
        }
    }
}

/// Returns the policy of that name. The error lists the policies that exist.
fn found(server: &Server, name: &str) -> Result<Policy> {
    let all = server.policies()?;
    let names: Vec<String> = all
        .iter()
        .map(|policy| format!("`{}`", policy.name()))
        .collect();
    let policy = all.into_iter().find(|policy| policy.name() == name);
    policy.ok_or_else(|| {
        anyhow!(
            "there is no policy `{name}`; there are {}",
            names.join(", ")
        )
    })
}

fn tell(output: OutputArguments, name: &str, did: &str) -> Result<Exit> {
    if output.json {
        output::print_json(&json!({"policy": name, "did": did}))?;
    } else {
        writeln!(output::stdout(), "{did} {}", toned(Tone::Good, name))?;
    }
    Ok(Exit::Good)
}

fn tell_of_account(output: OutputArguments, account: &str, policy: Option<&str>) -> Result<Exit> {
    if output.json {
        output::print_json(&json!({"account": account, "policy": policy}))?;
        return Ok(Exit::Good);
    }
    let account = toned(Tone::Good, account);
    match policy {
        Some(policy) => writeln!(output::stdout(), "{account} has the policy {policy}")?,
        None => writeln!(
            output::stdout(),
            "{account} has no policy of its own: that of the account above it holds, else `default`"
        )?,
    }
    Ok(Exit::Good)
}
