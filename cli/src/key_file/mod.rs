//! `keyward key-file`: a key file in a repository as the truth for records of a server, and a
//! server's records as a key file.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::exit::Exit;
use super::output::{self, OutputArguments};
use super::records::OnServer;
use super::server::{Part, Server};
use keyward_files::applying::{self, Order};

pub(super) type Arguments = OnServer<Command>;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make the records that come from a key file equal to it: add, change and end these records, and no others
    #[command(
        override_usage = "keyward key-file apply [OPTIONS] --as <NAME> <FILE>",
        after_help = "\
The command prints the server's plan, and carries out exactly this plan or nothing. Records that come from a file can be changed only by the file, but anyone who may end them can. No file undoes such an end: the plan shows it, and --adopt-ends writes it into the file. Exit code of a dry run: 0 if there is nothing to do, 1 if there is, 4 if the server rejects the file.

Examples:
  keyward key-file apply --as billing --dry-run keys.d
  keyward key-file apply --as billing --adopt-ends keys.d"
    )]
    Apply {
        /// The name of the file on the server
        #[arg(long = "as", value_name = "NAME")]
        name: String,
        /// Print what would change, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Write ends that happened on the server into the file, instead of only showing them
        #[arg(long)]
        adopt_ends: bool,
        /// Override the policies of the keys' accounts, for this reason, which the trail keeps
        #[arg(long, value_name = "REASON")]
        override_policy: Option<String>,
        /// The key file, or a folder of `.toml` files that are read as one
        file: PathBuf,
    },
    /// Print the records of a server as a key file, with digests instead of keys
    #[command(
        override_usage = "keyward key-file export [OPTIONS]",
        after_help = "A key file has no policies, no external ids and no trail: `keyward-server backup` copies all of a store. The server exports at most 16 MiB this way; `keyward-server export` writes more.\n\nExamples:\n  keyward key-file export --without-own --output keyward.toml\n  keyward key-file export --owner org_1 --scope tree"
    )]
    Export {
        /// Only this account's records: its keys, the grant sets that they follow, and the accounts above it
        #[arg(long, value_name = "ACCOUNT")]
        owner: Option<String>,
        /// With --owner: only the account, or the account at the root of a tree and all below it
        #[arg(long, value_enum, default_value = "self", requires = "owner")]
        scope: Scope,
        /// Leave out the operator's account with its keys, and the endpoints of the server's API
        #[arg(long)]
        without_own: bool,
        /// The file to make, which must not exist yet (default: standard output)
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Scope {
    #[value(name = "self")]
    Own,
    Tree,
}

impl OnServer<Command> {
    /// Whether it prints what there is, and changes nothing.
    pub(super) fn only_shows(&self) -> bool {
        match self.command {
            // A key file that is cut off must not look whole, and a script waits for the answer.
            Command::Apply { .. } | Command::Export { .. } => false,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let server = arguments
        .server
        .open("this is about the records of a server")?;
    match &arguments.command {
        Command::Apply {
            name,
            dry_run,
            adopt_ends,
            override_policy,
            file,
        } => {
            let order = Order {
                name,
                file,
                is_dry_run: *dry_run,
                adopts_ends: *adopt_ends,
                override_policy: override_policy.as_deref(),
            };
            apply(&server, &order, arguments.output)
        }
        Command::Export {
            owner,
            scope,
            without_own,
            output,
        } => {
            if arguments.output.json {
                bail!("a key file is TOML; leave out --json");
            }
            let part = Part {
                owner: owner.clone(),
                is_tree: *scope == Scope::Tree,
                is_without_own: *without_own,
            };
            let text = server.exported(&part)?;
            written(&text, output.as_deref())?;
            Ok(Exit::Good)
        }
    }
}

fn apply(server: &Server, order: &Order<'_>, output: OutputArguments) -> Result<Exit> {
    let ask = |path: &str, body| server.key_file_step(path, body);
    let applied = if output.json {
        applying::apply(order, &ask, &mut io::sink())?
    } else {
        applying::apply(order, &ask, &mut output::stdout())?
    };
    if output.json {
        let did = applied.plan.count > 0 && !order.is_dry_run;
        output::print_json(&json!({
            "adopted": applied.adopted, "applied": did, "plan": applied.plan,
        }))?;
    }
    Ok(if applied.is_left {
        Exit::Failed
    } else {
        Exit::Good
    })
}

/// Writes a key file that only its owner can read, or to standard output.
fn written(text: &str, path: Option<&Path>) -> Result<()> {
    let Some(path) = path else {
        return Ok(io::stdout().lock().write_all(text.as_bytes())?);
    };
    let shown = || format!("`{}` cannot be made", path.display());
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .with_context(shown)?;
    file.write_all(text.as_bytes()).with_context(shown)
}
