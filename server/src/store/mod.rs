//! The store: accounts, keys and what was done with them, in SQLite. Every change is one
//! transaction: what it reads, the records it writes, the counters, its rows in the trail, the
//! answer that is kept for a repetition, and the head. A change that was acknowledged is on the
//! disk.

pub mod activity;
mod api_cache;
mod apply;
mod backup;
mod ballast;
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
mod idempotency;
mod inspection;
pub mod lists;
mod migrate;
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
use std::time::Duration;

use tokio::sync::oneshot;

pub use apply::Applied;
pub use backup::backup;
pub use check::Finding;
pub use counters::Count;
pub use error::{Result, StoreError};
pub use folder::{Folder, database_in};
pub use head::Head;
pub use idempotency::{Answer, Remembered};
pub use inspection::Inspection;
pub use reader::Reader;
pub use records::Origin;
pub use records::accounts::StoredAccount;
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
use readers::Readers;
use writer::{Change, Urgency, Writer};

/// How much room is kept for ends.
pub const BALLAST: u64 = 64 * 1024 * 1024;

/// How a store is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The time, Unix seconds: new steps of the schema are dated.
    pub now: u64,
    /// How much room is kept for ends: [`BALLAST`], or twice the snapshot where that is more.
    pub ballast: u64,
    /// Whether nothing but ends is taken.
    pub ends_only: bool,
}

impl Options {
    /// With as much ballast as it usually has.
    #[must_use]
    pub fn at(now: u64) -> Self {
        Self {
            now,
            ballast: BALLAST,
            ends_only: false,
        }
    }

    /// With twice the room that these files take, where that is more: a publication writes each of
    /// them once more before the old one goes.
    #[must_use]
    pub fn beside<'a>(self, files: impl Iterator<Item = &'a Path>) -> Self {
        let sizes = files.filter_map(|file| Some(std::fs::metadata(file).ok()?.len()));
        let twice = sizes.fold(0, u64::saturating_add).saturating_mul(2);
        Self {
            ballast: self.ballast.max(twice),
            ..self
        }
    }

    /// For ends, and nothing else.
    #[must_use]
    pub fn ends_only(self) -> Self {
        Self {
            ends_only: true,
            ..self
        }
    }
}

/// A handle to the store. Its copies are the same store, which closes with the last of them.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

/// Fields are dropped in this order: the lock on the folder goes last.
struct Shared {
    writer: Writer,
    readers: Readers,
    ballast: Arc<Ballast>,
    folder: Folder,
}

impl Store {
    /// Makes a new store in `path`, of that name. Refused where there is one.
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

    /// Opens the store in `path`, and brings its schema to this version's.
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
        Ok(Self {
            shared: Arc::new(Shared {
                writer: Writer::start(
                    connection,
                    Arc::clone(&api),
                    Arc::clone(&ballast),
                    options.ends_only,
                )?,
                readers: Readers::start(&database, &api)?,
                ballast,
                folder,
            }),
        })
    }

    /// Carries out a change that adds or alters something. An `Err` takes back this change only.
    ///
    /// The closure may run more than once, and what counts is the last time.
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

    /// Carries out a change that ends something. It takes the room that is kept for ends, where the
    /// disk has no other.
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
        change: impl FnMut(&mut Tx<'_>) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (change, answer) = Change::new(urgency, change);
        self.shared.writer.send(Box::new(change))?;
        answer.await.unwrap_or_else(|_| Err(gone().into()))
    }

    /// Reads one state of the store. A read that takes longer than a second is ended.
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

    /// Reads one state of the store, for as long as that takes: exports, checks, snapshots.
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
        let read = move |reader: &Reader<'_>| {
            let _ = reply.send(read(reader));
        };
        self.shared.readers.send(Box::new(read), longest)?;
        answer.await.unwrap_or_else(|_| Err(gone().into()))
    }

    /// Whether the room for ends was given away and is not kept again: additions are refused.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.shared.ballast.is_missing()
    }

    /// Gives the room for ends away: an end that is committed must also reach the gateways.
    pub fn give_room(&self) {
        self.shared.ballast.release();
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
