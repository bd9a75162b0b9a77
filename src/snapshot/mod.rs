//! The snapshot: all keys, accounts and endpoints that a gateway's decisions are based on, as of
//! one revision.

mod annotations;
mod convert;
pub mod delta;
pub mod document;
mod grant_table;
mod interned;
mod key;
mod key_id;
mod key_place;
mod overlay;
pub mod packed;
mod reach;
mod table;
mod terms;
mod view;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

pub use document::Document;
pub use key::{Enforcement, KeyRecord, KeyStatus};
pub use reach::{Granting, Reach, holds_everywhere};

use convert::Heading;
use grant_table::GrantTable;
use key_place::KeyPlace;
use overlay::Overlay;
use packed::{LoadFault, Packed, Source, Trust};
use table::KeyTable;
use view::KeyView;

use crate::account::AccountForest;
use crate::digest::KeyDigest;
use crate::endpoint::EndpointCatalogue;
use crate::json::from_json;
use crate::permission::PermissionRegistry;
use crate::profile::Profile;
use crate::refusal::{First, Place, Refusal};

/// The format that this version reads.
pub const FORMAT: &str = "keyward.snapshot/v1";

/// A snapshot's number. The publisher of snapshots must make sure that it only rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    /// Returns `None` from 10^15 on, because an RFC 9651 integer has at most 15 digits.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        (number < 1_000_000_000_000_000).then_some(Self(number))
    }

    /// Returns the number.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    /// Returns 40 bits that look random. Sums of different revisions may be equal, but sums of
    /// their fingerprints are not. The sum over 8192 VMs stays below 2^53, where programs that
    /// count in floating point are still exact.
    #[must_use]
    pub fn fingerprint(self) -> u64 {
        // The finalizer of MurmurHash3, a bijection.
        let mut bits = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        bits = (bits ^ (bits >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        (bits ^ (bits >> 33)) >> 24
    }
}

/// Everything that a gateway's decisions are based on. Copies share the tables.
#[derive(Clone)]
pub struct Snapshot {
    revision: Revision,
    issued_at: u64,
    contract: Arc<Contract>,
    accounts: AccountForest,
    grants: GrantTable,
    /// The keys of the base. `overlay` has the keys that deltas changed since.
    keys: Arc<KeyTable>,
    overlay: Overlay,
}

/// What a snapshot contains apart from keys, accounts and grants.
#[derive(Debug, PartialEq, Eq)]
struct Contract {
    api_versions: Box<[Box<str>]>,
    permissions: PermissionRegistry,
    endpoints: EndpointCatalogue,
}

impl Snapshot {
    fn new(
        heading: Heading,
        accounts: AccountForest,
        grants: GrantTable,
        keys: Arc<KeyTable>,
    ) -> Self {
        let Heading {
            revision,
            issued_at,
            api_versions,
            permissions,
            endpoints,
        } = heading;
        let contract = Contract {
            api_versions,
            permissions,
            endpoints,
        };
        Self {
            revision,
            issued_at,
            contract: Arc::new(contract),
            accounts,
            grants,
            keys,
            overlay: Overlay::default(),
        }
    }

    /// Reads the JSON form. keyward accepts or rejects a snapshot as a whole.
    pub fn from_json(json: &[u8], profile: &Profile) -> Result<Self, Refusal> {
        Self::from_wire(from_json(json)?, profile, &Place::default(), &mut First)
    }

    /// Reads the packed form: `size` bytes from `start` on.
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

    /// Returns the number of this snapshot.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Returns when the snapshot was issued, in Unix seconds.
    #[must_use]
    pub fn issued_at(&self) -> u64 {
        self.issued_at
    }

    /// Returns whether requests may name this version. They may name any version if none is listed.
    #[must_use]
    pub fn serves_version(&self, version: &str) -> bool {
        let served = &self.contract.api_versions;
        served.is_empty() || served.iter().any(|served| **served == *version)
    }

    /// Returns all accounts and organizations.
    #[must_use]
    pub fn accounts(&self) -> &AccountForest {
        &self.accounts
    }

    /// Returns the names of permissions.
    #[must_use]
    pub fn permissions(&self) -> &PermissionRegistry {
        &self.contract.permissions
    }

    /// Returns all endpoints.
    #[must_use]
    pub fn endpoints(&self) -> &EndpointCatalogue {
        &self.contract.endpoints
    }

    /// Returns the same snapshot with another time of issue, for a newer head of a feed whose
    /// content is the same.
    #[must_use]
    pub fn reissued(&self, issued_at: u64) -> Self {
        Self {
            issued_at,
            ..self.clone()
        }
    }

    /// Returns the key with that digest.
    #[must_use]
    pub fn key(&self, digest: &KeyDigest) -> Option<KeyRecord<'_>> {
        match self.overlay.find(digest) {
            None => {
                let record = self.keys.record(&self.keys.find(digest)?, &self.grants)?;
                // An account that a delta removed has no keys.
                let is_owned = self.accounts.changed_len() == 0 || self.is_owned(&record);
                is_owned.then_some(record)
            }
            Some(None) => None,
            Some(Some(changed)) => changed
                .record(&self.grants)
                .filter(|record| self.is_owned(record)),
        }
    }

    fn is_owned(&self, record: &KeyRecord<'_>) -> bool {
        self.accounts.account(record.owner).is_some()
    }

    /// Returns a stand-in for a key that may not exist, or `None` in a snapshot without keys. The
    /// same digest always gets the same stand-in. It grants nothing: its purpose is that questions
    /// about it take as long as questions about an existing key.
    #[must_use]
    pub fn stand_in(&self, digest: &KeyDigest) -> Option<KeyRecord<'_>> {
        let number = u64::from_be_bytes(*digest.as_bytes().last_chunk()?);
        match number.checked_rem(u64::try_from(self.keys.len()).ok()?) {
            Some(number) => {
                let row = self.keys.row(usize::try_from(number).ok()?)?;
                self.keys.record(&row, &self.grants)
            }
            None => self.overlay.any()?.record(&self.grants),
        }
    }

    /// Returns the user from the annotations of the key with that digest.
    #[must_use]
    pub fn user_id(&self, digest: &KeyDigest) -> Option<&str> {
        match self.overlay.find(digest) {
            None => self.keys.user(&self.keys.find(digest)?),
            Some(changed) => changed?.user(),
        }
    }

    /// Returns all keys, in the order of their digests.
    pub fn keys(&self) -> impl Iterator<Item = (KeyDigest, KeyRecord<'_>)> {
        self.places().filter_map(|place| {
            let digest = place.digest();
            let record = match place.row {
                Some(row) => self.keys.record(&self.keys.read(row)?, &self.grants)?,
                None => self.overlay.find(&digest)??.record(&self.grants)?,
            };
            let is_owned = self.accounts.changed_len() == 0 || self.is_owned(&record);
            is_owned.then_some((digest, record))
        })
    }

    /// Returns digests from all over the table of the base: at least this many, or all of a smaller
    /// table. Keys that deltas changed or removed are among them.
    pub fn digests_all_over(&self, least: usize) -> impl Iterator<Item = KeyDigest> {
        let count = self.keys.len();
        let step = count.checked_div(least).unwrap_or(0).max(1);
        (0..count)
            .step_by(step)
            .filter_map(|number| self.keys.row(number))
            .map(|row| KeyDigest::from_bytes(*row.digest))
    }

    /// Returns where every key is, in the order of the digests, including keys that are gone.
    fn places(&self) -> impl Iterator<Item = KeyPlace<'_>> {
        let mut base = self.keys.places().peekable();
        let mut changed = self.overlay.places().peekable();
        std::iter::from_fn(move || {
            let order = match (base.peek(), changed.peek()) {
                (Some(row), Some(changed)) => changed.order(row),
                (_, None) => return base.next(),
                (None, _) => return changed.next(),
            };
            match order {
                Ordering::Greater => base.next(),
                Ordering::Less => changed.next(),
                Ordering::Equal => {
                    base.next();
                    changed.next()
                }
            }
        })
    }

    /// Returns the full record of the key at a place.
    fn view_at<'a>(&'a self, place: &KeyPlace<'a>) -> Option<KeyView<'a>> {
        match place.row {
            Some(row) => KeyView::of_row(&self.keys, &self.keys.read(row)?, &self.grants),
            None => KeyView::of_changed(self.overlay.find(&place.digest())??, &self.grants),
        }
    }

    fn view(&self, digest: &KeyDigest) -> Option<KeyView<'_>> {
        match self.overlay.find(digest) {
            None => KeyView::of_row(&self.keys, &self.keys.find(digest)?, &self.grants),
            Some(changed) => KeyView::of_changed(changed?, &self.grants),
        }
    }

    fn contract(&self) -> &Contract {
        &self.contract
    }

    /// Returns the number of keys.
    #[must_use]
    pub fn key_count(&self) -> usize {
        self.overlay.count(self.keys.len())
    }

    /// Returns how many records of deltas are in front of the base.
    #[must_use]
    pub fn changed_count(&self) -> usize {
        self.overlay.len() + self.accounts.changed_len() + self.grants.changed_len()
    }
}

/// Leaves out keys and accounts: there may be a million of them.
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
