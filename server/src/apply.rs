//! `keyward-server apply`: a key file as the truth for the records that come from it, by the server that runs on this machine.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use keyward_files::applying::{self, Order};
use serde_json::Value as Json;

use crate::admin::{Refused, post};
use crate::commands::Data;
use crate::configuration::{Configuration, FILE};

/// The arguments of `apply`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    data: Data,
    /// The name of the file on the server: what comes from it is read-only for everyone else
    #[arg(long = "as", value_name = "NAME")]
    name: String,
    /// Show what would change, and change nothing: exit code 0 for nothing, 1 for something, 4 if it is refused
    #[arg(long)]
    dry_run: bool,
    /// Write ends that happened on the server into the file, instead of only showing them
    #[arg(long)]
    adopt_ends: bool,
    /// The key file, or a folder of `.toml` files that are read as one
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What a dry run that finds changes exits with.
const CHANGES: u8 = 1;

/// What a file that is refused exits with.
const REFUSED: u8 = 4;

/// The most that is read of an answer: a plan shows 100 changes, and the ids of what stays.
const LARGEST: usize = 4 << 20;

/// Plans, shows the plan, and carries it out.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    match apply(arguments) {
        Err(error) if error.is::<Refused>() => {
            writeln!(std::io::stderr().lock(), "keyward-server: {error}")?;
            Ok(ExitCode::from(REFUSED))
        }
        applied => applied,
    }
}

fn apply(arguments: &Arguments) -> Result<ExitCode> {
    let configuration = Configuration::read(&arguments.data.path().join(FILE))?;
    let socket = &configuration.listen.admin;
    let ask = |path: &str, body: Json| {
        let answer = post(socket, path, &body.to_string(), LARGEST)?;
        serde_json::from_slice(&answer).context("the server's answer")
    };
    let order = Order {
        name: &arguments.name,
        file: &arguments.file,
        is_dry_run: arguments.dry_run,
        adopts_ends: arguments.adopt_ends,
        override_policy: None,
    };
    let applied = applying::apply(&order, &ask, &mut std::io::stdout().lock())?;
    Ok(if applied.is_left {
        ExitCode::from(CHANGES)
    } else {
        ExitCode::SUCCESS
    })
}
