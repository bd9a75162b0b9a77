//! `keyward snapshot`: what can be said about a snapshot on its own.

mod findings;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::Value;

use super::exit::Exit;
use super::{input, output};
use crate::configuration::Configuration;
use crate::profile::Profile;
use crate::refusal::Place;
use crate::snapshot::Snapshot;
use findings::{Finding, Subject};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a snapshot, or a plugin configuration with one in it, as a push would, and say what in it cannot be meant
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
    let value: Option<Value> = serde_json::from_slice(&json).ok();
    // Only a snapshot itself has a `format`.
    let is_bare = value
        .as_ref()
        .is_some_and(|value| value.get("format").is_some());
    let stripe = Profile::stripe();
    let (configuration, bare);
    let (snapshot, profile, place) = if is_bare {
        bare = Snapshot::from_json(&json, &stripe)
            .with_context(|| format!("`{}` is refused", file.display()))?;
        (Some(&bare), &stripe, Place::default())
    } else {
        configuration = Configuration::from_json(&json)
            .with_context(|| format!("`{}` is refused", file.display()))?;
        let place = Place::member("snapshot");
        (configuration.snapshot(), configuration.profile(), place)
    };
    let mut out = output::stdout();
    let Some(snapshot) = snapshot else {
        writeln!(out, "good, but without a snapshot: every request is denied")?;
        return Ok(Exit::Good);
    };
    let written = if is_bare {
        value.as_ref()
    } else {
        value.as_ref().and_then(|value| value.get("snapshot"))
    };
    let findings = findings::of(&Subject {
        snapshot,
        written: written.unwrap_or(&Value::Null),
        profile,
        place,
    });
    writeln!(
        out,
        "good: revision {}, {} keys, {} accounts",
        snapshot.revision().number(),
        snapshot.key_count(),
        snapshot.accounts().len(),
    )?;
    findings::print(&findings, &mut out)?;
    Ok(if findings.iter().any(Finding::is_warning) {
        Exit::Failed
    } else {
        Exit::Good
    })
}
