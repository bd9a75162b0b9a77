//! `keyward-server export`: the records as a key file. A key file has no place for what
//! only a server keeps: policies, external ids and the trail.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};

use super::Data;
use super::part::{Part, Unwritten};
use crate::configuration::{Configuration, FILE};
use crate::store::{Inspection, Reader};

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
    /// Write only this account's records: its keys, the grant sets that they follow, and the accounts above it
    #[arg(long, value_name = "ACCOUNT")]
    owner: Option<String>,
    /// With --owner: only the account (`self`), or also all accounts below it (`tree`)
    #[arg(long, value_enum, default_value = "self", requires = "owner")]
    scope: ScopeArgument,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ScopeArgument {
    #[value(name = "self")]
    Own,
    Tree,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
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
    let is_tree = arguments.scope == ScopeArgument::Tree;
    let part = Part::of(arguments.owner.clone(), is_tree, left_out.as_deref());
    inspection.read(|reader| Ok(part.write(reader, &mut buffered)))??;
    buffered.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// How large a key file is that the API gives out: it is in memory as a whole.
const LARGEST: usize = 16 << 20;

/// The key file as the API gives it out, or why it does not.
pub(crate) fn key_file_of(reader: &Reader<'_>, part: &Part) -> Result<Vec<u8>, Unwritten> {
    let mut text = Bounded(Vec::new());
    match part.write(reader, &mut text) {
        Ok(()) => Ok(text.0),
        Err(_) if text.0.len() >= LARGEST => Err(Unwritten::Other(anyhow!(
            "The key file is larger than {} MiB; on the server's machine `keyward-server export` writes it",
            LARGEST >> 20
        ))),
        Err(why) => Err(why),
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
