//! The packed form of a snapshot: the tables that decisions use, one after the other, after a
//! header that counts them. `docs/packed-snapshot.md` describes it byte by byte.
//!
//! A file contains no offsets: all lengths follow from the header's counts, and they must add up to
//! the file's length.

pub(super) mod check;
mod layout;
mod read;
mod reissue;
mod unpack;
mod write;

#[cfg(test)]
mod tests;

use layout::{HEADER, Header, MAGIC};
pub(crate) use read::Assembly;
pub use read::{LoadFault, Outside, Source, Trust};

use std::sync::Arc;

use super::convert::Heading;
use super::grant_table::GrantTable;
use super::table::KeyTable;
use super::wire;
use super::{Revision, Snapshot, convert};
use crate::account::AccountForest;
use crate::json::from_json;
use crate::permission::{AccessLevel, Grants, Permission, PermissionRegistry};
use crate::profile::Profile;
use crate::refusal::{First, Place, Refusal};
use crate::rows::{CHUNK, Lists, index, number_at};
use crate::wire::Text;

/// The size of one grant in bytes: the number of a permission among those that the file names, and
/// the level.
pub(super) const GRANT: usize = 3;

const WRITE: u8 = 1;

/// Returns whether a text is meant to be a packed snapshot. No JSON text is.
#[must_use]
pub fn is_packed(text: &[u8]) -> bool {
    text.starts_with(&MAGIC)
}

/// Returns the offset and length of a packed snapshot's head, which is at most 1 MiB long. The
/// snapshot extends from `start` to `end`.
pub(crate) fn head_place<S: Source>(
    source: &mut S,
    (start, end): (usize, usize),
) -> Option<(usize, usize)> {
    let behind = start.checked_add(HEADER).filter(|behind| *behind <= end)?;
    let header = Header::read(&source.read(start, HEADER).ok()?)?;
    let length = index(header.counts.head_bytes)?;
    (length > 0 && length <= CHUNK.min(end - behind)).then_some((behind, length))
}

/// The parts of a packed snapshot. Its content has not been checked yet. Copies share the tables.
#[derive(Clone)]
pub struct Packed {
    pub(super) head: Arc<[u8]>,
    pub(super) accounts: AccountForest,
    pub(super) grants: Arc<Lists>,
    pub(super) keys: Arc<KeyTable>,
}

impl Packed {
    /// Packs the JSON form after checking all of it.
    pub fn from_json(json: &[u8], profile: &Profile) -> Result<Self, Refusal> {
        Self::from_wire(from_json(json)?, profile, &Place::default())
    }

