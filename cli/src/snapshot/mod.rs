//! `keyward snapshot`: makes snapshots from the key file, and examines snapshots.

pub(super) mod build;
mod check;
pub(super) mod diff;
mod findings;
pub(super) mod load;
pub(super) mod pack;
mod show;
mod sink;
pub(super) mod unpack;

use anyhow::Result;
use clap::Subcommand;

use super::exit::Exit;
use super::store::OnKeyFile;

pub(super) type Arguments = OnKeyFile<Command>;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a snapshot from the key file, and print it
    #[command(
        after_help = "Examples:\n  keyward snapshot build > snapshot.json\n  keyward snapshot build --configuration > keyward.json"
    )]
    Build(build::Arguments),
    /// Check a snapshot as a push would, and list everything that is wrong, likely a mistake, or risky
    #[command(
        after_help = "Examples:\n  keyward snapshot check\n  keyward snapshot check keyward.json"
    )]
    Check(check::Arguments),
    /// Describe what changes from one snapshot to another
    #[command(after_help = "Examples:\n  keyward snapshot diff before.json after.json")]
    Diff(diff::Arguments),
    /// Summarize a snapshot
    #[command(after_help = "Examples:\n  keyward snapshot show")]
    Show(show::Arguments),
    /// Write a JSON snapshot in the packed form, which carries a million keys
    #[command(
        after_help = "Examples:\n  keyward snapshot pack snapshot.json -o snapshot.bin\n  keyward snapshot pack keyward.json -o keyward.bin"
    )]
    Pack(pack::Arguments),
    /// Write a packed snapshot as JSON
    #[command(after_help = "Examples:\n  keyward snapshot unpack snapshot.bin > snapshot.json")]
    Unpack(unpack::Arguments),
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let (store, json) = (&arguments.store, arguments.output.json);
    match &arguments.command {
        Command::Build(arguments) => build::run(arguments, store),
        Command::Check(arguments) => check::run(arguments, store, json),
        Command::Diff(arguments) => diff::run(arguments, json),
        Command::Show(arguments) => show::run(arguments, store, json),
        Command::Pack(arguments) => pack::run(arguments),
        Command::Unpack(arguments) => unpack::run(arguments),
    }
}
