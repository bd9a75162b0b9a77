//! The store: accounts, keys and the record of what was done with them, in SQLite. Every change is
//! one transaction, with what it reads, the records it writes, the counters, its rows in the trail,
//! the answer that is stored for repeated requests, and the head. An acknowledged change is on the
//! disk.

mod account_tree;
pub mod activity;
mod api_cache;
mod apply;
mod backup;
mod ballast;
mod changes;
mod check;
mod columns;
mod counters;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod differential;
mod error;
mod facts;
mod folder;
#[cfg(test)]
mod full;
mod head;
mod holding;
mod idempotency;
mod inspection;
mod line;
pub mod lists;
mod migrate;
mod places;
mod reader;
mod readers;
mod records;
mod scope;
mod settings;
mod snapshot;
mod transaction;
#[cfg(test)]
mod trap;
mod trial;
mod words;
mod writer;

#[cfg(test)]
pub(crate) mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

pub use apply::Applied;
pub use backup::backup;
pub use changes::{Changes, Part};
pub use check::Finding;
pub use counters::Count;
pub use error::{Result, StoreError};
pub use folder::{Folder, database_in};
pub use head::Head;
pub use holding::{Holds, while_holds};
pub use idempotency::{Answer, Remembered};
pub use inspection::Inspection;
pub use reader::Reader;
pub use records::Origin;
pub use records::accounts::StoredAccount;
pub(crate) use records::documents::asked_by;
pub use records::documents::{DocumentName, StoredDocument};
pub use records::gateways::StoredVm;
pub use records::keys::StoredKey;
pub use records::policies::StoredPolicy;
pub use records::sessions::{By, Opening, SessionAt, SessionKind, StoredSession};
pub use records::sets::StoredSet;
pub use scope::Scope;
pub use snapshot::{Records, Snapshot};
pub use transaction::Tx;

use api_cache::ApiCache;
use ballast::Ballast;
use holding::Question;
use line::Urgency;
use readers::Readers;
use writer::{Change, Writer};

/// The number of bytes that are reserved for ends.
pub const BALLAST: u64 = 64 * 1024 * 1024;

/// How a store is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The time, in Unix seconds, for new steps of the schema.
    pub now: u64,
    /// The number of bytes that are reserved for ends: [`BALLAST`], or twice the snapshot's size if
    /// that is more.
    pub ballast: u64,
    /// Whether only ends are accepted.
    pub ends_only: bool,
}

impl Options {
    /// Returns the default options, with the usual ballast.
    #[must_use]
    pub fn at(now: u64) -> Self {
        Self {
            now,
            ballast: BALLAST,
            ends_only: false,
        }
    }

    /// Reserves twice the size of these files, if that is more: a publication writes each of them
    /// again before the old one is removed.
    #[must_use]
    pub fn beside<'a>(self, files: impl Iterator<Item = &'a Path>) -> Self {
        let sizes = files.filter_map(|file| Some(std::fs::metadata(file).ok()?.len()));
        let twice = sizes.fold(0, u64::saturating_add).saturating_mul(2);
        Self {
            ballast: self.ballast.max(twice),
            ..self
        }
    }

    /// Accepts only ends.
    #[must_use]
    pub fn ends_only(self) -> Self {
        Self {
            ends_only: true,
            ..self
        }
    }
}

/// A handle to the store. Its clones are the same store, which closes with the last of them.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

/// Fields are dropped in this order, with the lock on the folder last.
struct Shared {
    writer: Writer,
    readers: Readers,
    ballast: Arc<Ballast>,
    ends_only: Arc<AtomicBool>,
    folder: Folder,
}

impl Store {
    /// Makes a new store in `path` with this name. Fails if there already is one.
    pub fn create(path: &Path, store_id: &str, options: &Options) -> Result<Self> {
        let folder = Folder::take(path)?;
        let database = folder.database();
        if database.exists() {
            return Err(StoreError::Unavailable(format!(
                "`{}` has a store already, which was left as it is",
                path.display()
            )));
        }
        folder::make_private_file(&database)?;
        let mut connection = settings::writer(&database)?;
        migrate::migrate(&mut connection, options.now)?;
        head::make(&connection, store_id)?;
        drop(connection);
        Self::start(folder, options)
    }

