//! The present content of a feed. The store is the publisher's only memory: the publisher reads the
//! head, the base and the deltas, and verifies them as a gateway would, before it builds on them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::store::{FeedStore, Mutable, ObjectKind, ObjectName, Version};
use crate::replace::{Access, replace};
use keyward::feed::head::{LARGEST_HEAD, PACKED, Sha256};
use keyward::feed::{BaseEntry, DeltaEntry, Head, Way};
use keyward::profile::Profile;
use keyward::signify::PublicKey;
use keyward::snapshot::Snapshot;
use keyward::snapshot::delta::{Delta, Touched};
use keyward::snapshot::packed::{Packed, Trust};

/// A feed as its head and objects describe it, all verified.
pub struct Present {
    /// The head.
    pub head: Head,
    /// The key that signed it.
    pub signed_by: PublicKey,
    pub(super) version: Version,
    pub(super) base: Snapshot,
    /// The state that gateways reach.
    pub snapshot: Snapshot,
    /// Everything that has changed since the base.
    pub(super) touched: Touched,
}

/// How a feed is read.
pub struct Reader<'a> {
    /// The store.
    pub store: &'a dyn FeedStore,
    /// The feed's name. The head of another feed is rejected.
    pub feed: &'a str,
    /// The keys whose signatures are accepted.
    pub keys: &'a [PublicKey],
    /// The profile for checking snapshots.
    pub profile: &'a Profile,
    /// A folder that caches objects which were read before.
    pub cache: Option<&'a Path>,
}

impl Reader<'_> {
    /// Reads and verifies the head, if there is one.
    pub fn head(&self) -> Result<Option<(Head, PublicKey, Version)>> {
        let most = u64::try_from(LARGEST_HEAD).unwrap_or(u64::MAX);
        let shown = self.store.shown();
        let Some((bytes, version)) = self.store.read(Mutable::Head, most)? else {
            return Ok(None);
        };
        let (head, key) = Head::open(&bytes, self.keys, self.feed)
            .with_context(|| format!("the head in `{shown}` is refused"))?;
        if head.packed != PACKED {
            bail!(
                "`{shown}` has objects of layout {}, and this version writes {PACKED}; publish with the version that began them",
                head.packed
            );
        }
        Ok(Some((head, key.clone(), version)))
    }

    /// Reads the whole feed, but nothing that `before` already has.
    pub fn read(&self, before: Option<Present>) -> Result<Option<Present>> {
        let Some((head, key, version)) = self.head()? else {
            return Ok(None);
        };
        let before = match before {
            Some(before) if before.version == version => return Ok(Some(before)),
            before => before.filter(|before| before.is_of(&head)),
        };
        let read = || self.read_all(head, key, version, before);
        let shown = || format!("what is in `{}` is refused", self.store.shown());
        read().with_context(shown).map(Some)
    }

    fn read_all(
        &self,
        head: Head,
        signed_by: PublicKey,
        version: Version,
        before: Option<Present>,
    ) -> Result<Present> {
        let (base, mut snapshot, mut touched) = match before {
            Some(before) => (before.base, before.snapshot, before.touched),
            None => {
                let base = self.base(&head.base)?;
                (base.clone(), base, Touched::default())
            }
        };
        loop {
            match head.way(Some(snapshot.revision())) {
                Way::There => break,
                Way::Delta(entry) => {
                    let delta = self.delta(entry)?;
                    touched.add(Touched::of(&delta));
                    snapshot = snapshot
                        .apply(&delta, self.profile)
                        .with_context(|| format!("the delta to revision {}", entry.to.number()))?;
                }
                Way::Base(_) => bail!("no delta leads from the base to the head's revision"),
            }
        }
        let counts = (
            count(snapshot.key_count()),
            count(snapshot.accounts().len()),
        );
        if counts != (head.keys, head.accounts) {
            bail!(
                "the head counts {} keys and {} accounts, and its objects have {} and {}",
                head.keys,
                head.accounts,
                counts.0,
                counts.1
            );
        }
        Ok(Present {
            head,
            signed_by,
            version,
            base,
            snapshot,
            touched,
        })
    }

    /// Reads the base of an entry, and checks every row.
    pub fn base(&self, entry: &BaseEntry) -> Result<Snapshot> {
        let bytes = self.object(ObjectKind::Base, &entry.sha256, entry.size)?;
        let read = || -> Result<Snapshot> {
            let packed = Packed::from_bytes(&bytes)?;
            let base = packed.snapshot(self.profile, Trust::Nothing)?;
            if base.revision() != entry.revision {
                bail!(
                    "it has revision {}, and the head says {}",
                    base.revision().number(),
                    entry.revision.number()
                );
            }
            Ok(base)
        };
        read().context("the base")
    }

    /// Reads the delta of an entry.
    pub fn delta(&self, entry: &DeltaEntry) -> Result<Delta> {
        let bytes = self.object(ObjectKind::Delta, &entry.sha256, entry.size)?;
        let read = || -> Result<Delta> {
            let delta = Delta::read(&bytes)?;
            if (delta.from(), delta.to()) != (entry.from, entry.to) {
                bail!("it leads from and to other revisions than the head says");
            }
            Ok(delta)
        };
        read().with_context(|| format!("the delta to revision {}", entry.to.number()))
    }

    /// Returns the bytes that a head names, from the cache or the store.
    fn object(&self, kind: ObjectKind, hash: &Sha256, size: u32) -> Result<Vec<u8>> {
        let name = name(kind, hash);
        let is_whole = |bytes: &[u8]| {
            u32::try_from(bytes.len()).ok() == Some(size) && ObjectName::of(kind, bytes) == name
        };
        let cached = self.cache.map(|folder| folder.join(name.to_string()));
        let known = cached.as_ref().and_then(|path| fs::read(path).ok());
        if let Some(bytes) = known.filter(|bytes| is_whole(bytes)) {
            return Ok(bytes);
        }
        let bytes = self.store.get(&name, size.into())?;
        let bytes = bytes.with_context(|| format!("`{name}` is missing"))?;
        if !is_whole(&bytes) {
            bail!("`{name}` has other bytes than its name says");
        }
        if let Some(path) = cached {
            keep(&path, &bytes)?;
        }
        Ok(bytes)
    }
}

