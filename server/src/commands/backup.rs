//! `keyward-server backup FILE`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use super::{Data, FOUND, say};
use crate::store::{Inspection, backup};

/// Its arguments.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    data: Data,
    /// The file to make. It is as secret as the store: keep it where only its owner reads it
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let findings = backup(&arguments.data.path, &arguments.file)?;
    for finding in &findings {
        say(&finding.to_string())?;
    }
    if !findings.is_empty() {
        return Ok(ExitCode::from(FOUND));
    }
    let head = Inspection::of_file(&arguments.file)?.read(|reader| reader.head())?;
    say(&format!("copied and checked; the head is {head}"))?;
    Ok(ExitCode::SUCCESS)
}
