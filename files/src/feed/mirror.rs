//! A copy of a feed elsewhere, such as in another region. It copies the objects first and the head
//! last. A mirror never goes back, except from a head that no gateway accepts, and the result is read
//! as gateways read it.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};

use super::garbage::sweep;
use super::present::{name, named};
use super::publisher::SKEW;
use super::store::{FeedStore, Mutable, ObjectKind, ObjectName, Swap};
use keyward::feed::Head;
use keyward::feed::head::LARGEST_HEAD;
use keyward::signify::PublicKey;

/// How often copying starts again because another publisher was faster.
const ATTEMPTS: usize = 5;

/// A feed and its mirror.
pub struct Mirror<'a> {
    /// The original feed.
    pub from: &'a dyn FeedStore,
    /// Its mirror.
    pub to: &'a dyn FeedStore,
    /// The feed's name.
    pub feed: &'a str,
    /// The keys whose signatures on heads are accepted.
    pub keys: &'a [PublicKey],
    /// How many seconds an object stays after the last head that named it.
    pub retain: u64,
    /// The present time, in Unix seconds.
    pub now: u64,
}

/// The result of mirroring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mirrored {
    /// The mirror has the content of the feed.
    Same {
        /// The number of copied objects.
        objects: usize,
        /// Their size in bytes.
        bytes: u64,
        /// Why unused objects were not removed, if that failed.
        uncollected: Option<String>,
    },
    /// It holds a newer head: another publisher was faster, the feed was restored from a backup, or
    /// the clock was set back.
    Ahead {
        /// Whether that head leads to a higher revision. Otherwise it was only signed later.
        is_later: bool,
    },
}

/// A head, as signed bytes and parsed.
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
    /// Copies the present content of the feed to the mirror.
    pub fn run(&self) -> Result<Mirrored> {
        let shown = self.to.shown();
        for _ in 0..ATTEMPTS {
            let source = self.signed(self.from)?;
            let (source, _) =
                source.with_context(|| format!("there is no feed in `{}`", self.from.shown()))?;
            let held = self.signed(self.to)?;
            if let Some((held, _)) = &held {
                if source.is_before(&held.head) && !self.overrules(&source.head, &held.head) {
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

    /// Whether the mirror's head was signed while the clock was ahead, and the feed's when it was
    /// right again. Gateways accept no head that is so far ahead, so none has it.
    fn overrules(&self, source: &Head, held: &Head) -> bool {
        let latest = self.now.saturating_add(SKEW);
        held.revision == source.revision && held.issued_at > latest && source.issued_at <= latest
    }

    /// Returns the verified head of a store.
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

    /// Copies the objects that the head names, except those that the mirror's head already names.
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

    /// Whether the mirror has everything that a head names.
    fn is_whole(&self, head: &Head) -> Result<bool> {
        let there = self.there()?;
        Ok(objects(head).iter().all(|object| there.contains(object)))
    }

    fn there(&self) -> Result<BTreeSet<(ObjectName, u64)>> {
        let listed = self.to.list()?;
        Ok(listed.into_iter().map(|it| (it.name, it.size)).collect())
    }

    /// Checks what a gateway now finds in the mirror: this head with all its objects, or a newer
    /// head.
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

/// Returns the objects that a head names, with their sizes.
fn objects(head: &Head) -> Vec<(ObjectName, u64)> {
    let deltas = head.deltas.iter();
    let deltas = deltas.map(|delta| (name(ObjectKind::Delta, &delta.sha256), delta.size.into()));
    let base = (
        name(ObjectKind::Base, &head.base.sha256),
        head.base.size.into(),
    );
    deltas.chain([base]).collect()
}
