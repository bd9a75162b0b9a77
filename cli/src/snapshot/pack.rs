//! `keyward snapshot pack`: converts JSON to the packed form.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::sink;
use crate::exit::Exit;
use crate::input;
use keyward::configuration::packed_settings;
use keyward::profile::Profile;
use keyward::snapshot::packed::Packed;
use keyward_files::snapshot::pack::{self, Parts};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A JSON snapshot, or a plugin configuration with one in it, which is packed as a whole, for a `BytesValue`; `-` reads standard input
    file: PathBuf,
    /// A plugin configuration without a snapshot; with its settings the output becomes a packed configuration
    #[arg(long, short, value_name = "FILE")]
    configuration: Option<PathBuf>,
    /// Where to write (default: standard output)
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let json = input::read(&arguments.file)?;
    let parts = Parts::split(&json).with_context(|| refused(&arguments.file))?;
    let snapshot = parts.snapshot().with_context(|| refused(&arguments.file))?;
    let settings = match (&arguments.configuration, parts.settings) {
        (None, settings) => settings,
        (Some(_), Some(_)) => bail!("`{}` already has settings", arguments.file.display()),
        (Some(file), None) => Some(String::from_utf8(input::read(file)?)?),
    };
    let (head, profile) = match settings {
        None => (Vec::new(), Profile::stripe()),
        Some(settings) => packed_settings(settings.as_bytes()).with_context(|| {
            refused(arguments.configuration.as_ref().unwrap_or(&arguments.file))
        })?,
    };
    let packed = Packed::from_json(snapshot, &profile)
        .map_err(|refusal| refusal.below(&parts.place))
        .with_context(|| refused(&arguments.file))?;
    write(&head, &packed, arguments.output.as_deref())?;
    Ok(Exit::Good)
}

/// Writes the result of a key file in the packed form: a snapshot, or a plugin configuration that
/// contains one.
pub(super) fn write_made(json: &[u8], profile: &Profile, output: Option<&Path>) -> Result<()> {
    let parts = Parts::split(json)?;
    let snapshot = parts.snapshot()?;
    let head = match parts.settings {
        None => Vec::new(),
        Some(settings) => packed_settings(settings.as_bytes())?.0,
    };
    write(&head, &Packed::from_json(snapshot, profile)?, output)
}

fn write(head: &[u8], packed: &Packed, output: Option<&Path>) -> Result<()> {
    let chunks = packed.chunks().context(pack::TOO_MUCH)?;
    sink::write(output, false, |out| {
        out.write_all(head)?;
        for chunk in &chunks {
            out.write_all(chunk)?;
        }
        Ok(())
    })
}

pub(super) fn refused(file: &Path) -> String {
    format!("`{}` is refused", file.display())
}
