//! `keyward-server export`: the records as a key file. What only a server keeps (policies, external
//! ids, the trail) has no place in one.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Map, Value as Json};

use keyward_files::key_file::{compose_account, compose_beginning, compose_grant_set, compose_key};

use super::Data;
use crate::store::lists::KeyFilter;
use crate::store::{DocumentName, Inspection, Reader, Scope, StoreError};

/// What it is told.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    data: Data,
    /// The file to make, which must not be there; otherwise standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let inspection = Inspection::of_folder(&arguments.data.path)?;
    let mut out: Box<dyn Write> = match &arguments.output {
        Some(path) => Box::new(
            OpenOptions::new()
                .create_new(true)
                .write(true)
                .mode(0o600)
                .open(path)
                .with_context(|| format!("`{}` cannot be made", path.display()))?,
        ),
        None => Box::new(io::stdout().lock()),
    };
    let mut buffered = BufWriter::new(&mut out);
    inspection.read(|reader| Ok(write(reader, &mut buffered)))??;
    buffered.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the records of one state of the store.
pub(super) fn write(reader: &Reader<'_>, out: &mut dyn Write) -> Result<()> {
    let document = |name| -> Result<Map<String, Json>> {
        let stored = reader.document(name)?;
        let body = stored.and_then(|stored| stored.body.as_object().cloned());
        Ok(body.unwrap_or_default())
    };
    let beginning = compose_beginning(
        &document(DocumentName::Configuration)?,
        &document(DocumentName::Endpoints)?,
    )?;
    out.write_all(beginning.as_bytes())?;
    let everything = Scope::everything();
    let mut failed = None;
    let mut put = |section: String| {
        out.write_all(section.as_bytes()).map_err(|error| {
            let why = StoreError::WriteFailed(error.to_string());
            failed = Some(error);
            why
        })
    };
    let written = (|| {
        reader.each_account(&everything, |stored| put(compose_account(&stored.account)))?;
        for set in reader.grant_sets()? {
            put(compose_grant_set(&set.name, &set.granted))?;
        }
        reader.each_key(&everything, &KeyFilter::default(), |stored| {
            put(compose_key(&stored.key))
        })
    })();
    if let Some(error) = failed {
        return Err(error).context("the key file cannot be written");
    }
    Ok(written?)
}
