//! Writing the packed form.

use std::borrow::Cow;
use std::hash::Hasher;

use serde::Serialize;
use twox_hash::XxHash64;

use super::layout::{Counts, MAGIC, SEED};
use super::{GRANT, Packed, WRITE};
use crate::permission::{AccessLevel, Permission};
use crate::profile::Profile;
use crate::refusal::{Place, Refusal};
use crate::rows::Lists;
use crate::snapshot::convert::{GrantSets, Parts};
use crate::snapshot::key_id::IdCoding;
use crate::snapshot::wire;
use crate::wire::Integer;

/// [`wire::Head`], of text of its own.
#[derive(Serialize)]
struct HeadText {
    format: String,
    revision: Integer,
    issued_at: Integer,
    api_versions: Vec<String>,
    catalogue: wire::Catalogue,
    endpoints: serde_json::Value,
    empty: bool,
    permissions: Vec<String>,
    grant_sets: Vec<String>,
    key_ids: Option<KeyIdsText>,
}

/// [`wire::KeyIds`], of text of its own.
#[derive(Serialize)]
struct KeyIdsText {
    prefix: String,
    symbols: String,
    length: usize,
    padded: bool,
}

impl KeyIdsText {
    fn of(coding: &IdCoding) -> Self {
        Self {
            prefix: coding.prefix().to_owned(),
            symbols: coding.symbols().to_owned(),
            length: coding.length(),
            padded: coding.is_padded(),
        }
    }
}

const TOO_MUCH: &str = "too much for the packed form";

impl Packed {
    /// Packs the wire form, once it has passed every check; `place` is where it stands.
    pub(crate) fn from_wire(
        wire: wire::Snapshot<'_>,
        profile: &Profile,
        place: &Place,
    ) -> Result<Self, Refusal> {
        // The parts keep what is decided by; the head keeps what was written.
        let too_much = || place.refused(TOO_MUCH);
        let versions = wire.api_versions.iter();
        let mut head = HeadText {
            format: wire.format.0.as_ref().to_owned(),
            revision: wire.revision,
            issued_at: wire.issued_at,
            api_versions: versions.map(|text| text.0.as_ref().to_owned()).collect(),
            catalogue: wire.catalogue,
            endpoints: serde_json::to_value(&wire.endpoints).map_err(|_| too_much())?,
            empty: wire.empty,
            permissions: Vec::new(),
            grant_sets: Vec::new(),
            key_ids: None,
        };
        let parts = Parts::from_wire(wire, profile, place)?;
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
            .map(|permission| registry.name(*permission).to_owned())
            .collect();
        let names = parts.grant_sets.names.iter();
        head.grant_sets = names.map(|name| name.as_ref().to_owned()).collect();
        head.key_ids = Some(KeyIdsText::of(&parts.keys.context().coding));
        let grants = lists(&parts.grant_sets, &granted).ok_or_else(too_much)?;
        let head = serde_json::to_vec(&head).map_err(|_| too_much())?;
        Ok(Self {
            head: head.into(),
            accounts: parts.accounts,
            grants,
            keys: parts.keys,
        })
    }

    /// The packed form, part by part. `None` where there is more of something than the header can count.
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

/// Sets of grants by the numbers that permissions have in `granted`.
fn lists(sets: &GrantSets<'_>, granted: &[Permission]) -> Option<Lists> {
    let mut lists = Vec::with_capacity(sets.sets.len());
    for set in &sets.sets {
        let mut list = Vec::with_capacity(set.len() * GRANT);
        for (permission, level) in set {
            let number = granted.binary_search(permission).ok()?;
            list.extend(u16::try_from(number).ok()?.to_le_bytes());
            list.push(match level {
                AccessLevel::Read => 0,
                AccessLevel::Write => WRITE,
            });
        }
        lists.push(list);
    }
    Lists::collect(lists.iter().map(Vec::as_slice))
}

fn parts(lists: &Lists) -> impl Iterator<Item = &[u8]> {
    lists.ends().chunks().chain([lists.pool()])
}
