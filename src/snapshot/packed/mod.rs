//! The packed form of a snapshot: the very tables that decisions are made by, one behind the other, below a header that counts them.
//! `docs/packed-snapshot.md` describes it byte by byte.
//!
//! Nothing in a file says where something else stands: all lengths follow from the header's counts, and they must add up to the file's.

mod check;
mod layout;
mod read;
mod unpack;
mod write;

#[cfg(test)]
mod tests;

use layout::{HEADER, Header, MAGIC};
pub use read::{LoadFault, Outside, Source, Trust};

use super::convert::Heading;
use super::table::KeyTable;
use super::wire;
use super::{Snapshot, convert};
use crate::account::AccountForest;
use crate::json::from_json;
use crate::permission::{AccessLevel, Grants, Permission, PermissionRegistry};
use crate::profile::Profile;
use crate::refusal::{Place, Refusal};
use crate::rows::{CHUNK, Lists, index, number_at};
use crate::wire::Text;

/// The bytes of one grant: the number of a permission among those the file names, and the level.
const GRANT: usize = 3;

const WRITE: u8 = 1;

/// Whether a text is meant to be a packed snapshot. No JSON is.
#[must_use]
pub fn is_packed(text: &[u8]) -> bool {
    text.starts_with(&MAGIC)
}

/// Where the head of a packed snapshot stands, and its length, which is at most 1 MiB. The snapshot goes from `start` to `end`.
pub(crate) fn head_place<S: Source>(
    source: &mut S,
    (start, end): (usize, usize),
) -> Option<(usize, usize)> {
    let behind = start.checked_add(HEADER).filter(|behind| *behind <= end)?;
    let header = Header::read(&source.read(start, HEADER).ok()?)?;
    let length = index(header.counts.head_bytes)?;
    (length > 0 && length <= CHUNK.min(end - behind)).then_some((behind, length))
}

/// A packed snapshot in its parts. What it holds has not been checked yet.
pub struct Packed {
    head: Box<[u8]>,
    accounts: AccountForest,
    grants: Lists,
    keys: KeyTable,
}

impl Packed {
    /// Packs the JSON form, once it has passed every check.
    pub fn from_json(json: &[u8], profile: &Profile) -> Result<Self, Refusal> {
        Self::from_wire(from_json(json)?, profile, &Place::default())
    }

    /// Takes the parts of a packed snapshot that is all of `bytes`, and looks at nothing but its checksum.
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self, Refusal> {
        let size = bytes.len();
        let place = Place::default();
        match Self::read(&mut bytes, (0, size), Trust::Nothing, &place) {
            Ok(packed) => Ok(packed),
            Err(LoadFault::Refused(refusal)) => Err(refusal),
            Err(LoadFault::Source(Outside)) => Err(place.expected("a packed snapshot")),
        }
    }

    /// Takes the parts of a packed snapshot; `place` is where it stands.
    pub(crate) fn read<S: Source>(
        source: &mut S,
        (start, size): (usize, usize),
        trust: Trust,
        place: &Place,
    ) -> Result<Self, LoadFault<S::Fault>> {
        read::read(source, (start, size), trust, place)
    }

    /// The snapshot, once it has passed every check that the JSON form has to pass.
    pub(crate) fn open(
        self,
        profile: &Profile,
        trust: Trust,
        place: &Place,
    ) -> Result<Snapshot, Refusal> {
        let (heading, grants) = self.check(profile, trust, place)?;
        Ok(Snapshot::new(heading, self.accounts, grants, self.keys))
    }

    fn check(
        &self,
        profile: &Profile,
        trust: Trust,
        place: &Place,
    ) -> Result<(Heading, Box<[Grants]>), Refusal> {
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
            endpoints.unwrap_or_default(),
            profile.known_prefixes(),
            place,
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
        Ok((heading, grants))
    }

    /// The sets of grants, for use.
    fn grants(
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

    /// A set of grants as it was written.
    fn granted<T: Copy>(&self, number: usize, permissions: &[T]) -> Option<Vec<(T, AccessLevel)>> {
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
