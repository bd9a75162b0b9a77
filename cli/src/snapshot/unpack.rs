//! `keyward snapshot unpack`: converts the packed form to JSON.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::pack::refused;
use super::sink;
use crate::exit::Exit;
use crate::input;
use keyward::profile::Profile;
use keyward_files::snapshot::unpack::write;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A packed snapshot, or a packed plugin configuration; `-` reads standard input
    file: PathBuf,
    /// For a bare packed snapshot: a plugin configuration; its profile has the prefixes of ids
    #[arg(long, short, value_name = "FILE")]
    configuration: Option<PathBuf>,
    /// Where to write (default: standard output)
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let bytes = input::read(&arguments.file)?;
    let profile = match &arguments.configuration {
        None => Profile::stripe(),
        Some(file) => input::configuration(file)?.profile().clone(),
    };
    sink::write(arguments.output.as_deref(), true, |out| {
        write(&bytes, &profile, out).with_context(|| refused(&arguments.file))?;
        Ok(writeln!(out)?)
    })?;
    Ok(Exit::Good)
}
