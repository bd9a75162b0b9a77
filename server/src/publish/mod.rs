//! From the store to the files that Envoys watch. One publication is in flight at most; what comes meanwhile goes into the next one.

mod snapshot;
mod target;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use crate::configuration::Group;
use crate::service::failure::Stored;
use crate::store::{Store, StoreError};
use crate::time;
use snapshot::Records;
use target::File;

/// How soon a change has to reach the gateways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Haste {
    /// Something ends.
    AtOnce,
    /// Something begins: what follows within a moment goes along.
    Soon,
}

/// How long the first change waits for others.
const COLLECT: Duration = Duration::from_millis(50);

/// How long a publication that failed waits to be tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Where a snapshot is issued anew though nothing changed, and its settings name no age.
const REISSUE: Duration = Duration::from_secs(3_600);

/// Whether a gateway would load a snapshot of the store as it is, and why not.
pub(crate) fn trial(
    reader: &crate::store::Reader<'_>,
    now: u64,
) -> crate::store::Result<std::result::Result<(), String>> {
    let snapshot = Records::read(reader)?.snapshot(Group::Edge, now, now);
    let text = serde_json::json!({"snapshot": snapshot}).to_string();
    let read = keyward::configuration::Configuration::from_json(text.as_bytes());
    Ok(read.map(|_| ()).map_err(|refusal| refusal.to_string()))
}

/// What gateways can have by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    /// The last change that is in it.
    pub(crate) through: u64,
    pub(crate) revision: u64,
}

/// The way to the publisher.
pub(crate) struct Publisher {
    bells: Arc<Bells>,
    state: watch::Receiver<Published>,
}

#[derive(Default)]
struct Bells {
    at_once: Notify,
    soon: Notify,
}

impl Publisher {
    /// Checks the targets, publishes what is in the store, and goes on by itself.
    pub(crate) async fn start(
        store: &Store,
        targets: &[crate::configuration::Target],
    ) -> Result<Self> {
        let head = head(store).await?;
        let files: Result<Vec<File>> = targets
            .iter()
            .map(|target| File::open(&target.file, target.group, &head.store_id, head.revision))
            .collect();
        let bells = Arc::new(Bells::default());
        let (told, state) = watch::channel(Published {
            through: 0,
            revision: 0,
        });
        let worker = Worker {
            store: store.clone(),
            files: files?.into(),
            bells: Arc::clone(&bells),
            told,
        };
        let begun = worker.publish().await;
        if let Err(error) = &begun {
            // Such as a full disk. What is to end is ended nevertheless, and published as soon as that works.
            failed(error);
        }
        tokio::spawn(worker.run(begun.is_ok()));
        Ok(Self { bells, state })
    }

    /// Says that there is a change.
    pub(crate) fn wake(&self, haste: Haste) {
        match haste {
            Haste::AtOnce => self.bells.at_once.notify_one(),
            Haste::Soon => self.bells.soon.notify_one(),
        }
    }

    /// What is published now.
    pub(crate) fn state(&self) -> Published {
        *self.state.borrow()
    }

    /// Waits until a change is published, and no longer than that.
    pub(crate) async fn wait(&self, change: u64, longest: Duration) {
        let mut state = self.state.clone();
        let reached = state.wait_for(|published| published.through >= change);
        // Whether it was reached is in the answer.
        let _ = timeout(longest, reached).await;
    }
}

/// Writes the first snapshot of a new store.
pub(crate) async fn first(store: &Store, file: &Path, template: &Path) -> Result<()> {
    let head = head(store).await?;
    let file = File::make(file, template, &head.store_id)?;
    let (told, _state) = watch::channel(Published {
        through: 0,
        revision: 0,
    });
    let worker = Worker {
        store: store.clone(),
        files: Arc::new([file]),
        bells: Arc::default(),
        told,
    };
    worker.publish().await
}

async fn head(store: &Store) -> Result<crate::store::Head> {
    let head: std::result::Result<_, StoreError> = store.read(|reader| reader.head()).await;
    Ok(head?)
}

fn failed(error: &anyhow::Error) {
    tracing::error!(
        error = format!("{error:#}"),
        "the snapshot was not published"
    );
}

struct Worker {
    store: Store,
    files: Arc<[File]>,
    bells: Arc<Bells>,
    told: watch::Sender<Published>,
}

impl Worker {
    async fn run(self, mut is_published: bool) {
        loop {
            if is_published {
                self.something_to_do().await;
            } else {
                sleep(AGAIN).await;
            }
            let published = self.publish().await;
            is_published = published.is_ok();
            if let Err(error) = &published {
                // What gateways have stays as it is, and the change stays `committed`.
                failed(error);
            }
        }
    }

    async fn something_to_do(&self) {
        let reissue = self.files.iter().filter_map(File::reissue).min();
        tokio::select! {
            () = self.bells.at_once.notified() => {}
            () = self.bells.soon.notified() => {
                tokio::select! {
                    () = self.bells.at_once.notified() => {}
                    () = sleep(COLLECT) => {}
                }
            }
            () = sleep(reissue.unwrap_or(REISSUE)) => {}
        }
    }

    /// The revision is taken before the file is written: no file ever holds one that the store does not know. A target that cannot be written, such as one on a full disk, keeps
    /// no other from it.
    async fn publish(&self) -> Result<()> {
        let now = time::now();
        let revision: std::result::Result<u64, StoreError> =
            self.store.end(move |tx| tx.next_revision(now)).await;
        let revision = revision.context("no revision")?;
        let records: std::result::Result<Records, Stored> = self
            .store
            .read_all(|reader| Ok(Records::read(reader)?))
            .await;
        let records =
            records.map_err(|error| anyhow::anyhow!("the store cannot be read: {error:?}"))?;
        let through = records.through;
        let files = Arc::clone(&self.files);
        tokio::task::spawn_blocking(move || -> Result<()> {
            let written = files.iter().map(|file| {
                let snapshot = records.snapshot(file.group(), revision, now);
                file.write(&snapshot, now)
            });
            // All of them are tried, and then the first that failed is told.
            let written: Vec<Result<()>> = written.collect();
            written.into_iter().collect()
        })
        .await??;
        tracing::info!(revision, through, "published");
        let _ = self.told.send_replace(Published { through, revision });
        Ok(())
    }
}

impl Group {
    /// Whether its gateways let people through to the pages, who have no key.
    pub(crate) fn has_pages(self) -> bool {
        match self {
            Self::Edge => false,
            Self::Control => true,
        }
    }

    /// Whether the snapshot lists the versions that the API serves. Stripe's preview SDKs send versions that no API lists.
    pub(crate) fn lists_versions(self) -> bool {
        match self {
            Self::Edge => true,
            Self::Control => false,
        }
    }
}

#[cfg(test)]
mod tests;
