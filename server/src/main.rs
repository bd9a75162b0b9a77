//! `keyward-server`: keys made at run time, over Stripe's own API.
#![expect(
    clippy::print_stderr,
    reason = "a program says on standard error why it stops"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use keyward_server::commands::{self, StoreCommand};
use keyward_server::{apply, init, link, resume, serve};

/// Keys made at run time, over Stripe's own API.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a store, the files of the Envoy before it, and the first key
    Init(init::Arguments),
    /// Serve the API
    Serve {
        /// The configuration that `init` wrote
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Only end keys, in the snapshots that gateways have: for a server that cannot start otherwise
        #[arg(long)]
        ends_only: bool,
    },
    /// Make a link that signs a person in to the console; it works once, within minutes
    Link(link::Arguments),
    /// Make the records that come from a key file those that the file has; the server has to run
    Apply(apply::Arguments),
    /// After a restore from a backup: end the keys that gateways already know as ended, so that the server can start
    Resume(resume::Arguments),
    #[command(flatten)]
    Store(StoreCommand),
}

fn main() -> ExitCode {
    run(&Arguments::parse().command).unwrap_or_else(|error| {
        eprintln!("keyward-server: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Init(arguments) => init::run(arguments)?,
        Command::Link(arguments) => link::run(arguments)?,
        Command::Apply(arguments) => return apply::run(arguments),
        Command::Serve { config, ends_only } => {
            let takes = if *ends_only {
                serve::Takes::Ends
            } else {
                serve::Takes::Everything
            };
            serve::run(config, takes)?;
        }
        Command::Resume(arguments) => resume::run(arguments, keyward_files::clock::now())?,
        Command::Store(command) => return commands::run(command, keyward_files::clock::now()),
    }
    Ok(ExitCode::SUCCESS)
}
