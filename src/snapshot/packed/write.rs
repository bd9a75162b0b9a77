//! Writes the packed form.

use std::borrow::Cow;
use std::hash::Hasher;
use std::sync::Arc;

use twox_hash::XxHash64;

use super::layout::{Counts, MAGIC, SEED};
use super::{GRANT, Packed};
use crate::permission::Permission;
use crate::profile::Profile;
use crate::refusal::{First, Place, Refusal};
use crate::rows::Lists;
use crate::snapshot::convert::{GrantSets, Parts};
use crate::snapshot::wire;
use crate::wire::{Integer, Text};

const TOO_MUCH: &str = "too much for the packed form";

impl Packed {
    /// Packs the wire form after checking all of it. `place` is its place in the input.
    pub(crate) fn from_wire(
        wire: wire::Snapshot<'_>,
        profile: &Profile,
        place: &Place,
    ) -> Result<Self, Refusal> {
        // The parts contain what decisions use. The head contains what was written.
        let too_much = || place.refused(TOO_MUCH);
        let mut head = wire::Head {
            format: wire.format.clone(),
            revision: wire.revision,
            issued_at: wire.issued_at,
            api_versions: Some(wire.api_versions.clone().unwrap_or_default()),
            catalogue: Some(wire.catalogue.unwrap_or_default()),
            endpoints: Some(wire.endpoints.clone().unwrap_or_default()),
            empty: wire.empty.unwrap_or(false),
            permissions: Vec::new(),
            grant_sets: Vec::new(),
            key_ids: wire::KeyIds {
                prefix: Text(Cow::Borrowed("")),
                length: Integer(0),
            },
        };
        let parts = Parts::from_wire(wire, profile, place, &mut First)?;
        let coding = &parts.keys.context().coding;
        head.key_ids = wire::KeyIds {
            prefix: Text(coding.prefix().into()),
            length: Integer(u64::try_from(coding.width()).map_err(|_| too_much())?),
        };
        let mut granted: Vec<Permission> = parts
            .grant_sets
            .sets
            .iter()
            .flatten()
            .map(|(permission, _)| *permission)
            .collect();
        granted.sort_unstable();
        granted.dedup();
        let registry = &parts.heading.permissions;
        head.permissions = granted
            .iter()
            .map(|permission| Text(registry.name(*permission).into()))
            .collect();
        head.grant_sets.clone_from(&parts.grant_sets.names);
        let grants = lists(&parts.grant_sets, &granted).ok_or_else(too_much)?;
        let head = serde_json::to_vec(&head).map_err(|_| too_much())?;
        Ok(Self {
            head: head.into(),
            accounts: parts.accounts,
            grants: Arc::new(grants),
            keys: Arc::new(parts.keys),
        })
    }

    /// Returns the packed form, part by part. Returns `None` if there are more of something than
    /// the header can count.
    pub fn chunks(&self) -> Option<Vec<Cow<'_, [u8]>>> {
        let context = self.keys.context();
        let count = |count: usize| u32::try_from(count).ok();
        let counts = Counts {
            head_bytes: count(self.head.len())?,
            accounts: count(self.accounts.len())?,
            account_id_bytes: count(self.accounts.ids().pool().len())?,
            grant_sets: count(self.grants.len())?,
            grant_bytes: count(self.grants.pool().len())?,
            ip_lists: count(context.ips.len())?,
            ip_bytes: count(context.ips.pool().len())?,
            terms: count(context.terms.len())?,
            times: count(context.times.len())?,
            other_ids: count(context.others.len())?,
            other_id_bytes: count(context.others.pool().len())?,
            keys: count(self.keys.len())?,
            users: count(context.users.len())?,
            user_bytes: count(context.users.pool().len())?,
        };
        let covered = counts.covered();
        let mut chunks: Vec<&[u8]> = vec![&self.head];
        chunks.extend(parts(self.accounts.ids()));
        chunks.extend(self.accounts.rows().chunks());
        chunks.extend(parts(&self.grants));
        chunks.extend(parts(&context.ips));
        chunks.extend(context.terms.chunks());
        chunks.extend(context.times.chunks());
        chunks.extend(parts(&context.others));
        chunks.extend(parts(&context.users));
        chunks.extend(self.keys.buckets().chunks());
        chunks.extend(self.keys.rows().chunks());
        let mut checksum = XxHash64::with_seed(SEED);
        checksum.write(&covered);
        for chunk in &chunks {
            checksum.write(chunk);
        }
        let header = [&MAGIC[..], &checksum.finish().to_le_bytes(), &covered].concat();
        let chunks = chunks.into_iter().map(Cow::Borrowed);
        Some([Cow::Owned(header)].into_iter().chain(chunks).collect())
    }
}

/// Encodes sets of grants with the numbers that permissions have in `granted`.
fn lists(sets: &GrantSets<'_>, granted: &[Permission]) -> Option<Lists> {
    let mut lists = Vec::with_capacity(sets.sets.len());
    for set in &sets.sets {
        let mut list = Vec::with_capacity(set.len() * GRANT);
        for (permission, level) in set {
            let number = granted.binary_search(permission).ok()?;
            list.extend(Packed::grant(u16::try_from(number).ok()?, *level));
        }
        lists.push(list);
    }
    Lists::collect(lists.iter().map(Vec::as_slice))
}

fn parts(lists: &Lists) -> impl Iterator<Item = &[u8]> {
    lists.ends().chunks().chain([lists.pool()])
}
