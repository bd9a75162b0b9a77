//! Keys that deltas changed, by digest, in front of the table of the base. Each has its record or
//! is marked as gone. The overlay takes precedence over the base.

use std::sync::Arc;

use super::grant_table::GrantTable;
use super::key::{Enforcement, KeyRecord, KeyStatus};
use super::key_place::KeyPlace;
use super::table::{KeyTable, bucket_of};
use super::terms::Times;
use crate::account::AccountIndex;
use crate::address::AllowedIps;
use crate::digest::KeyDigest;
use crate::id::Id;
use crate::key::{KeyKind, Livemode};
use crate::permission::{Grants, PermissionRegistry};
use crate::rows::index;

/// The number of leading bits of a digest that select its shard. With 10,000 changed keys, a shard
/// has ten, so a look-up compares three or four digests, and a change copies one shard.
const SHARD_BITS: u32 = 10;

/// A key, with what its row in the delta referred to.
pub(super) struct ChangedKey {
    pub(super) id: Id,
    pub(super) kind: KeyKind,
    pub(super) livemode: Livemode,
    pub(super) status: KeyStatus,
    pub(super) enforcement: Enforcement,
    pub(super) owner: AccountIndex,
    pub(super) times: Times,
    pub(super) ips: Option<Box<[u8]>>,
    pub(super) user: Option<Box<str>>,
    pub(super) grants: SetOfKey,
    pub(super) connect_grants: SetOfKey,
}

/// The grants of a changed key.
#[derive(Clone)]
pub(super) enum SetOfKey {
    /// The key has no limit.
    None,
    /// The number of a named set. A later delta may change what the set grants.
    Named(u32),
    /// The key's own grants. `None` if they name an unknown permission: such a key is rejected.
    Own(Option<Arc<Grants>>),
}

impl ChangedKey {
    /// Returns the content of the key. An invalid reference must never count as no reference, which
    /// would mean "no limit". So a key with an invalid reference is rejected.
    pub(super) fn record<'a>(&'a self, grants: &'a GrantTable) -> Option<KeyRecord<'a>> {
        let set = |set: &'a SetOfKey| match set {
            SetOfKey::None => Some(None),
            SetOfKey::Named(number) => grants.get(*number).map(Some),
            SetOfKey::Own(grants) => grants.as_deref().map(Some),
        };
        Some(KeyRecord {
            id: self.id,
            kind: self.kind,
            livemode: self.livemode,
            owner: self.owner,
            status: self.status,
            not_before: self.times.not_before,
            expires_at: self.times.expires_at,
            allowed_ips: self.ips.as_deref().map(AllowedIps::new),
            enforcement: self.enforcement,
            grants: set(&self.grants)?,
            connect_grants: set(&self.connect_grants)?,
        })
    }

    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Returns the same key under another registry, if it has its own grants.
    fn under(&self, before: &PermissionRegistry, after: &PermissionRegistry) -> Option<Self> {
        let set = |set: &SetOfKey| match set {
            SetOfKey::None | SetOfKey::Named(_) => set.clone(),
            SetOfKey::Own(grants) => {
                let grants = grants.as_deref();
                SetOfKey::Own(grants.and_then(|it| it.under(before, after)).map(Arc::new))
            }
        };
        let has_own = |set: &SetOfKey| matches!(set, SetOfKey::Own(_));
        (has_own(&self.grants) || has_own(&self.connect_grants)).then(|| Self {
            grants: set(&self.grants),
            connect_grants: set(&self.connect_grants),
            ips: self.ips.clone(),
            user: self.user.clone(),
            ..*self
        })
    }
}

/// One shard's keys, sorted. `None` marks a key that is gone.
type Shard = Vec<(KeyDigest, Option<Arc<ChangedKey>>)>;

/// All changed keys. Copies share them.
#[derive(Clone, Default)]
pub(super) struct Overlay {
    /// Empty until the first change.
    shards: Vec<Arc<Shard>>,
    len: usize,
    /// The number of keys of the base that are gone.
    gone: usize,
    /// The number of keys that the base does not have.
    added: usize,
}

impl Overlay {
    /// Returns `None` if the base decides, and `Some(None)` for a key that is gone.
    #[inline]
    pub(super) fn find(&self, digest: &KeyDigest) -> Option<Option<&ChangedKey>> {
        if self.shards.is_empty() {
            return None;
        }
        let shard = self.shards.get(bucket_of(digest.as_bytes(), SHARD_BITS)?)?;
        let place = shard.binary_search_by(|(of, _)| of.cmp(digest)).ok()?;
        shard.get(place).map(|(_, key)| key.as_deref())
    }

    /// Returns the number of records.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the number of keys, if the base has `count`.
    pub(super) fn count(&self, count: usize) -> usize {
        count.saturating_sub(self.gone).saturating_add(self.added)
    }

    /// Returns any key that is not gone.
    pub(super) fn any(&self) -> Option<&ChangedKey> {
        let mut all = self.shards.iter().flat_map(|shard| shard.iter());
        all.find_map(|(_, key)| key.as_deref())
    }

    /// Returns the places of all keys in order.
    pub(super) fn places(&self) -> impl Iterator<Item = KeyPlace<'_>> {
        let all = self.shards.iter().flat_map(|shard| shard.iter());
        all.map(|(digest, _)| KeyPlace::of_changed(digest))
    }

    /// Records what a delta says about a key.
    pub(super) fn set(
        &mut self,
        base: &KeyTable,
        digest: &KeyDigest,
        key: Option<ChangedKey>,
    ) -> Option<()> {
        if self.shards.is_empty() {
            self.shards = vec![Arc::default(); index(1 << SHARD_BITS)?];
        }
        let shard = bucket_of(digest.as_bytes(), SHARD_BITS)?;
        let shard = Arc::make_mut(self.shards.get_mut(shard)?);
        let is_in_base = base.find(digest).is_some();
        let counted = |is_there: bool| match (is_in_base, is_there) {
            (true, true) | (false, false) => (0, 0),
            (true, false) => (1, 0),
            (false, true) => (0, 1),
        };
        let after = counted(key.is_some());
        let key = key.map(Arc::new);
        let (gone, added) = match shard.binary_search_by(|(of, _)| of.cmp(digest)) {
            Ok(place) => {
                let (_, known) = shard.get_mut(place)?;
                let before = std::mem::replace(known, key);
                // A key that the base does not have needs no record of its removal.
                if !is_in_base && known.is_none() {
                    shard.remove(place);
                    self.len = self.len.saturating_sub(1);
                }
                counted(before.is_some())
            }
            Err(_) if !is_in_base && key.is_none() => return Some(()),
            Err(place) => {
                shard.insert(place, (*digest, key));
                self.len += 1;
                (0, 0)
            }
        };
        self.gone = self.gone.saturating_sub(gone).saturating_add(after.0);
        self.added = self.added.saturating_sub(added).saturating_add(after.1);
        Some(())
    }

    /// Returns the same keys under another registry.
    pub(super) fn under(&self, before: &PermissionRegistry, after: &PermissionRegistry) -> Self {
        let moved = |key: &Arc<ChangedKey>| match key.under(before, after) {
            Some(moved) => Arc::new(moved),
            None => Arc::clone(key),
        };
        let shards = self.shards.iter().map(|shard| {
            let keys = shard
                .iter()
                .map(|(digest, key)| (*digest, key.as_ref().map(moved)));
            Arc::new(keys.collect())
        });
        Self {
            shards: shards.collect(),
            ..*self
        }
    }
}
