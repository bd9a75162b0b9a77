//! `keyward-server export`: the records as a key file. A key file has no place for what
//! only a server keeps: policies, external ids and the trail.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value as Json};

use keyward::management::{Granted, KeyGrants};
use keyward_files::key_file::{compose_account, compose_beginning, compose_grant_set, compose_key};

use super::Data;
use crate::configuration::{Configuration, FILE};
use crate::permission::Management;
use crate::service::own_rows;
use crate::store::lists::KeyFilter;
use crate::store::{DocumentName, Inspection, Reader, Scope, StoreError};

/// Its arguments.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    data: Data,
    /// The file to make, which must not exist yet (default: standard output)
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Leave out the server's own records: the operator's account with its keys, and the rows of the server's API
    #[arg(long)]
    without_own: bool,
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
    let left_out = if arguments.without_own {
        let path = arguments.data.path.join(FILE);
        Some(Configuration::read(&path)?.operator_account)
    } else {
        None
    };
    inspection.read(|reader| Ok(write(reader, left_out.as_deref(), &mut buffered)))??;
    buffered.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// How large a key file is that the API gives out: it is in memory as a whole.
const LARGEST: usize = 16 << 20;

/// The key file as the API gives it out, or why it does not.
pub(crate) fn key_file_of(
    reader: &Reader<'_>,
    without: Option<&str>,
) -> std::result::Result<Vec<u8>, String> {
    let mut text = Bounded(Vec::new());
    match write(reader, without, &mut text) {
        Ok(()) => Ok(text.0),
        Err(_) if text.0.len() >= LARGEST => Err(format!(
            "The key file is larger than {} MiB; on the server's machine `keyward-server export` writes it",
            LARGEST >> 20
        )),
        Err(error) => Err(format!("{error:#}")),
    }
}

/// A text that ends where it is too large.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = LARGEST.saturating_sub(self.0.len()).min(bytes.len());
        self.0
            .extend_from_slice(bytes.get(..room).unwrap_or_default());
        Ok(room)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the records of one state of the store, without those of that account and of the server's own API.
pub(super) fn write(reader: &Reader<'_>, without: Option<&str>, out: &mut dyn Write) -> Result<()> {
    let document = |name| -> Result<Map<String, Json>> {
        let stored = reader.document(name)?;
        let body = stored.and_then(|stored| stored.body.as_object().cloned());
        Ok(body.unwrap_or_default())
    };
    let mut endpoints = document(DocumentName::Endpoints)?;
    if without.is_some() {
        endpoints = own_rows::removed(endpoints);
        refuse_managers(reader, without)?;
    }
    let beginning = compose_beginning(&document(DocumentName::Configuration)?, &endpoints)?;
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
        reader.each_account(&everything, |stored| {
            if without == Some(stored.account.id.as_str()) {
                return Ok(());
            }
            put(compose_account(&stored.account))
        })?;
        for set in reader.grant_sets()? {
            put(compose_grant_set(&set.name, &set.granted))?;
        }
        reader.each_key(&everything, &KeyFilter::default(), |stored| {
            if without == Some(stored.key.owner.as_str()) {
                return Ok(());
            }
            put(compose_key(&stored.key))
        })
    })();
    if let Some(error) = failed {
        return Err(error).context("the key file cannot be written");
    }
    Ok(written?)
}

/// Refuses to leave out rows whose permissions a key holds: the key file would name permissions that it does not define.
fn refuse_managers(reader: &Reader<'_>, without: Option<&str>) -> Result<()> {
    let manages = |granted: &Granted| {
        let mut own = Management::ALL.iter();
        own.any(|one| granted.contains_key(one.name()))
    };
    let mut found = None;
    for set in reader.grant_sets()? {
        if manages(&set.granted) {
            found = Some(format!("the grant set `{}`", set.name));
        }
    }
    reader.each_key(&Scope::everything(), &KeyFilter::default(), |stored| {
        let sides = [&stored.key.grants, &stored.key.connect_grants];
        let holds = sides.into_iter().flatten().any(|grants| match grants {
            KeyGrants::Inline(granted) => manages(granted),
            KeyGrants::Set(_) => false,
        });
        if holds && without != Some(stored.key.owner.as_str()) {
            found = Some(format!("the key `{}`", stored.key.id));
        }
        Ok(())
    })?;
    match found {
        Some(what) => bail!(
            "{what} has permissions to manage keys, which are known by the rows of the server's own API; export without `--without-own`"
        ),
        None => Ok(()),
    }
}
