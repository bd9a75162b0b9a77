//! Copies of a feed in other places, such as a bucket in each region. A mirror that cannot be reached delays nothing.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, bail};
use keyward::profile::Profile;
use keyward::signify::PublicKey;
use keyward_files::feed::mirrors::Event;
use keyward_files::feed::{Mirrored, Mirrors, Original, Present, Reader, StorePlace};

use super::RESTORED;
use super::folder::make;
use super::standing::Standing;

/// A mirror's head, as far as it is compared with the store.
pub(super) struct Head {
    pub(super) source: String,
    pub(super) revision: u64,
}

/// Reads the verified head of a mirror, if it has one.
fn head(place: &StorePlace, feed: &str, keys: &[PublicKey]) -> Result<Option<Head>> {
    let store = place.open()?;
    let reader = Reader {
        store: &*store,
        feed,
        keys,
        profile: &Profile::stripe(),
        cache: None,
    };
    Ok(reader.head()?.map(|(head, _, _)| Head {
        source: head.source.to_string(),
        revision: head.revision.number(),
    }))
}

/// Rejects mirrors that contain a later state than `newest`, or another source's keys. A mirror that cannot be reached is compared before it is written.
pub(super) fn compare(
    original: &Original,
    places: &[StorePlace],
    source: &str,
    newest: u64,
) -> Result<()> {
    for place in places {
        let found = apart(|| head(place, &original.feed, &original.keys))?;
        match found {
            Ok(None) => {}
            Ok(Some(found)) if found.source != source => bail!(
                "the feed in `{place}` is of `{}`, and this store is `{source}`; name another place",
                found.source
            ),
            Ok(Some(found)) if found.revision > newest => bail!(
                "the feed in `{place}` holds revision {}, {RESTORED}",
                found.revision
            ),
            Ok(Some(_)) => {}
            Err(error) => tracing::warn!(
                error = format!("{error:#}"),
                "a mirror cannot be compared with the store yet"
            ),
        }
    }
    Ok(())
}

/// Starts to write them. The publisher wakes them when the feed has something new.
pub(super) fn start(
    original: &Original,
    places: &[StorePlace],
    standing: &Arc<Standing>,
) -> Result<Mirrors> {
    for folder in places.iter().filter_map(StorePlace::folder) {
        // If a volume is not mounted, its folder is not made, and the mirror lags.
        if folder.parent().is_some_and(Path::is_dir) {
            make(folder)?;
        }
    }
    let standing = Arc::clone(standing);
    let tell = move |place: &StorePlace, event: Event<'_>| tell(&standing, place, &event);
    let mirrors = apart(|| Mirrors::start(original, places, tell))??;
    // They may lack what an earlier process published.
    mirrors.wake();
    Ok(mirrors)
}

fn tell(standing: &Standing, place: &StorePlace, event: &Event<'_>) {
    let mirror = place.to_string();
    match event {
        Event::Again => tracing::info!(mirror, "the mirror holds what the feed holds again"),
        Event::Behind(error) => tracing::error!(
            mirror,
            error = format!("{error:#}"),
            "the mirror is left behind"
        ),
        Event::Noted(Mirrored::Same { uncollected, .. }) => tracing::warn!(
            mirror,
            why = uncollected.as_deref(),
            "what no head names any more was not removed"
        ),
        // A trusted key signed its head, so this is more than a claim.
        Event::Noted(Mirrored::Ahead { is_later: true }) => standing.is_behind(&format!(
            "the feed in `{mirror}` leads to a higher revision than this server's"
        )),
        Event::Noted(Mirrored::Ahead { is_later: false }) => tracing::warn!(
            mirror,
            "the mirror's head was signed later than the feed's: the clock was set back"
        ),
    }
}

/// Runs a blocking function, which may end its own runtime, on a thread without a runtime.
pub(super) fn apart<T: Send>(act: impl FnOnce() -> T + Send) -> Result<T> {
    thread::scope(|scope| {
        let joined = scope.spawn(act).join();
        joined.ok().context("the thread of a mirror panicked")
    })
}

/// Reads everything that the mirror holds.
pub(super) fn held(
    place: &StorePlace,
    feed: &str,
    keys: &[PublicKey],
    profile: &Profile,
) -> Result<Option<Present>> {
    let read = || {
        let store = place.open()?;
        let reader = Reader {
            store: &*store,
            feed,
            keys,
            profile,
            cache: None,
        };
        reader.read(None)
    };
    apart(read)?.with_context(|| {
        format!(
            "`{place}` cannot be compared; a mirror that is gone is to be taken out of `feed.mirrors`"
        )
    })
}
