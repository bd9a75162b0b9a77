//! `keyward-server`: keys made at run time, over Stripe's own API.
#![expect(
    clippy::print_stderr,
    reason = "a program says on standard error why it stops"
)]

use std::process::ExitCode;

use clap::Parser;

use keyward_server::commands::{self, StoreCommand};

/// Keys made at run time, over Stripe's own API.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: StoreCommand,
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    commands::run(&command, keyward_files::clock::now()).unwrap_or_else(|error| {
        eprintln!("keyward-server: {error:#}");
        ExitCode::FAILURE
    })
}
