//! The packed form of a plugin configuration: the length of the settings, the settings as JSON, and
//! then a packed snapshot. A `BytesValue` contains it.

use super::{Configuration, REPORTS, Role, wire};
use crate::json::from_json;
use crate::profile::Profile;
use crate::refusal::{First, Place, Refusal};
use crate::rows::number_at;
use crate::snapshot::Snapshot;
use crate::snapshot::packed::{LoadFault, Outside, Source, Trust};

/// The first bytes of a packed configuration. No text starts with the first byte, and the others do
/// not survive a transfer as text.
const MAGIC: [u8; 8] = *b"\x89KWC\r\n\x1a\n";

const VERSION: u32 = 1;

/// The size of everything before the settings, in bytes.
const HEADER: usize = 16;

/// The maximum size of the settings. They are short: they name only a profile and some headers.
const LONGEST_SETTINGS: usize = 1 << 20;

/// Returns whether a plugin configuration with these first bytes is meant to be a packed one. No
/// JSON text is.
#[must_use]
pub fn is_packed(start: &[u8]) -> bool {
    start.starts_with(&MAGIC)
}

impl Configuration {
    /// Reads a configuration in either form.
    pub fn read(mut bytes: &[u8]) -> Result<Self, Refusal> {
        if !is_packed(bytes) {
            return Self::from_json(bytes);
        }
        let size = bytes.len();
        match Self::from_packed(&mut bytes, size, Trust::Nothing) {
            Ok(configuration) => Ok(configuration),
            Err(LoadFault::Refused(refusal)) => Err(refusal),
            Err(LoadFault::Source(Outside)) => Err(too_short()),
        }
    }

    /// Reads a packed configuration of `size` bytes, range by range.
    pub fn from_packed<S: Source>(
        source: &mut S,
        size: usize,
        trust: Trust,
    ) -> Result<Self, LoadFault<S::Fault>> {
        let header = match size {
            HEADER.. => source.read(0, HEADER).map_err(LoadFault::Source)?,
            _ => return Err(too_short().into()),
        };
        let start = start_of_snapshot(&header, size)?;
        let length = start - HEADER;
        let json = match length {
            0 => Box::default(),
            _ => source.read(HEADER, length).map_err(LoadFault::Source)?,
        };
        let (settings, profile) = settings_of(&json)?;
        let place = Place::member("snapshot");
        let rest = (start, size - start);
        let snapshot = Snapshot::from_packed(source, rest, &profile, trust, &place)?;
        Ok(Self::new(settings, profile, Some(snapshot)))
    }
}

/// Returns where the snapshot begins, right after the settings.
fn start_of_snapshot(header: &[u8], size: usize) -> Result<usize, Refusal> {
    let number = |start| number_at(header, start, 4).unwrap_or(0);
    if !is_packed(header) || number(8) != VERSION {
        let place = Place::default();
        return Err(place.expected("version 1 of the packed form"));
    }
    usize::try_from(number(12))
        .ok()
        .filter(|length| *length <= LONGEST_SETTINGS)
        .map(|length| HEADER + length)
        .filter(|start| *start <= size)
        .ok_or_else(too_short)
}

pub(super) fn snapshot_start<S: Source>(source: &mut S, size: usize) -> Option<usize> {
    let header = source.read(0, HEADER).ok().filter(|_| size >= HEADER)?;
    start_of_snapshot(&header, size).ok()
}

fn too_short() -> Refusal {
    Place::default().expected("settings of at most 1 MiB after their length, and a packed snapshot")
}

/// Reads the settings before a packed snapshot. They are a configuration without a snapshot.
fn settings_of(json: &[u8]) -> Result<(super::Settings, Profile), Refusal> {
    let wire: wire::Configuration<'_> = from_json(json)?;
    let (settings, profile, snapshot) = wire.split(&mut First)?;
    match snapshot {
        None if settings.role == Role::UsageReport => Err(Place::member("role").refused(REPORTS)),
        None => Ok((settings, profile)),
        Some(_) => Err(Place::member("snapshot").refused("the packed snapshot is the only one")),
    }
}

/// Checks these settings, and returns what precedes the snapshot in a packed configuration, and the
/// profile in the settings.
pub fn packed_settings(json: &[u8]) -> Result<(Vec<u8>, Profile), Refusal> {
    let (_, profile) = settings_of(json)?;
    let length = u32::try_from(json.len())
        .ok()
        .filter(|_| json.len() <= LONGEST_SETTINGS)
        .ok_or_else(too_short)?;
    let head = [
        &MAGIC[..],
        &VERSION.to_le_bytes(),
        &length.to_le_bytes(),
        json,
    ]
    .concat();
    Ok((head, profile))
}

/// Splits a packed configuration into the settings, as JSON, and the snapshot.
pub fn split_packed(bytes: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    let start = start_of_snapshot(bytes, bytes.len())?;
    let (settings, snapshot) = bytes.split_at_checked(start).ok_or_else(too_short)?;
    Ok((settings.get(HEADER..).unwrap_or(&[]), snapshot))
}
