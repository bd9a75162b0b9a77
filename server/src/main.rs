//! `keyward-server`: keys made at run time, over Stripe's own API.
#![expect(
    clippy::print_stderr,
    reason = "a program says on standard error why it stops"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    Init(keyward_server::init::Arguments),
    /// Serve the API
    Serve {
        /// The configuration that `init` wrote
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Init(arguments) => keyward_server::init::run(&arguments),
        Command::Serve { config } => keyward_server::serve::run(&config),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("keyward-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}
