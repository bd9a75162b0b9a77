//! Converts the packed form to JSON.

use std::io::Write;

use anyhow::Result;

use keyward::configuration::{is_packed, packed_settings, split_packed};
use keyward::profile::Profile;
use keyward::refusal::{Place, Refusal};
use keyward::snapshot::packed::{self, Packed};

/// Returns the JSON of a packed file. Other bytes are returned unchanged.
pub fn to_json(bytes: Vec<u8>) -> Result<Vec<u8>> {
    if !is_packed(&bytes) && !packed::is_packed(&bytes) {
        return Ok(bytes);
    }
    let mut json = Vec::new();
    write(&bytes, &Profile::stripe(), &mut json)?;
    Ok(json)
}

/// Writes the JSON of a packed configuration, or of a packed snapshot with this profile.
pub fn write(bytes: &[u8], profile: &Profile, out: &mut dyn Write) -> Result<()> {
    if !is_packed(bytes) {
        let packed = Packed::from_bytes(bytes)?;
        return Ok(serde_json::to_writer(out, &packed.unpack(profile)?)?);
    }
    let (settings, snapshot) = split_packed(bytes)?;
    let (_, profile) = packed_settings(settings)?;
    let packed = Packed::from_bytes(snapshot).map_err(in_configuration)?;
    let unpacked = packed.unpack(&profile).map_err(in_configuration)?;
    // The settings are an object, and the snapshot becomes its last member.
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
