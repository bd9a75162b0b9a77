//! A feed before it is published to: what it holds is verified, and compared with the store.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use keyward::profile::Profile;
use keyward::signify::PublicKey;
use keyward_files::feed::{FeedStore, KeySource, Original, Reader, Settings, StorePlace};
use keyward_files::key_file::SourceName;

use super::folder::make;
use super::target::source;
use super::{Manner, RESTORED, mirrors};
use crate::configuration::{self, Group};
use crate::store::Head;

/// How long objects stay after the last head that named them.
const RETAIN: u64 = 86_400;

/// A feed, and what the server found there.
pub(super) struct Opened {
    pub(super) group: Group,
    pub(super) store: Box<dyn FeedStore + Send>,
    pub(super) settings: Settings,
    pub(super) source: SourceName,
    pub(super) original: Original,
    /// The mirrors that follow it.
    pub(super) mirrors: Vec<StorePlace>,
    pub(super) reissue: Duration,
    /// The revision of its head.
    pub(super) held: Option<u64>,
    /// Whether it is one that only accepts ends, next to the server's own.
    pub(super) is_mirror: bool,
}

/// Where a group's feed is published to. Ends go to each mirror by themselves: one may be ahead of the server's own folder.
pub(super) fn places(
    feed: &configuration::Feed,
    group: Group,
    manner: Manner,
) -> Result<Vec<(StorePlace, bool)>> {
    let own = (StorePlace::Folder(feed.folder_of(group)), false);
    let mut all = vec![own];
    if manner == Manner::Ends {
        let mirrors = feed.mirrors_of(group)?;
        all.extend(mirrors.into_iter().map(|place| (place, true)));
    }
    Ok(all)
}

impl Opened {
    /// Opens a feed, or creates the folder for it. Refuses a head of another source, and one that is ahead of the store.
    pub(super) fn open(
        feed: &configuration::Feed,
        group: Group,
        (place, is_mirror): (StorePlace, bool),
        head: &Head,
        manner: Manner,
    ) -> Result<Self> {
        if let (Some(folder), false) = (place.folder(), is_mirror) {
            make(folder)?;
        }
        let settings = Settings {
            feed: feed.name_of(group),
            key: KeySource::parse(&feed.signing_key).read()?,
            trusted: feed.trusted()?,
            retain: RETAIN.max(feed.max_snapshot_age.saturating_mul(2)),
            cache: None,
            verify_all: false,
        };
        let source = source(&head.store_id)?;
        let keys = keys(&settings)?;
        let (store, found) = mirrors::apart(|| {
            let store = place.open()?;
            let reader = Reader {
                store: &*store,
                feed: &settings.feed,
                keys: &keys,
                profile: &Profile::stripe(),
                cache: None,
            };
            let found = reader.head()?;
            Ok::<_, anyhow::Error>((store, found.map(|(head, _, _)| head)))
        })??;
        if let Some(found) = &found {
            let held = found.revision.number();
            if *found.source != *source.to_string() {
                bail!(
                    "the feed in `{place}` is of `{}`, and this store is `{source}`; name another folder",
                    found.source
                );
            }
            if held > head.revision && manner == Manner::Snapshot {
                bail!("the feed in `{place}` holds revision {held}, {RESTORED}");
            }
        }
        if is_mirror && found.is_none() {
            bail!("the mirror `{place}` holds nothing to end keys in");
        }
        let held = found.map(|found| found.revision.number());
        let original = Original {
            from: place,
            feed: settings.feed.clone(),
            keys,
            retain: settings.retain,
        };
        let mut followers = Vec::new();
        if manner == Manner::Snapshot {
            followers = feed.mirrors_of(group)?;
            let newest = held.unwrap_or_default().max(head.revision);
            mirrors::compare(&original, &followers, &source.to_string(), newest)?;
        }
        Ok(Self {
            group,
            store,
            settings,
            source,
            original,
            mirrors: followers,
            reissue: Duration::from_secs((feed.max_snapshot_age / 4).max(1)),
            held,
            is_mirror,
        })
    }
}

/// The keys whose heads it builds on: the server's key, and others while keys rotate.
fn keys(settings: &Settings) -> Result<Vec<PublicKey>> {
    let own = PublicKey::from_line(&settings.key.public_key());
    let own = own.context("the signing key has no public half that gateways take")?;
    Ok([vec![own], settings.trusted.clone()].concat())
}