    /// Opens the store in `path`, and updates its schema to this version's.
    pub fn open(path: &Path, options: &Options) -> Result<Self> {
        let is_there = database_in(path).exists();
        if !is_there {
            return Err(StoreError::Unavailable(format!(
                "no store exists in `{}`; `keyward-server init` makes one",
                path.display()
            )));
        }
        Self::start(Folder::take(path)?, options)
    }

    fn start(folder: Folder, options: &Options) -> Result<Self> {
        let database = folder.database();
        folder::make_private_file(&database)?;
        let mut connection = settings::writer(&database)?;
        migrate::migrate(&mut connection, options.now)?;
        let api = Arc::new(ApiCache::default());
        let ballast = Arc::new(Ballast::keep(folder.ballast(), options.ballast));
        let ends_only = Arc::new(AtomicBool::new(options.ends_only));
        Ok(Self {
            shared: Arc::new(Shared {
                writer: Writer::start(
                    connection,
                    Arc::clone(&api),
                    Arc::clone(&ballast),
                    Arc::clone(&ends_only),
                )?,
                readers: Readers::start(&database, &api)?,
                ballast,
                ends_only,
                folder,
            }),
        })
    }

    /// Carries out a change that adds or alters something. An `Err` rolls back only this change.
    ///
    /// The closure may run more than once, and only the last run counts.
    pub async fn write<T, E>(
        &self,
        change: impl FnMut(&mut Tx<'_>) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.change(Urgency::Addition, change).await
    }

    /// Carries out a change that ends something. It uses the reserved room if the disk has no
    /// other.
    pub async fn end<T, E>(
        &self,
        change: impl FnMut(&mut Tx<'_>) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.change(Urgency::End, change).await
    }

    async fn change<T, E>(
        &self,
        urgency: Urgency,
        mut change: impl FnMut(&mut Tx<'_>) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let question = Question::in_progress();
        let change = move |tx: &mut Tx<'_>| {
            question.ask(&tx.read())?;
            change(tx)
        };
        let (change, answer) = Change::new(urgency, change);
        self.shared.writer.send(Box::new(change)).await?;
        answer.await.unwrap_or_else(|_| Err(gone().into()))
    }

    /// Reads one state of the store. A read that takes longer than a second is interrupted.
    pub async fn read<T, E>(
        &self,
        read: impl FnOnce(&Reader<'_>) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.question(Some(readers::LONGEST), read).await
    }

    /// Reads one state of the store without a time limit: for exports, checks and snapshots.
    pub async fn read_all<T, E>(
        &self,
        read: impl FnOnce(&Reader<'_>) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.question(None, read).await
    }

    async fn question<T, E>(
        &self,
        longest: Option<Duration>,
        read: impl FnOnce(&Reader<'_>) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let question = Question::in_progress();
        let read = move |reader: &Reader<'_>| {
            let asked = question.ask(reader).map_err(E::from);
            let answer = asked.and_then(|()| read(reader));
            // The question may hold the last handle to this store, whose threads do not close it.
            drop(question);
            let _ = reply.send(answer);
        };
        self.shared.readers.send(Box::new(read), longest).await?;
        answer.await.unwrap_or_else(|_| Err(gone().into()))
    }

    /// Returns the number of the last change, which can be watched.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.writer.changes()
    }

    /// Returns whether the room for ends is not reserved at the moment, so that additions are
    /// rejected.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.shared.ballast.is_missing()
    }

    /// Releases the room for ends, because a committed end must also reach the gateways.
    pub fn give_room(&self) {
        self.shared.ballast.release();
    }

    /// From now on, takes only ends.
    pub fn take_ends_only(&self) {
        self.shared.ends_only.store(true, Ordering::SeqCst);
    }

    /// The data folder.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.shared.folder
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("no answer came back".to_owned())
}