impl Present {
    /// Whether deltas lead from this state to `head`.
    fn is_of(&self, head: &Head) -> bool {
        self.head.line == head.line
            && self.head.base == head.base
            && self.snapshot.revision() <= head.revision
            && !matches!(head.way(Some(self.snapshot.revision())), Way::Base(_))
    }

    /// Returns when gateways deny if nothing more is published, in Unix seconds.
    #[must_use]
    pub fn denied_from(&self, max_snapshot_age: u64) -> u64 {
        self.head.issued_at.saturating_add(max_snapshot_age)
    }

    /// Returns the objects that the head names.
    #[must_use]
    pub fn named(&self) -> std::collections::BTreeSet<ObjectName> {
        named(&self.head)
    }
}

/// Returns the objects that a head names.
pub(super) fn named(head: &Head) -> std::collections::BTreeSet<ObjectName> {
    let deltas = head.deltas.iter();
    deltas
        .map(|delta| name(ObjectKind::Delta, &delta.sha256))
        .chain([name(ObjectKind::Base, &head.base.sha256)])
        .collect()
}

pub(super) fn name(kind: ObjectKind, hash: &Sha256) -> ObjectName {
    ObjectName {
        kind,
        sha256: *hash.as_bytes(),
    }
}

/// Stores an object in the cache. New objects replace the oldest ones.
fn keep(path: &Path, bytes: &[u8]) -> Result<()> {
    /// The number of objects that stay.
    const KEPT: usize = 64;
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    fs::create_dir_all(folder)
        .with_context(|| format!("the cache `{}` cannot be made", folder.display()))?;
    replace(path, Access::Owner, bytes)?;
    let mut all: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            name.to_str().and_then(ObjectName::parse).is_some()
        })
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    all.sort();
    let surplus = all.len().saturating_sub(KEPT);
    for (_, path) in all.iter().take(surplus) {
        // If it remains, it does no harm.
        let _ = fs::remove_file(path);
    }
    Ok(())
}

pub(super) fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