    /// Splits `bytes`, which are the whole packed snapshot, into its parts. Checks only the
    /// checksum.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::from_part(bytes, Trust::Nothing)
    }

    /// Returns the snapshot with these tables. With [`Trust::Nothing`], it passes every check of
    /// the JSON form first.
    pub fn snapshot(&self, profile: &Profile, trust: Trust) -> Result<Snapshot, Refusal> {
        self.clone().open(profile, trust, &Place::default())
    }

    /// Like [`Self::from_bytes`], for a snapshot inside something larger, whose own hash may
    /// already be verified.
    pub(crate) fn from_part(mut bytes: &[u8], trust: Trust) -> Result<Self, Refusal> {
        let size = bytes.len();
        let place = Place::default();
        match Self::read(&mut bytes, (0, size), trust, &place) {
            Ok(packed) => Ok(packed),
            Err(LoadFault::Refused(refusal)) => Err(refusal),
            Err(LoadFault::Source(Outside)) => Err(place.expected("a packed snapshot")),
        }
    }

    /// Reads the parts of a packed snapshot. `place` is its place in the input.
    pub(crate) fn read<S: Source>(
        source: &mut S,
        (start, size): (usize, usize),
        trust: Trust,
        place: &Place,
    ) -> Result<Self, LoadFault<S::Fault>> {
        read::read(source, (start, size), trust, place)
    }

    /// Returns the snapshot after every check of the JSON form.
    pub(crate) fn open(
        self,
        profile: &Profile,
        trust: Trust,
        place: &Place,
    ) -> Result<Snapshot, Refusal> {
        let (heading, grants) = self.check(profile, trust, place)?;
        Ok(Snapshot::new(heading, self.accounts, grants, self.keys))
    }

    /// Like [`Self::snapshot`], without a copy.
    pub(crate) fn into_snapshot(
        self,
        profile: &Profile,
        trust: Trust,
    ) -> Result<Snapshot, Refusal> {
        self.open(profile, trust, &Place::default())
    }

    pub(super) fn keys(&self) -> &KeyTable {
        &self.keys
    }

    pub(super) fn accounts(&self) -> &AccountForest {
        &self.accounts
    }

    pub(super) fn grant_set_count(&self) -> usize {
        self.grants.len()
    }

    /// Parses the head.
    pub(super) fn head(&self) -> Result<wire::Head<Text<'_>>, Refusal> {
        read::head(&self.head, &Place::default())
    }

    /// Combines parts that were built elsewhere.
    pub(super) fn of_parts(
        head: Vec<u8>,
        accounts: AccountForest,
        grants: Lists,
        keys: KeyTable,
    ) -> Self {
        Self {
            head: head.into(),
            accounts,
            grants: Arc::new(grants),
            keys: Arc::new(keys),
        }
    }

    /// Returns the bytes of a grant of the permission with that number.
    pub(super) fn grant(permission: u16, level: AccessLevel) -> [u8; GRANT] {
        let [low, high] = permission.to_le_bytes();
        match level {
            AccessLevel::Read => [low, high, 0],
            AccessLevel::Write => [low, high, WRITE],
        }
    }

    /// Returns the names of the named sets, or none if the head is unreadable.
    pub(super) fn set_names(&self) -> Vec<String> {
        let names = self.head().map(|head| head.grant_sets).unwrap_or_default();
        names
            .iter()
            .map(|name| name.0.as_ref().to_owned())
            .collect()
    }

    /// Returns whether the head contains endpoints, the catalogue or versions of the API.
    pub(super) fn has_contract(&self) -> bool {
        self.head().is_ok_and(|head| {
            head.api_versions.is_some() || head.catalogue.is_some() || head.endpoints.is_some()
        })
    }

    /// Returns the revision in the head.
    pub fn revision(&self) -> Result<Revision, Refusal> {
        let expected = "an integer below 10^15";
        Revision::new(self.head()?.revision.0)
            .ok_or_else(|| Place::member("revision").expected(expected))
    }

    fn check(
        &self,
        profile: &Profile,
        trust: Trust,
        place: &Place,
    ) -> Result<(Heading, GrantTable), Refusal> {
        let wire::Head {
            format,
            revision,
            issued_at,
            api_versions,
            catalogue,
            endpoints,
            empty,
            permissions,
            grant_sets,
            key_ids: _,
        } = read::head::<Text<'_>>(&self.head, place)?;
        let heading = Heading::new(
            (&format, revision, issued_at),
            &api_versions.unwrap_or_default(),
            catalogue.unwrap_or_default(),
            &endpoints.unwrap_or_default(),
            profile.known_prefixes(),
            (place, &mut First),
        )?;
        let permissions = check::permissions(&permissions, &heading.permissions, place)?;
        let grants = self.grants(&permissions, &heading.permissions, place)?;
        check::set_names(&grant_sets, grants.len(), place)?;
        if (self.keys.len() == 0) != empty {
            return Err(convert::no_keys(&place.then("keys")));
        }
        if trust == Trust::Nothing {
            check::accounts(&self.accounts, profile, place)?;
            let prefixes = profile.known_prefixes();
            check::keys(&self.keys, &self.accounts, grants.len(), prefixes, place)?;
        }
        let names = grant_sets.iter().map(|name| name.0.as_ref().into());
        Ok((heading, GrantTable::new(grants, names.collect())))
    }

    /// Returns the sets of grants, prepared for use.
    pub(super) fn grants(
        &self,
        permissions: &[Permission],
        registry: &PermissionRegistry,
        place: &Place,
    ) -> Result<Box<[Grants]>, Refusal> {
        let place = place.then("grant_sets");
        if !self.grants.are_whole() {
            return Err(place.expected("sets that end in ascending order"));
        }
        (0..self.grants.len())
            .map(|number| {
                let set = self.granted(number, permissions);
                let set = set.and_then(|granted| Grants::new(granted, registry));
                set.ok_or_else(|| {
                    let place = place.at(number);
                    place.expected("permissions that the file names, each once, and levels")
                })
            })
            .collect()
    }

    /// Returns a set of grants as the file lists it.
    pub(super) fn granted<T: Copy>(
        &self,
        number: usize,
        permissions: &[T],
    ) -> Option<Vec<(T, AccessLevel)>> {
        let list = self.grants.get(number)?;
        if list.len() % GRANT != 0 {
            return None;
        }
        list.chunks_exact(GRANT)
            .map(|grant| {
                let permission = permissions.get(index(number_at(grant, 0, 2)?)?)?;
                let level = match grant.get(2) {
                    Some(0) => AccessLevel::Read,
                    Some(&WRITE) => AccessLevel::Write,
                    Some(_) | None => return None,
                };
                Some((*permission, level))
            })
            .collect()
    }
}
