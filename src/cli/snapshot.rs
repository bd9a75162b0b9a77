//! `keyward snapshot`: what can be said about a snapshot on its own.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;

use super::exit::Exit;
use super::input;
use crate::configuration::Configuration;
use crate::profile::Profile;
use crate::snapshot::Snapshot;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a snapshot, or a plugin configuration with one in it, as a push would
    Check {
        /// JSON; `-` reads standard input
        file: PathBuf,
    },
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    match &arguments.command {
        Command::Check { file } => check(file),
    }
}

fn check(file: &Path) -> Result<Exit> {
    let json = input::read(file)?;
    let mut out = std::io::stdout();
    let (configuration, bare);
    let snapshot = if is_bare(&json) {
        bare = Snapshot::from_json(&json, &Profile::stripe())
            .with_context(|| format!("`{}` is refused", file.display()))?;
        Some(&bare)
    } else {
        configuration = Configuration::from_json(&json)
            .with_context(|| format!("`{}` is refused", file.display()))?;
        configuration.snapshot()
    };
    match snapshot {
        Some(snapshot) => writeln!(
            out,
            "good: revision {}, {} keys, {} accounts",
            snapshot.revision().number(),
            snapshot.key_count(),
            snapshot.accounts().len(),
        )?,
        None => writeln!(out, "good, but without a snapshot: every request is denied")?,
    }
    Ok(Exit::Good)
}

/// Only a snapshot itself has a `format`.
fn is_bare(json: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(json)
        .is_ok_and(|value| value.get("format").is_some())
}
