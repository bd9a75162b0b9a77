//! The snapshot: all keys, accounts and endpoints that one gateway decides by, as of one revision.

mod convert;
mod key;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

pub use key::{Enforcement, KeyRecord, KeyStatus};

use crate::account::AccountForest;
use crate::digest::KeyDigest;
use crate::endpoint::EndpointCatalogue;
use crate::json::from_json;
use crate::permission::PermissionRegistry;
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

/// Keys by digest. A digest is as good as random, and nobody can choose one, so its first bytes are its hash.
type Keys = HashMap<KeyDigest, KeyRecord, BuildHasherDefault<DigestHasher>>;

/// All that one gateway decides by.
#[derive(Clone, Debug)]
pub struct Snapshot {
    revision: Revision,
    issued_at: u64,
    api_versions: Box<[Box<str>]>,
    accounts: AccountForest,
    permissions: PermissionRegistry,
    endpoints: EndpointCatalogue,
    keys: Keys,
}

impl Snapshot {
    /// Reads the JSON form. A snapshot is refused as a whole or taken as a whole.
    pub fn from_json(json: &[u8], profile: &Profile) -> Result<Self, Refusal> {
        Self::from_wire(from_json(json)?, profile, &Place::default())
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
    pub fn key(&self, digest: &KeyDigest) -> Option<&KeyRecord> {
        self.keys.get(digest)
    }

    /// How many keys there are.
    #[must_use]
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }
}

/// Takes the first eight bytes of a digest as its hash.
#[derive(Clone, Copy, Debug, Default)]
struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _length: usize) {}
}
