//! The snapshot: all keys, accounts and endpoints that one gateway decides by, as of one revision.

mod annotations;
mod convert;
pub mod document;
mod key;
mod key_id;
pub mod packed;
mod table;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

use std::fmt;

pub use document::Document;
pub use key::{Enforcement, KeyRecord, KeyStatus};

use convert::Heading;
use packed::{LoadFault, Packed, Source, Trust};
use table::KeyTable;

use crate::account::AccountForest;
use crate::digest::KeyDigest;
use crate::endpoint::EndpointCatalogue;
use crate::json::from_json;
use crate::permission::{Grants, PermissionRegistry};
use crate::profile::Profile;
use crate::refusal::{Place, Refusal};

/// The format that this version reads.
pub const FORMAT: &str = "keyward.snapshot/v1";

/// A snapshot's number. Keeping it rising is the pusher's job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    /// Below 10^15, so that it is an RFC 9651 integer.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        (number < 1_000_000_000_000_000).then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    /// 40 bits that look random: sums of revisions may be equal where the revisions are not, and sums of these are not. Those of 8192 VMs are below
    /// 2^53, where programs that count in floating point are still exact.
    #[must_use]
    pub fn fingerprint(self) -> u64 {
        // The finalizer of MurmurHash3, which takes every number to another.
        let mut bits = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        bits = (bits ^ (bits >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        (bits ^ (bits >> 33)) >> 24
    }
}

/// All that one gateway decides by.
#[derive(Clone)]
pub struct Snapshot {
    revision: Revision,
    issued_at: u64,
    api_versions: Box<[Box<str>]>,
    accounts: AccountForest,
    permissions: PermissionRegistry,
    endpoints: EndpointCatalogue,
    grants: Box<[Grants]>,
    keys: KeyTable,
}

impl Snapshot {
    fn new(
        heading: Heading,
        accounts: AccountForest,
        grants: Box<[Grants]>,
        keys: KeyTable,
    ) -> Self {
        let Heading {
            revision,
            issued_at,
            api_versions,
            permissions,
            endpoints,
        } = heading;
        Self {
            revision,
            issued_at,
            api_versions,
            accounts,
            permissions,
            endpoints,
            grants,
            keys,
        }
    }

    /// Reads the JSON form. A snapshot is refused as a whole or taken as a whole.
    pub fn from_json(json: &[u8], profile: &Profile) -> Result<Self, Refusal> {
        Self::from_wire(from_json(json)?, profile, &Place::default())
    }

    /// Reads the packed form, from `start` on, `size` bytes.
    pub fn from_packed<S: Source>(
        source: &mut S,
        (start, size): (usize, usize),
        profile: &Profile,
        trust: Trust,
        place: &Place,
    ) -> Result<Self, LoadFault<S::Fault>> {
        let packed = Packed::read(source, (start, size), trust, place)?;
        Ok(packed.open(profile, trust, place)?)
    }

    /// The number of this snapshot.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// When it was issued, Unix seconds.
    #[must_use]
    pub fn issued_at(&self) -> u64 {
        self.issued_at
    }

    /// Whether requests may name this version; every one where none is listed.
    #[must_use]
    pub fn serves_version(&self, version: &str) -> bool {
        self.api_versions.is_empty() || self.api_versions.iter().any(|served| **served == *version)
    }

    /// All accounts and organizations.
    #[must_use]
    pub fn accounts(&self) -> &AccountForest {
        &self.accounts
    }

    /// The names of permissions.
    #[must_use]
    pub fn permissions(&self) -> &PermissionRegistry {
        &self.permissions
    }

    /// All endpoints.
    #[must_use]
    pub fn endpoints(&self) -> &EndpointCatalogue {
        &self.endpoints
    }

    /// The key of that digest.
    #[must_use]
    pub fn key(&self, digest: &KeyDigest) -> Option<KeyRecord<'_>> {
        self.keys.record(&self.keys.find(digest)?, &self.grants)
    }

    /// Some key in the place of one that may not be there, always the same for one digest; `None` where there is none at all. Nothing is granted by it: what is asked
    /// of it takes as long as what is asked of a key that is there.
    #[must_use]
    pub fn stand_in(&self, digest: &KeyDigest) -> Option<KeyRecord<'_>> {
        let number = u64::from_be_bytes(*digest.as_bytes().last_chunk()?);
        let number = number.checked_rem(u64::try_from(self.keys.len()).ok()?)?;
        let row = self.keys.row(usize::try_from(number).ok()?)?;
        self.keys.record(&row, &self.grants)
    }

    /// The user that the key of that digest belongs to, as its annotations say.
    #[must_use]
    pub fn user_id(&self, digest: &KeyDigest) -> Option<&str> {
        self.keys.user(&self.keys.find(digest)?)
    }

    /// All keys, in the order of their digests.
    pub fn keys(&self) -> impl Iterator<Item = (KeyDigest, KeyRecord<'_>)> {
        (0..self.keys.len()).filter_map(|number| {
            let row = self.keys.row(number)?;
            let record = self.keys.record(&row, &self.grants)?;
            Some((KeyDigest::from_bytes(*row.digest), record))
        })
    }

    /// How many keys there are.
    #[must_use]
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }
}

/// Neither keys nor accounts: there may be a million of them.
impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("revision", &self.revision)
            .field("issued_at", &self.issued_at)
            .field("keys", &self.key_count())
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}
