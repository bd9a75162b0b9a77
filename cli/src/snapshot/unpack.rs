//! `keyward snapshot unpack`: from the packed form to JSON.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::pack::refused;
use super::sink;
use crate::exit::Exit;
use crate::input;
use keyward::configuration::{is_packed, packed_settings, split_packed};
use keyward::profile::Profile;
use keyward::refusal::{Place, Refusal};
use keyward::snapshot::packed::{self, Packed};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A packed snapshot, or a packed plugin configuration; `-` reads standard input
    file: PathBuf,
    /// For a packed snapshot by itself: a plugin configuration, whose profile says how ids begin
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

/// The JSON of what is packed, and any other bytes as they are.
pub(crate) fn to_json(bytes: Vec<u8>) -> Result<Vec<u8>> {
    if !is_packed(&bytes) && !packed::is_packed(&bytes) {
        return Ok(bytes);
    }
    let mut json = Vec::new();
    write(&bytes, &Profile::stripe(), &mut json)?;
    Ok(json)
}

/// Writes the JSON of a packed configuration, or of a packed snapshot under this profile.
fn write(bytes: &[u8], profile: &Profile, out: &mut dyn Write) -> Result<()> {
    if !is_packed(bytes) {
        let packed = Packed::from_bytes(bytes)?;
        return Ok(serde_json::to_writer(out, &packed.unpack(profile)?)?);
    }
    let (settings, snapshot) = split_packed(bytes)?;
    let (_, profile) = packed_settings(settings)?;
    let packed = Packed::from_bytes(snapshot).map_err(in_configuration)?;
    let unpacked = packed.unpack(&profile).map_err(in_configuration)?;
    // The settings are an object: the snapshot becomes its last member.
    let text = std::str::from_utf8(settings)?.trim_end();
    let members = text.strip_suffix('}').unwrap_or(text).trim_end();
    let comma = if members.ends_with('{') { "" } else { "," };
    write!(out, "{members}{comma}\"snapshot\":")?;
    serde_json::to_writer(&mut *out, &unpacked)?;
    Ok(write!(out, "}}")?)
}

fn in_configuration(refusal: Refusal) -> Refusal {
    refusal.below(&Place::member("snapshot"))
}
