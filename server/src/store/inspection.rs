//! A store that another process reads while a server may be writing: for a check, a backup or an
//! export. It takes no lock and writes nothing.

use std::path::Path;

use rusqlite::Connection;

use super::api_cache::ApiCache;
use super::check::Finding;
use super::error::{Result, StoreError};
use super::folder::database_in;
use super::reader::Reader;
use super::{migrate, settings};

/// A read-only connection to a database whose schema is this version's.
pub struct Inspection {
    connection: Connection,
    api: ApiCache,
}

impl Inspection {
    /// Opens the store in the data folder `path`.
    pub fn of_folder(path: &Path) -> Result<Self> {
        Self::of_file(&database_in(path))
    }

    /// Opens the database `path`, such as a backup.
    pub fn of_file(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(StoreError::Unavailable(format!(
                "there is no `{}`",
                path.display()
            )));
        }
        let connection = settings::reader(path)?;
        migrate::require_current(&connection)?;
        Ok(Self {
            connection,
            api: ApiCache::default(),
        })
    }

    /// Reads one state of the store.
    pub fn read<T>(&self, read: impl FnOnce(&Reader<'_>) -> Result<T>) -> Result<T> {
        self.connection.execute_batch("BEGIN")?;
        let found = read(&Reader::new(&self.connection, &self.api));
        self.connection.execute_batch("ROLLBACK")?;
        found
    }

    /// Returns every fault in the store.
    pub fn check(&self) -> Result<Vec<Finding>> {
        self.read(|reader| reader.check())
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }
}
