//! The `keyward` command: what can be said about a configuration without an Envoy, and how it gets to one.

mod accounts;
mod conformance;
mod doctor;
mod exit;
mod explain;
mod http;
mod init;
mod input;
#[allow(
    dead_code,
    reason = "shared by the commands on keys, which take it up one by one"
)]
mod output;
mod push;
#[allow(
    dead_code,
    reason = "shared by the commands on keys, which take it up one by one"
)]
mod secret;
mod snapshot;
mod source;
#[allow(
    dead_code,
    reason = "shared by the commands on keys, which take it up one by one"
)]
mod store;
mod wait;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::Exit;

/// API keys with Stripe's key model, checked inside Envoy.
#[derive(Parser)]
#[command(name = "keyward", version, about, after_help = exit::HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Add, move, remove, suspend and draw accounts
    Accounts(accounts::Arguments),
    /// Put the conformance cases of one file to a gateway, and say where it differs
    Conformance(conformance::Arguments),
    /// Look at a running Envoy, and say what lets requests past keyward or weakens it
    Doctor(doctor::Arguments),
    /// Say what keyward would answer to one request, and why
    Explain(explain::Arguments),
    /// Make a first key file
    Init(init::Arguments),
    /// Build a configuration, check it, and deliver it to where Envoy or a mesh takes it from
    Push(push::Arguments),
    /// Check a snapshot
    Snapshot(snapshot::Arguments),
    /// Wait until every named Envoy serves a revision on every worker
    Wait(wait::Arguments),
}

/// Runs the command with the process's arguments.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        Command::Accounts(arguments) => accounts::run(arguments),
        Command::Conformance(arguments) => conformance::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Init(arguments) => init::run(arguments),
        Command::Push(arguments) => push::run(arguments),
        Command::Snapshot(arguments) => snapshot::run(arguments),
        Command::Wait(arguments) => wait::run(arguments),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            // Nowhere is left to say that standard error is closed.
            let _ = writeln!(std::io::stderr(), "keyward: {error:#}");
            Exit::Invalid.into()
        }
    }
}
