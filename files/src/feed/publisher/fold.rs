//! Joins deltas at the end of a head's chain into one, from the states that they led to. So a head
//! keeps room for the next revision also while no publication leads to the whole content.

use anyhow::{Context, Result};

use super::entry::entry;
use super::listing::Listing;
use super::{Publisher, ways};
use crate::feed::present::Reader;
use keyward::feed::DeltaEntry;
use keyward::profile::Profile;
use keyward::snapshot::Snapshot;
use keyward::snapshot::delta::{Delta, Touched, Unwritten};

/// A new revision before it is written.
pub(super) struct Next {
    /// Its state.
    pub(super) snapshot: Snapshot,
    /// What its delta touched.
    pub(super) part: Touched,
    /// Everything that changed since the base.
    pub(super) touched: Touched,
    /// The new objects. The first is the delta from the present revision.
    pub(super) objects: Vec<Vec<u8>>,
    /// The deltas of its head.
    pub(super) listing: Listing,
}

impl Publisher<'_> {
    /// Replaces as much of the end of the chain as fits in one delta. Followers at each revision in
    /// between can use it, because it has the final record of everything that any of them lacks.
    pub(super) fn fold(&self, mut next: Next, profile: &Profile) -> Result<Next> {
        let present = self.present.as_ref().context("there is no head")?;
        let chain = next.listing.chain();
        let Some((_, old)) = chain.split_last() else {
            return Ok(next);
        };
        // Reads the deltas only if the whole chain does not become one without them.
        let mut read: Option<Vec<Delta>> = None;
        for (place, first) in old.iter().enumerate() {
            if read.is_none() && (place > 0 || next.touched.contract) {
                read = Some(self.deltas(old, profile)?);
            }
            let since = read.as_ref().and_then(|all| all.get(place..));
            let since = since.unwrap_or_default();
            let touched = match place {
                0 => next.touched.clone(),
                _ => since.iter().fold(next.part.clone(), |mut touched, delta| {
                    touched.add(Touched::of(delta));
                    touched
                }),
            };
            let newest = next.objects.first().map(|bytes| Delta::read(bytes));
            let newest = newest.context("there is no delta")??;
            let contract = since.iter().chain([&newest]).rfind(|it| it.has_contract());
            let bytes = match Delta::of_state(&next.snapshot, &touched, first.from, contract) {
                Ok(bytes) => bytes,
                Err(Unwritten::TooLarge) => continue,
                Err(refused) => return Err(refused.into()),
            };
            // Both ends of the part that it replaces.
            let before = read.as_ref().and_then(|all| all.get(..place));
            let mut at = present.base.clone();
            for delta in before.unwrap_or_default() {
                at = at.apply(delta, profile)?;
            }
            let all = self.settings.verify_all;
            for before in [&at, &present.snapshot] {
                let reached = ways::walk(before, &bytes, profile)?;
                let way = "the joined delta";
                ways::compare(&reached, &next.snapshot, &touched, all, way)?;
            }
            next.objects.push(bytes);
            let joined = entry(first.from, next.snapshot.revision(), &next.objects)?;
            next.listing = next.listing.folded(joined);
            return Ok(next);
        }
        // Then the head may have no room, and nothing is written.
        Ok(next)
    }

    fn deltas(&self, entries: &[DeltaEntry], profile: &Profile) -> Result<Vec<Delta>> {
        let reader = Reader {
            store: self.store,
            feed: &self.settings.feed,
            keys: &self.keys,
            profile,
            cache: self.settings.cache.as_deref(),
        };
        entries.iter().map(|entry| reader.delta(entry)).collect()
    }
}
