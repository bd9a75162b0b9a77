//! A task that publishes: one writes the feeds, and another the files, which takes longer the more keys there are.

use std::cell::Cell;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use keyward_files::feed::Numbering;
use keyward_files::key_file::Issue;
use tokio::sync::watch;
use tokio::time::sleep;

use super::standing::Standing;
use super::target::File;
use super::{Bells, Haste, Kind, Manner, Published, Pulse, State, failed, feed, lead};
use crate::store::{Changes, Reader, Records, Store, StoreError, Tx};
use crate::time;

/// How long the first change waits for others.
const COLLECT: Duration = Duration::from_millis(50);

/// How long the publisher waits before it retries a failed publication.
const AGAIN: Duration = Duration::from_secs(1);

/// How often a snapshot is issued again without a change, if its settings set no age.
const REISSUE: Duration = Duration::from_secs(3_600);

/// What it works with.
pub(super) struct Worker {
    pub(super) store: Store,
    pub(super) files: Arc<[File]>,
    pub(super) feeds: Arc<[feed::Feed]>,
    pub(super) bells: Arc<Bells>,
    pub(super) kind: Kind,
    pub(super) told: watch::Sender<State>,
    pub(super) manner: Manner,
    /// The last publication.
    pub(super) book: Option<Records>,
    pub(super) standing: Arc<Standing>,
    pub(super) pulse: Arc<Pulse>,
}

impl Worker {
    /// `unpublished` is what was not published at the start.
    pub(super) async fn run(mut self, unpublished: Option<Haste>) {
        let mut unpublished = unpublished;
        let mut is_first = true;
        loop {
            let haste = match unpublished {
                None => self.something_to_do().await,
                Some(haste) if is_first => haste,
                Some(haste) => {
                    tokio::select! {
                        () = self.bells.at_once.notified() => Haste::AtOnce,
                        () = sleep(AGAIN) => haste,
                    }
                }
            };
            is_first = false;
            if self.standing.restored().is_some() {
                // Only a new start after `resume` publishes again.
                return self.pulse.ended(false, Duration::ZERO);
            }
            let published = self.publish(haste).await;
            // Gateways keep what they have, and the change stays `committed`.
            unpublished = published.inspect_err(failed).is_err().then_some(haste);
        }
    }

    async fn something_to_do(&self) -> Haste {
        let files = self.files.iter().filter_map(File::reissue);
        let reissue = files
            .chain(self.feeds.iter().map(feed::Feed::reissue))
            .min();
        tokio::select! {
            () = self.bells.at_once.notified() => Haste::AtOnce,
            () = self.bells.soon.notified() => {
                tokio::select! {
                    () = self.bells.at_once.notified() => Haste::AtOnce,
                    () = sleep(COLLECT) => Haste::Soon,
                }
            }
            // Without a new snapshot, gateways deny everything after a while.
            () = sleep(reissue.unwrap_or(REISSUE)) => Haste::AtOnce,
        }
    }

    /// The current records. They stay in memory, and the publisher reads only what has changed since the last time.
    async fn records(&mut self) -> Result<(Records, Changes)> {
        // If this fails, or does not return, the next call reads it again.
        let book = self.book.take();
        let read = move |reader: &Reader<'_>| {
            let mut records = book.unwrap_or_default();
            let changes = records.advance(reader)?;
            Ok((records, changes))
        };
        let read: std::result::Result<_, StoreError> = self.store.read_all(read).await;
        read.context("the store cannot be read")
    }

    /// The publisher takes the revision before it writes the file: no file ever contains one that the store does not know.
    /// A target that cannot be written, such as one on a full disk, stops no other target. Only urgent changes use the room that is kept for ends.
    pub(super) async fn publish(&mut self, haste: Haste) -> Result<()> {
        let now = time::now();
        let began = Instant::now();
        let published = self.attempt(haste, now).await;
        self.pulse.ended(published.is_ok(), began.elapsed());
        published
    }

    async fn attempt(&mut self, haste: Haste, now: u64) -> Result<()> {
        let (numbering, least) = match self.standing.is_compared() {
            true => (Numbering::ByTime, now),
            false => (Numbering::ByOne, 0),
        };
        let ahead = self.pulse.clock(now);
        let next = move |tx: &mut Tx<'_>| tx.next_revision(least);
        let revision: std::result::Result<u64, StoreError> = match (self.manner, haste) {
            (Manner::Snapshot, Haste::AtOnce) => self.store.end(next).await,
            (Manner::Snapshot, Haste::Soon) => self.store.write(next).await,
            // A restored store keeps its lower revision: otherwise a later start would lead its targets back.
            (Manner::Ends, _) => self.store.read(|reader| Ok(reader.head()?.revision)).await,
        };
        let revision = revision.context("no revision")?;
        let began = Instant::now();
        let (records, changes) = self.records().await?;
        let (through, read) = (records.through(), began.elapsed());
        let (files, feeds) = (Arc::clone(&self.files), Arc::clone(&self.feeds));
        let store = self.store.clone();
        let written = tokio::task::spawn_blocking(move || {
            let issue = Issue {
                revision,
                issued_at: now,
                may_be_empty: true,
            };
            let with_room = |write: &dyn Fn() -> Result<()>| match write() {
                Err(error) if haste == Haste::AtOnce && wants_room(&error) => {
                    // A key has not ended until the gateways know it.
                    store.give_room();
                    write()
                }
                written => written,
            };
            let so_far = Cell::new(feed::Written::default());
            let to_feeds = feeds.iter().map(|feed| {
                let edition = lead::Edition {
                    revision,
                    now,
                    through,
                    numbering,
                    ahead,
                };
                with_room(&|| {
                    let written = feed.write(&records, &changes, &issue, edition)?;
                    so_far.set(so_far.get().and(written));
                    Ok(())
                })
            });
            let to_files = files.iter().map(|file| {
                let snapshot = file.group().snapshot(&records, &issue);
                with_room(&|| file.write(snapshot, &issue))
            });
            // It tries all of them, and then reports the first failure.
            let written: Vec<Result<()>> = to_feeds.chain(to_files).collect();
            let written: Result<()> = written.into_iter().collect();
            (written.map(|()| so_far.get()), records)
        });
        let (written, records) = written.await?;
        self.book = Some(records);
        let written = written?;
        if written.wants_whole {
            self.bells.soon.notify_one();
        }
        tracing::info!(
            revision,
            through,
            read_ms = milliseconds(read),
            all_ms = milliseconds(began.elapsed()),
            targets = ?self.kind,
            whole = written.is_whole || self.feeds.is_empty(),
            "published"
        );
        let published = Published { through, revision };
        self.told
            .send_modify(|state| *state.of(self.kind) = Some(published));
        Ok(())
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Whether free space on the disk could help.
fn wants_room(error: &anyhow::Error) -> bool {
    let mut causes = error.chain();
    causes.any(|cause| {
        let error = cause.downcast_ref::<std::io::Error>();
        error.is_some_and(|error| error.kind() == ErrorKind::StorageFull)
    })
}
