//! The mirrors of a feed, kept up to date: a thread for each, so that a slow one delays neither the feed nor another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Error, Result};
use keyward::signify::PublicKey;

use super::mirror::{Mirror, Mirrored};
use super::store::{FeedStore, StorePlace};
use crate::clock::now;

/// How long to wait before a mirror that failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What all mirrors of a feed have in common.
#[derive(Clone, Debug)]
pub struct Original {
    /// Where the feed is.
    pub from: StorePlace,
    /// Its name.
    pub feed: String,
    /// The keys whose heads are accepted.
    pub keys: Vec<PublicKey>,
    /// For how many seconds objects stay after the last head that named them.
    pub retain: u64,
}

impl Original {
    /// Makes a mirror hold what the feed holds now.
    pub fn copy(&self, to: &dyn FeedStore, now: u64) -> Result<Mirrored> {
        let from = self.from.open()?;
        let mirror = Mirror {
            from: &*from,
            to,
            feed: &self.feed,
            keys: &self.keys,
            retain: self.retain,
            now,
        };
        mirror.run()
    }
}

/// What a thread reports of its mirror.
#[derive(Debug)]
pub enum Event<'a> {
    /// It is like the feed, but unused objects were not removed; or it is ahead of the feed.
    Noted(&'a Mirrored),
    /// The mirror equals the feed again, after it lagged.
    Again,
    /// The mirror lags. Reported once; the mirror is tried again until it equals the feed.
    Behind(&'a Error),
}

/// All mirrors of a feed.
pub struct Mirrors(Vec<One>);

struct One {
    wake: Sender<()>,
    is_behind: Arc<AtomicBool>,
}

impl Mirrors {
    /// Starts the threads, which end with the value. A mirror is opened when it is first written, and again after a failure.
    pub fn start(
        original: &Original,
        places: &[StorePlace],
        tell: impl Fn(&StorePlace, Event<'_>) + Clone + Send + 'static,
    ) -> Result<Self> {
        let mut all = Vec::new();
        for place in places {
            let (wake, woken) = channel();
            let is_behind = Arc::new(AtomicBool::new(true));
            let (original, place, tell) = (original.clone(), place.clone(), tell.clone());
            let flag = Arc::clone(&is_behind);
            let follow = move || {
                follow(&original, &place, &woken, &flag, |event| {
                    tell(&place, event)
                });
            };
            thread::Builder::new()
                .name("mirror".to_owned())
                .spawn(follow)?;
            all.push(One { wake, is_behind });
        }
        Ok(Self(all))
    }

    /// There is something new, or a mirror may lack what an earlier process published.
    pub fn wake(&self) {
        for one in &self.0 {
            one.is_behind.store(true, Ordering::Relaxed);
            // A thread that ended has reported why.
            let _ = one.wake.send(());
        }
    }

    /// How many mirrors do not have the publication yet.
    #[must_use]
    pub fn behind(&self) -> u64 {
        let behind = self
            .0
            .iter()
            .filter(|one| one.is_behind.load(Ordering::Relaxed));
        u64::try_from(behind.count()).unwrap_or(u64::MAX)
    }
}

/// Copies whenever it is woken, and again after a failure, until the owner ends.
fn follow(
    original: &Original,
    place: &StorePlace,
    woken: &Receiver<()>,
    is_behind: &AtomicBool,
    tell: impl Fn(Event<'_>),
) {
    let (mut has_failed, mut opened) = (false, None);
    loop {
        let next = match has_failed {
            true => woken.recv_timeout(AGAIN),
            false => woken.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        if next == Err(RecvTimeoutError::Disconnected) {
            return;
        }
        // One copy covers everything that came meanwhile.
        while woken.try_recv().is_ok() {}
        is_behind.store(true, Ordering::Relaxed);
        let to = opened.take().map_or_else(|| place.open(), Ok);
        let copied = to.and_then(|to| {
            let copied = original.copy(&*to, now())?;
            opened = Some(to);
            Ok(copied)
        });
        // What was published meanwhile wakes it again. A mirror whose head was signed later does not
        // take the feed's.
        let lags = matches!(copied, Err(_) | Ok(Mirrored::Ahead { is_later: false }));
        is_behind.store(lags, Ordering::Relaxed);
        match copied {
            Ok(Mirrored::Same {
                uncollected: None, ..
            }) => {
                if has_failed {
                    tell(Event::Again);
                }
                has_failed = false;
            }
            Ok(noted @ (Mirrored::Same { .. } | Mirrored::Ahead { .. })) => {
                has_failed = false;
                tell(Event::Noted(&noted));
            }
            Err(error) => {
                if !has_failed {
                    tell(Event::Behind(&error));
                }
                has_failed = true;
            }
        }
    }
}
