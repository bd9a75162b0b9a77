//! From JSON to the packed form.

use anyhow::{Context, Result};
use serde_json::value::RawValue;

use keyward::configuration::packed_settings;
use keyward::json::from_json;
use keyward::refusal::Place;
use keyward::snapshot::packed::Packed;
use keyward::wire::{Members, Text};

/// Why a good snapshot may have no packed form.
pub const TOO_MUCH: &str = "there is more than the packed form can hold";

/// A plugin configuration with a snapshot in it, in the packed form.
pub fn configuration(json: &[u8]) -> Result<Vec<u8>> {
    let parts = Parts::split(json)?;
    let settings = parts.settings.context("it is a snapshot by itself")?;
    let (mut bytes, profile) = packed_settings(settings.as_bytes())?;
    let packed =
        Packed::from_json(parts.snapshot, &profile).map_err(|it| it.below(&parts.place))?;
    for chunk in packed.chunks().context(TOO_MUCH)? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A file taken apart: nothing of it is read twice, and nothing is kept but where it stands.
pub struct Parts<'a> {
    /// The configuration without its snapshot; `None` for a snapshot itself.
    pub settings: Option<String>,
    /// The snapshot's JSON.
    pub snapshot: &'a [u8],
    /// Where the snapshot stands.
    pub place: Place,
}

impl<'a> Parts<'a> {
    /// Takes a plugin configuration with a snapshot in it apart, or a snapshot itself.
    pub fn split(json: &'a [u8]) -> Result<Self> {
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
