//! Commands on the store itself. `check`, `backup`, `audit verify` and `export` only look, so they
//! run while a server serves; `import` has the store to itself.

mod audit;
mod backup;
mod check;
mod ends;
mod export;
mod import;
mod local;
mod part;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

pub use ends::{Ends, take_ends};
pub(crate) use export::key_file_of;
pub use import::{Imported, Taking, import};
pub use part::{Part, Unwritten};

#[cfg(test)]
mod tests;

/// The commands.
#[derive(clap::Subcommand, Debug)]
pub enum StoreCommand {
    /// Check the store
    Check(check::Arguments),
    /// Copy the store to one file, also while a server runs, and check the copy
    Backup(backup::Arguments),
    /// Verify, show or export the trail
    #[command(subcommand)]
    Audit(audit::Command),
    /// Write the records as a key file
    Export(export::Arguments),
    /// Import a key file
    Import(import::Arguments),
}

/// The data folder.
#[derive(clap::Args, Debug)]
pub struct Data {
    /// The data folder
    #[arg(
        long = "data",
        value_name = "DIR",
        env = "KEYWARD_SERVER_DATA",
        default_value = "/var/lib/keyward"
    )]
    path: PathBuf,
}

impl Data {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }
}

/// What a command that looks for faults found: exit code 1.
const FOUND: u8 = 1;

/// Runs one. `now` is in Unix seconds.
pub fn run(command: &StoreCommand, now: u64) -> Result<ExitCode> {
    match command {
        StoreCommand::Check(arguments) => check::run(arguments),
        StoreCommand::Backup(arguments) => backup::run(arguments),
        StoreCommand::Audit(command) => audit::run(command),
        StoreCommand::Export(arguments) => export::run(arguments),
        StoreCommand::Import(arguments) => import::run(arguments, now),
    }
}

/// Writes a line to standard output.
fn say(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").context("standard output cannot be written")
}
