//! From the store to the files that Envoys watch. At most one publication is in flight; changes that arrive meanwhile go into the next one.

mod feed;
mod group;
mod publications;
mod target;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use keyward::profile::Profile;
use keyward_files::key_file::Issue;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
#[cfg(test)]
use tokio::time::timeout;

use crate::configuration::{self, Configuration, Group};
use crate::store::{Reader, Records, Store, StoreError, Tx};
use crate::time;
pub(crate) use publications::Publications;
use target::File;
pub(crate) use target::Held;

/// How soon a change has to reach the gateways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Haste {
    /// Something ends.
    AtOnce,
    /// Something begins: changes that follow within a moment go with it.
    Soon,
}

/// How long the first change waits for others.
const COLLECT: Duration = Duration::from_millis(50);

/// How long the publisher waits before it retries a failed publication.
const AGAIN: Duration = Duration::from_secs(1);

/// How often a snapshot is issued again without a change, if its settings set no age.
const REISSUE: Duration = Duration::from_secs(3_600);

/// The contents that a target receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// The snapshot of the store.
    Snapshot,
    /// The target's current contents, with every key ended that the store ends. This revives no key, though the store is older than the target.
    Ends,
}

/// The error for a target that is ahead of the store.
const RESTORED: &str = "and the store knows none that high: it is older than what gateways serve, such as a restored backup. Nothing is published, for keys that were revoked since would work again; `keyward-server resume` ends those keys in the store, and `serve --ends-only` takes ends until then";

/// The targets of snapshots.
#[derive(Clone, Copy)]
pub(crate) struct Targets<'a> {
    /// The files that Envoys watch.
    pub(crate) files: &'a [configuration::Target],
    /// The feeds that gateways follow.
    pub(crate) feed: Option<&'a configuration::Feed>,
}

impl<'a> Targets<'a> {
    pub(crate) fn of(configuration: &'a Configuration) -> Self {
        Self {
            files: &configuration.publish,
            feed: configuration.feed.as_ref(),
        }
    }

    /// All records of this store that the targets contain.
    pub(crate) fn held(self, store_id: &str, profile: &Profile) -> Result<Vec<Held>> {
        let files = self
            .files
            .iter()
            .map(|target| target::held(target, store_id));
        let feeds = self
            .feed
            .into_iter()
            .flat_map(|feed| feed.groups.iter().map(move |group| (feed, *group)))
            .filter_map(|(feed, group)| feed::held(feed, group, store_id, profile).transpose());
        files.chain(feeds).collect()
    }
}

/// The publication that gateways can have by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    /// The last change that is in it.
    pub(crate) through: u64,
    pub(crate) revision: u64,
}

/// The handle of the publisher.
pub(crate) struct Publisher {
    bells: Arc<Bells>,
    state: watch::Receiver<Published>,
    publications: Vec<(Group, Arc<Publications>)>,
}

#[derive(Default)]
struct Bells {
    at_once: Notify,
    soon: Notify,
}

impl Publisher {
    /// Checks the targets, publishes the contents of the store, and then runs by itself.
    pub(crate) async fn start(store: &Store, targets: Targets<'_>, manner: Manner) -> Result<Self> {
        let head = head(store).await?;
        let profile = profile(store).await?;
        let profile = profile.as_ref();
        let open = |target| File::open(target, &head.store_id, head.revision, manner, profile);
        let files = targets.files.iter().map(open);
        let feeds = targets.feed.into_iter().flat_map(|feed| {
            let open =
                |group: &Group| feed::Feed::open(feed, *group, store, &head, manner, profile);
            feed.groups.iter().map(open)
        });
        let files: Vec<File> = opened(files, manner)?;
        let feeds: Vec<feed::Feed> = opened(feeds, manner)?;
        let publications = feeds
            .iter()
            .map(|feed| (feed.group(), feed.publications()))
            .collect();
        let bells = Arc::new(Bells::default());
        let (told, state) = watch::channel(Published {
            through: 0,
            revision: 0,
        });
        let mut worker = Worker {
            store: store.clone(),
            files: files.into(),
            feeds: feeds.into(),
            bells: Arc::clone(&bells),
            told,
            manner,
            book: None,
        };
        // Changes that were not published before may include ends.
        let begun = worker.publish(Haste::AtOnce).await;
        if let Err(error) = &begun {
            // Such as a full disk. The server still accepts ends, and publishes them as soon as that works.
            failed(error);
        }
        let unpublished = begun.is_err().then_some(Haste::AtOnce);
        tokio::spawn(worker.run(unpublished));
        Ok(Self {
            bells,
            state,
            publications,
        })
    }

    /// Which revisions of the feeds contain which changes, by the groups of gateways that follow them.
    pub(crate) fn publications(&self) -> &[(Group, Arc<Publications>)] {
        &self.publications
    }

    /// Notifies of each publication.
    pub(crate) fn watch(&self) -> watch::Receiver<Published> {
        self.state.clone()
    }

