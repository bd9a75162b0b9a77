//! `--mirror`: copies of the feed elsewhere. A publication is complete when the feed has it. A
//! mirror that cannot be reached delays nothing, but is reported.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::{Arguments, say};
use crate::exit::Exit;
use keyward::signify::PublicKey;
use keyward_files::feed::{FeedStore, Mirror, Mirrored, StorePlace};

/// How long to wait before trying a failed mirror again.
const AGAIN: Duration = Duration::from_secs(1);

/// What all mirrors of a feed have in common.
#[derive(Clone)]
struct Feed {
    from: StorePlace,
    name: String,
    keys: Vec<PublicKey>,
    retain: u64,
}

impl Feed {
    fn of(arguments: &Arguments, keys: &[PublicKey]) -> Result<Self> {
        Ok(Self {
            from: arguments.to.clone(),
            name: arguments.feed.name.clone(),
            keys: keys.to_vec(),
            retain: arguments.retained(),
        })
    }

    fn copy(&self, to: &dyn FeedStore) -> Result<Mirrored> {
        let from = self.from.open()?;
        let mirror = Mirror {
            from: &*from,
            to,
            feed: &self.name,
            keys: &self.keys,
            retain: self.retain,
        };
        mirror.run()
    }
}

/// Copies to each mirror, and reports the result.
pub(super) fn once(
    arguments: &Arguments,
    keys: &[PublicKey],
    out: &mut impl Write,
) -> Result<Exit> {
    let feed = Feed::of(arguments, keys)?;
    let mut exit = Exit::Good;
    for place in &arguments.mirror {
        match place.open().and_then(|to| feed.copy(&*to)) {
            Ok(mirrored) => writeln!(out, "{}", told(place, &mirrored))?,
            Err(error) => {
                say(&format!(
                    "published, and the mirror {place} is left behind: {error:#}"
                ));
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}

fn told(place: &StorePlace, mirrored: &Mirrored) -> String {
    match mirrored {
        Mirrored::Same {
            objects,
            bytes,
            uncollected: None,
        } => format!("mirrored to {place}: {objects} objects of {bytes} bytes, and the head"),
        Mirrored::Same {
            uncollected: Some(why),
            ..
        } => format!(
            "mirrored to {place}, but objects that nobody needs any more could not be removed: {why}"
        ),
        Mirrored::Ahead => format!("{place} holds a newer head than the feed, and keeps it"),
    }
}

/// The mirrors, each with a thread, so that a slow one delays neither the feed nor another mirror.
pub(super) struct Mirrors(Vec<One>);

struct One {
    wake: Sender<()>,
    is_behind: Arc<AtomicBool>,
}

impl Mirrors {
    pub(super) fn start(arguments: &Arguments, keys: &[PublicKey]) -> Result<Self> {
        let feed = Feed::of(arguments, keys)?;
        let mut all = Vec::new();
        for place in &arguments.mirror {
            let (wake, woken) = channel();
            let is_behind = Arc::new(AtomicBool::new(true));
            let (feed, place, flag) = (feed.clone(), place.clone(), Arc::clone(&is_behind));
            let to = place.open()?;
            if !arguments.begin {
                // The mirror may lack what an earlier run published.
                let _ = wake.send(());
            }
            thread::Builder::new()
                .name("mirror".to_owned())
                .spawn(move || follow(&feed, &place, &*to, &woken, &flag))?;
            all.push(One { wake, is_behind });
        }
        Ok(Self(all))
    }

    /// Tells the mirrors that there is something new.
    pub(super) fn wake(&self) {
        for one in &self.0 {
            one.is_behind.store(true, Ordering::Relaxed);
            // A thread that ended has reported why.
            let _ = one.wake.send(());
        }
    }

    /// Returns the number of mirrors that do not have the publication yet.
    pub(super) fn behind(&self) -> u64 {
        let behind = self
            .0
            .iter()
            .filter(|one| one.is_behind.load(Ordering::Relaxed));
        u64::try_from(behind.count()).unwrap_or(u64::MAX)
    }
}

/// Copies whenever it is woken, and again after a failure, until the watcher ends.
fn follow(
    feed: &Feed,
    place: &StorePlace,
    to: &dyn FeedStore,
    woken: &Receiver<()>,
    is_behind: &AtomicBool,
) {
    let mut has_failed = false;
    loop {
        let next = match has_failed {
            true => woken.recv_timeout(AGAIN),
            false => woken.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        if next == Err(RecvTimeoutError::Disconnected) {
            return;
        }
        // One copy covers everything that was published in the meantime.
        while woken.try_recv().is_ok() {}
        is_behind.store(true, Ordering::Relaxed);
        let copied = feed.copy(to);
        // A newer publication wakes this thread again.
        is_behind.store(copied.is_err(), Ordering::Relaxed);
        match copied {
            Ok(Mirrored::Same {
                uncollected: None, ..
            }) if has_failed => {
                say(&format!("mirrored to {place} again"));
                has_failed = false;
            }
            Ok(Mirrored::Same {
                uncollected: None, ..
            }) => {}
            Ok(noted @ (Mirrored::Same { .. } | Mirrored::Ahead)) => {
                has_failed = false;
                say(&told(place, &noted));
            }
            Err(error) => {
                if !has_failed {
                    say(&format!("the mirror {place} is left behind: {error:#}"));
                }
                has_failed = true;
            }
        }
    }
}
