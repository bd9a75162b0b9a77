//! What a feed and its mirrors contain, for a store that was restored.

use anyhow::{Context, Result, bail};
use keyward::signify::PublicKey;
use keyward::snapshot::Snapshot;
use keyward_files::feed::{KeySource, StorePlace};

use super::mirrors;
use super::target::{Held, source};
use crate::configuration::{Feed, Group};

/// The head of a feed that is set aside.
const ASIDE: &str = "head.restored";

/// The verified records of this store in a group's feed and in its mirrors.
pub(super) fn all(feed: &Feed, group: Group, store_id: &str) -> Result<Vec<Held>> {
    let mut all = Vec::new();
    all.extend(own(feed, group, store_id)?);
    for place in feed.mirrors_of(group)? {
        all.extend(at(&place, feed, group, store_id)?);
    }
    Ok(all)
}

fn own(feed: &Feed, group: Group, store_id: &str) -> Result<Option<Held>> {
    let path = feed.folder_of(group);
    if !path.exists() {
        return Ok(None);
    }
    at(&StorePlace::Folder(path), feed, group, store_id)
}

fn at(place: &StorePlace, feed: &Feed, group: Group, store_id: &str) -> Result<Option<Held>> {
    let key = KeySource::parse(&feed.signing_key).read()?;
    let own = PublicKey::from_line(&key.public_key()).context("the signing key")?;
    let keys: Vec<PublicKey> = [vec![own], feed.trusted()?].concat();
    let Some(present) = mirrors::held(place, &feed.name_of(group), &keys)? else {
        return Ok(None);
    };
    let source = source(store_id)?;
    if *present.head.source != *source.to_string() {
        bail!("`{place}` does not hold keys of `{source}`");
    }
    let snapshot: Snapshot = present.snapshot;
    Ok(Some(Held {
        revision: present.head.revision.number(),
        snapshot,
    }))
}

/// Sets the head of a group's feed aside, where it is older than what gateways serve: its deltas were not made from their state. The next start begins a new line
/// with a base, which every gateway loads.
pub(super) fn set_aside(
    feed: &Feed,
    group: Group,
    store_id: &str,
    above: Option<u64>,
) -> Result<()> {
    let Some(own) = own(feed, group, store_id)? else {
        return Ok(());
    };
    let mut newest = above;
    for place in feed.mirrors_of(group)? {
        let held = at(&place, feed, group, store_id)?;
        newest = newest.max(held.map(|held| held.revision));
    }
    if newest.is_some_and(|newest| own.revision < newest) {
        let folder = feed.folder_of(group);
        std::fs::rename(folder.join("head"), folder.join(ASIDE))
            .with_context(|| format!("the head in `{}` cannot be set aside", folder.display()))?;
    }
    Ok(())
}
