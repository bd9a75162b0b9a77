//! `keyward-server check`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use super::{Data, FOUND, say};
use crate::store::Inspection;

/// Its arguments.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    data: Data,
    /// Check this backup instead of the data folder
    #[arg(long, value_name = "FILE", conflicts_with = "path")]
    backup: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let inspection = match &arguments.backup {
        Some(file) => Inspection::of_file(file)?,
        None => Inspection::of_folder(&arguments.data.path)?,
    };
    let findings = inspection.check()?;
    for finding in &findings {
        say(&finding.to_string())?;
    }
    if !findings.is_empty() {
        return Ok(ExitCode::from(FOUND));
    }
    let head = inspection.read(|reader| reader.head())?;
    say(&format!("nothing found; the head is {head}"))?;
    Ok(ExitCode::SUCCESS)
}
