//! From the wire form to the domain: every check that a snapshot must pass, each with its place.

mod accounts;
mod endpoints;
mod keys;
mod names;

use super::{FORMAT, Revision, Snapshot, wire};
use crate::permission::AccessLevel;
use crate::profile::Profile;
use crate::refusal::{Place, Refusal};
use crate::version;
use crate::wire::{Integer, Text};
use accounts::forest;
use endpoints::catalogue_of;
use keys::{KeyReader, grant_sets_of};

/// Unix seconds at or above this are milliseconds by mistake.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;

const ID: &str = "an id of 1 to 64 letters, digits, `_`, `.` or `-`";

impl Snapshot {
    /// Checks the wire form; `place` is where it stands.
    pub(crate) fn from_wire(
        wire: wire::Snapshot<'_>,
        profile: &Profile,
        place: &Place,
    ) -> Result<Self, Refusal> {
        let wire::Snapshot {
            format,
            revision,
            issued_at,
            api_versions,
            accounts,
            grant_sets,
            catalogue,
            endpoints,
            keys,
            empty,
        } = wire;
        if format.0 != FORMAT {
            return Err(place.then("format").expected("`keyward.snapshot/v1`"));
        }
        names::check(&keys, &endpoints, profile.known_prefixes(), place)?;
        let revision = Revision::new(revision.0)
            .ok_or_else(|| place.then("revision").expected("an integer below 10^15"))?;
        let issued_at = time(issued_at, &place.then("issued_at"))?;
        let api_versions = versions(&api_versions, &place.then("api_versions"))?;
        let accounts = forest(&accounts, profile, &place.then("accounts"))?;
        let (permissions, endpoints) = catalogue_of(&catalogue, endpoints, place)?;
        let grant_sets = grant_sets_of(grant_sets, &permissions, &place.then("grant_sets"))?;
        let reader = KeyReader {
            accounts: &accounts,
            permissions: &permissions,
            grant_sets: &grant_sets,
        };
        let keys = reader.keys(keys, empty, place)?;
        Ok(Self {
            revision,
            issued_at,
            api_versions,
            accounts,
            permissions,
            endpoints,
            keys,
        })
    }
}

fn time(seconds: Integer, place: &Place) -> Result<u64, Refusal> {
    if seconds.0 < FIRST_MILLISECONDS {
        Ok(seconds.0)
    } else {
        Err(place.expected("Unix seconds, not milliseconds"))
    }
}

fn id(text: &Text<'_>, place: &Place) -> Result<Box<str>, Refusal> {
    if is_id(&text.0) {
        Ok(text.0.as_ref().into())
    } else {
        Err(place.expected(ID))
    }
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

fn versions(listed: &[Text<'_>], place: &Place) -> Result<Box<[Box<str>]>, Refusal> {
    listed
        .iter()
        .enumerate()
        .map(|(index, text)| {
            if version::is_well_formed(&text.0) {
                Ok(text.0.as_ref().into())
            } else {
                Err(place
                    .at(index)
                    .expected("a version such as `2026-10-28.endive`"))
            }
        })
        .collect()
}

fn level(access: wire::Access) -> AccessLevel {
    match access {
        wire::Access::Read => AccessLevel::Read,
        wire::Access::Write => AccessLevel::Write,
    }
}
