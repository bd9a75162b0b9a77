//! A copy of a feed elsewhere, such as in another region: objects first, the head last. A mirror never goes back, and what it holds in the end is read as gateways read it.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};

use super::garbage::sweep;
use super::present::{name, named};
use super::store::{FeedStore, Mutable, ObjectKind, ObjectName, Swap};
use keyward::feed::Head;
use keyward::feed::head::LARGEST_HEAD;
use keyward::signify::PublicKey;

/// How often it begins again because others were faster.
const ATTEMPTS: usize = 5;

/// A feed and its mirror.
pub struct Mirror<'a> {
    /// The feed that is published to.
    pub from: &'a dyn FeedStore,
    /// Its mirror.
    pub to: &'a dyn FeedStore,
    /// The feed's name.
    pub feed: &'a str,
    /// The keys whose heads it accepts.
    pub keys: &'a [PublicKey],
    /// For how many seconds objects stay after the last head that named them.
    pub retain: u64,
}

/// What became of a mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mirrored {
    /// It holds what the feed holds.
    Same {
        /// How many objects were copied.
        objects: usize,
        /// Their bytes.
        bytes: u64,
        /// Why unused objects were not removed, if so.
        uncollected: Option<String>,
    },
    /// It holds a newer head: another publisher was faster, or the feed was restored from a backup.
    Ahead {
        /// Whether that head leads to a higher revision. Otherwise it was only signed later.
        is_later: bool,
    },
}

/// A head, as it is signed and as it reads.
struct Signed {
    bytes: Vec<u8>,
    head: Head,
}

impl Signed {
    fn is_before(&self, other: &Head) -> bool {
        let rank = |head: &Head| (head.revision, head.issued_at);
        rank(&self.head) < rank(other)
    }
}

impl Mirror<'_> {
    /// Makes the mirror hold what the feed holds now.
    pub fn run(&self) -> Result<Mirrored> {
        let shown = self.to.shown();
        for _ in 0..ATTEMPTS {
            let source = self.signed(self.from)?;
            let (source, _) =
                source.with_context(|| format!("there is no feed in `{}`", self.from.shown()))?;
            let held = self.signed(self.to)?;
            if let Some((held, _)) = &held {
                if source.is_before(&held.head) {
                    let is_later = held.head.revision > source.head.revision;
                    return Ok(Mirrored::Ahead { is_later });
                }
                if held.bytes == source.bytes && self.is_whole(&source.head)? {
                    return Ok(Mirrored::Same {
                        objects: 0,
                        bytes: 0,
                        uncollected: None,
                    });
                }
            }
            let kept = held.as_ref().map(|(held, _)| named(&held.head));
            let (count, size) = self.copy(&source.head, &kept.unwrap_or_default())?;
            let expected = held.as_ref().map(|(_, version)| version);
            match self.to.swap(Mutable::Head, expected, &source.bytes)? {
                Swap::Lost => continue,
                Swap::Done(_) => {}
            }
            self.check(&source)?;
            let now = source.head.issued_at;
            let swept = sweep(self.to, &named(&source.head), now, self.retain);
            return Ok(Mirrored::Same {
                objects: count,
                bytes: size,
                uncollected: swept.err().map(|error| format!("{error:#}")),
            });
        }
        bail!("other publishers wrote to `{shown}` in between, {ATTEMPTS} times")
    }

    /// The head of a store, verified.
    fn signed(&self, store: &dyn FeedStore) -> Result<Option<(Signed, super::store::Version)>> {
        let most = u64::try_from(LARGEST_HEAD).unwrap_or(u64::MAX);
        let Some((bytes, version)) = store.read(Mutable::Head, most)? else {
            return Ok(None);
        };
        let opened = Head::open(&bytes, self.keys, self.feed);
        let (head, _) =
            opened.with_context(|| format!("the head in `{}` is refused", store.shown()))?;
        Ok(Some((Signed { bytes, head }, version)))
    }

    /// Copies the objects that the head names, except those that the mirror's head names already.
    fn copy(&self, head: &Head, kept: &BTreeSet<ObjectName>) -> Result<(usize, u64)> {
        let there = self.there()?;
        let (mut count, mut size) = (0_usize, 0_u64);
        for object in objects(head) {
            let (name, length) = object;
            if kept.contains(&name) && there.contains(&object) {
                continue;
            }
            let bytes = self.from.get(&name, length)?;
            let bytes =
                bytes.with_context(|| format!("`{name}` is missing in `{}`", self.from.shown()))?;
            ensure!(
                ObjectName::of(name.kind, &bytes) == name,
                "`{name}` in `{}` has other bytes than its name says",
                self.from.shown()
            );
            self.to.put_new(&name, &bytes)?;
            count = count.saturating_add(1);
            size = size.saturating_add(length);
        }
        Ok((count, size))
    }

    /// Whether everything that a head names is in the mirror.
    fn is_whole(&self, head: &Head) -> Result<bool> {
        let there = self.there()?;
        Ok(objects(head).iter().all(|object| there.contains(object)))
    }

    fn there(&self) -> Result<BTreeSet<(ObjectName, u64)>> {
        let listed = self.to.list()?;
        Ok(listed.into_iter().map(|it| (it.name, it.size)).collect())
    }

    /// What a gateway finds there now: this head with all that it names, or a newer one.
    fn check(&self, source: &Signed) -> Result<()> {
        let shown = self.to.shown();
        let found = self.signed(self.to)?;
        let (found, _) = found.with_context(|| format!("`{shown}` took a head, and has none"))?;
        if source.is_before(&found.head) {
            return Ok(());
        }
        ensure!(
            found.bytes == source.bytes,
            "`{shown}` took a head, and shows an older one"
        );
        ensure!(
            self.is_whole(&source.head)?,
            "`{shown}` has not all that its head names"
        );
        Ok(())
    }
}

/// What a head names, with its sizes.
fn objects(head: &Head) -> Vec<(ObjectName, u64)> {
    let deltas = head.deltas.iter();
    let deltas = deltas.map(|delta| (name(ObjectKind::Delta, &delta.sha256), delta.size.into()));
    let base = (
        name(ObjectKind::Base, &head.base.sha256),
        head.base.size.into(),
    );
    deltas.chain([base]).collect()
}
