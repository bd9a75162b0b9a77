//! `keyward snapshot pack`: from JSON to the packed form.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::value::RawValue;

use super::sink;
use crate::exit::Exit;
use crate::input;
use keyward::configuration::packed_settings;
use keyward::json::from_json;
use keyward::profile::Profile;
use keyward::refusal::Place;
use keyward::snapshot::packed::Packed;
use keyward::wire::{Members, Text};

const TOO_MUCH: &str = "there is more than the packed form can hold";

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A JSON snapshot, or a plugin configuration with one in it, which is packed as a whole, for a `BytesValue`; `-` reads standard input
    file: PathBuf,
    /// A plugin configuration without a snapshot: with its settings the output is a packed configuration, too
    #[arg(long, short, value_name = "FILE")]
    configuration: Option<PathBuf>,
    /// Where to write (default: standard output)
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let json = input::read(&arguments.file)?;
    let input = Input::split(&json).with_context(|| refused(&arguments.file))?;
    let settings = match (&arguments.configuration, input.settings) {
        (None, settings) => settings,
        (Some(_), Some(_)) => bail!("`{}` has settings of its own", arguments.file.display()),
        (Some(file), None) => Some(String::from_utf8(input::read(file)?)?),
    };
    let (head, profile) = match settings {
        None => (Vec::new(), Profile::stripe()),
        Some(settings) => packed_settings(settings.as_bytes()).with_context(|| {
            refused(arguments.configuration.as_ref().unwrap_or(&arguments.file))
        })?,
    };
    let packed = Packed::from_json(input.snapshot, &profile)
        .map_err(|refusal| refusal.below(&input.place))
        .with_context(|| refused(&arguments.file))?;
    write(&head, &packed, arguments.output.as_deref())?;
    Ok(Exit::Good)
}

/// A plugin configuration, in the packed form.
pub(crate) fn configuration(json: &[u8]) -> Result<Vec<u8>> {
    let input = Input::split(json)?;
    let settings = input.settings.context("it is a snapshot by itself")?;
    let (mut bytes, profile) = packed_settings(settings.as_bytes())?;
    let packed =
        Packed::from_json(input.snapshot, &profile).map_err(|it| it.below(&input.place))?;
    for chunk in packed.chunks().context(TOO_MUCH)? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Writes what a key file makes, in the packed form: a snapshot, or a plugin configuration with one in it.
pub(super) fn write_made(json: &[u8], profile: &Profile, output: Option<&Path>) -> Result<()> {
    let input = Input::split(json)?;
    let head = match input.settings {
        None => Vec::new(),
        Some(settings) => packed_settings(settings.as_bytes())?.0,
    };
    write(&head, &Packed::from_json(input.snapshot, profile)?, output)
}

fn write(head: &[u8], packed: &Packed, output: Option<&Path>) -> Result<()> {
    let chunks = packed.chunks().context(TOO_MUCH)?;
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

/// A file taken apart: nothing of it is read twice, and nothing is kept but where it stands.
struct Input<'a> {
    /// The configuration without its snapshot; `None` for a snapshot itself.
    settings: Option<String>,
    snapshot: &'a [u8],
    /// Where the snapshot stands.
    place: Place,
}

impl<'a> Input<'a> {
    fn split(json: &'a [u8]) -> Result<Self> {
        let members: Members<Text<'a>, &'a RawValue> = from_json(json)?;
        // Only a snapshot itself has a `format`.
        if members.0.iter().any(|(name, _)| name.0 == "format") {
            return Ok(Self {
                settings: None,
                snapshot: json,
                place: Place::default(),
            });
        }
        let mut snapshot = None;
        let mut settings = Vec::with_capacity(members.0.len());
        for (name, value) in members.0 {
            if name.0 == "snapshot" && snapshot.is_none() {
                snapshot = Some(value.get().as_bytes());
            } else {
                let name = serde_json::to_string(&name)?;
                settings.push(format!("{name}:{}", value.get()));
            }
        }
        Ok(Self {
            settings: Some(format!("{{{}}}", settings.join(","))),
            snapshot: snapshot.context("it has no snapshot")?,
            place: Place::member("snapshot"),
        })
    }
}