    /// Reports that there is a change.
    pub(crate) fn wake(&self, haste: Haste) {
        match haste {
            Haste::AtOnce => self.bells.at_once.notify_one(),
            Haste::Soon => self.bells.soon.notify_one(),
        }
    }

    /// The current publication.
    pub(crate) fn state(&self) -> Published {
        *self.state.borrow()
    }

    /// Waits until a change is published, at most that long.
    #[cfg(test)]
    pub(crate) async fn wait(&self, change: u64, longest: Duration) {
        let mut state = self.state.clone();
        let reached = state.wait_for(|published| published.through >= change);
        // The answer states whether the change got there.
        let _ = timeout(longest, reached).await;
    }
}

/// Writes the first snapshot of a new store.
pub(crate) async fn first(store: &Store, file: &Path, template: &Path) -> Result<()> {
    let head = head(store).await?;
    let profile = profile(store).await?;
    let file = File::make(file, template, &head.store_id, profile.as_ref())?;
    let (told, _state) = watch::channel(Published {
        through: 0,
        revision: 0,
    });
    let mut worker = Worker {
        store: store.clone(),
        files: Arc::new([file]),
        feeds: Arc::new([]),
        bells: Arc::default(),
        told,
        manner: Manner::Snapshot,
        book: None,
    };
    worker.publish(Haste::AtOnce).await
}

/// The profile that keys are made by.
async fn profile(store: &Store) -> Result<Option<Value>> {
    let read: std::result::Result<_, StoreError> = store.read(|reader| reader.profile()).await;
    Ok(read?)
}

async fn head(store: &Store) -> Result<crate::store::Head> {
    let head: std::result::Result<_, StoreError> = store.read(|reader| reader.head()).await;
    Ok(head?)
}

/// The opened targets. For ends it skips those that cannot be opened, so that the others receive the ends.
fn opened<T>(targets: impl Iterator<Item = Result<T>>, manner: Manner) -> Result<Vec<T>> {
    match manner {
        Manner::Snapshot => targets.collect(),
        Manner::Ends => Ok(targets
            .filter_map(|target| target.inspect_err(failed).ok())
            .collect()),
    }
}

fn failed(error: &anyhow::Error) {
    tracing::error!(
        error = format!("{error:#}"),
        "the snapshot was not published"
    );
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

struct Worker {
    store: Store,
    files: Arc<[File]>,
    feeds: Arc<[feed::Feed]>,
    bells: Arc<Bells>,
    told: watch::Sender<Published>,
    manner: Manner,
    /// The last publication.
    book: Option<Records>,
}

impl Worker {
    /// `unpublished` is the failure at the start.
    async fn run(mut self, mut unpublished: Option<Haste>) {
        loop {
            let haste = match unpublished {
                None => self.something_to_do().await,
                Some(haste) => {
                    tokio::select! {
                        () = self.bells.at_once.notified() => Haste::AtOnce,
                        () = sleep(AGAIN) => haste,
                    }
                }
            };
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
    async fn records(&mut self) -> Result<Records> {
        // If this fails, or does not return, the next call reads it again.
        let book = self.book.take();
        let read = move |reader: &Reader<'_>| {
            let mut records = book.unwrap_or_default();
            records.advance(reader)?;
            Ok(records)
        };
        let records: std::result::Result<Records, StoreError> = self.store.read_all(read).await;
        records.context("the store cannot be read")
    }

    /// The publisher takes the revision before it writes the file: no file ever contains one that the store does not know.
    /// A target that cannot be written, such as one on a full disk, stops no other target. Only urgent changes use the room that is kept for ends.
    async fn publish(&mut self, haste: Haste) -> Result<()> {
        let now = time::now();
        let next = move |tx: &mut Tx<'_>| tx.next_revision(now);
        let revision: std::result::Result<u64, StoreError> = match (self.manner, haste) {
            (Manner::Snapshot, Haste::AtOnce) => self.store.end(next).await,
            (Manner::Snapshot, Haste::Soon) => self.store.write(next).await,
            // A restored store keeps its lower revision: otherwise a later start would lead its targets back.
            (Manner::Ends, _) => self.store.read(|reader| Ok(reader.head()?.revision)).await,
        };
        let revision = revision.context("no revision")?;
        let began = Instant::now();
        let records = self.records().await?;
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
            // Those that follow the feed are many.
            let to_feeds = feeds.iter().map(|feed| {
                let snapshot = feed.group().snapshot(&records, &issue);
                with_room(&|| feed.write(snapshot, revision, now, through))
            });
            let to_files = files.iter().map(|file| {
                let snapshot = file.group().snapshot(&records, &issue);
                with_room(&|| file.write(snapshot, &issue))
            });
            // It tries all of them, and then reports the first failure.
            let written: Vec<Result<()>> = to_feeds.chain(to_files).collect();
            (written.into_iter().collect::<Result<()>>(), records)
        });
        let (written, records) = written.await?;
        self.book = Some(records);
        written?;
        tracing::info!(
            revision,
            through,
            read_ms = milliseconds(read),
            all_ms = milliseconds(began.elapsed()),
            "published"
        );
        let _ = self.told.send_replace(Published { through, revision });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
