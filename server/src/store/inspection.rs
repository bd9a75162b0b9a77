//! A store as another process looks at it: a check, a backup, an export, while a server may be
//! writing. It takes no lock and writes nothing.

use std::path::Path;

use rusqlite::Connection;

use super::api_cache::ApiCache;
use super::check::Finding;
use super::error::{Result, StoreError};
use super::folder::database_in;
use super::reader::Reader;
use super::{migrate, settings};

/// A connection that only reads, to a database of this version's schema.
pub struct Inspection {
    connection: Connection,
    api: ApiCache,
}

impl Inspection {
    /// The store in the data folder `path`.
    pub fn of_folder(path: &Path) -> Result<Self> {
        Self::of_file(&database_in(path))
    }

    /// The database `path`: a backup, say.
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

    /// Everything that is not as it has to be.
    pub fn check(&self) -> Result<Vec<Finding>> {
        self.read(|reader| reader.check())
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }
}
