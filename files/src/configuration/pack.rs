//! Converts JSON to the packed form.

use anyhow::{Context, Result};
use serde_json::Value;
use serde_json::value::RawValue;

use keyward::configuration::packed_settings;
use keyward::json::from_json;
use keyward::refusal::{Place, Refusal};
use keyward::snapshot::packed::Packed;
use keyward::wire::{Members, Text};

/// Why a valid snapshot may have no packed form.
pub const TOO_MUCH: &str = "there is more than the packed form can hold";

/// Packs a plugin configuration that contains a snapshot.
pub fn configuration(json: &[u8]) -> Result<Vec<u8>> {
    let parts = Parts::split(json)?;
    let snapshot = parts.snapshot()?;
    let settings = parts.settings.context("it is a snapshot by itself")?;
    let (mut bytes, profile) = packed_settings(settings.as_bytes())?;
    let packed = Packed::from_json(snapshot, &profile).map_err(|it| it.below(&parts.place))?;
    for chunk in packed.chunks().context(TOO_MUCH)? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A file split into its parts. Nothing is read twice, and only positions are stored.
pub struct Parts<'a> {
    /// The configuration without its snapshot. `None` if the file is a bare snapshot.
    pub settings: Option<String>,
    /// The snapshot's JSON, if there is one.
    pub snapshot: Option<&'a [u8]>,
    /// The place of the snapshot.
    pub place: Place,
}

impl<'a> Parts<'a> {
    /// Splits a plugin configuration with a snapshot in it, or a bare snapshot.
    pub fn split(json: &'a [u8]) -> Result<Self, Refusal> {
        let members: Members<Text<'a>, &'a RawValue> = from_json(json)?;
        // Only a bare snapshot has a `format`.
        if members.0.iter().any(|(name, _)| name.0 == "format") {
            return Ok(Self {
                settings: None,
                snapshot: Some(json),
                place: Place::default(),
            });
        }
        let mut snapshot = None;
        let mut settings = Vec::with_capacity(members.0.len());
        for (name, value) in members.0 {
            if name.0 == "snapshot" && snapshot.is_none() {
                snapshot = Some(value.get().as_bytes());
            } else {
                let name = Value::from(&*name.0);
                settings.push(format!("{name}:{}", value.get()));
            }
        }
        Ok(Self {
            settings: Some(format!("{{{}}}", settings.join(","))),
            snapshot,
            place: Place::member("snapshot"),
        })
    }

    /// Returns the snapshot's JSON.
    pub fn snapshot(&self) -> Result<&'a [u8]> {
        self.snapshot.context("it has no snapshot")
    }
}
