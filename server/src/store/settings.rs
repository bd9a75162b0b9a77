//! SQLite's settings. What an acknowledgement promises depends on them, so each setting is read
//! back, and a store with other settings is not served.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::{Result, StoreError};

/// `KWRD`, which identifies the database to `file` and other programs.
pub(super) const APPLICATION_ID: i64 = 0x4b57_5244;

/// Each setting, and the value that reading it returns.
const SETTINGS: [(&str, &str, &str); 9] = [
    ("journal_mode", "WAL", "wal"),
    // Every COMMIT is on the disk before it returns.
    ("synchronous", "FULL", "2"),
    ("foreign_keys", "ON", "1"),
    ("trusted_schema", "OFF", "0"),
    ("busy_timeout", "5000", "5000"),
    ("temp_store", "MEMORY", "2"),
    ("cache_size", "-65536", "-65536"),
    ("journal_size_limit", "67108864", "67108864"),
    ("wal_autocheckpoint", "2000", "2000"),
];

/// An additional setting of a reader, which never writes.
const OF_READERS: (&str, &str, &str) = ("query_only", "ON", "1");

/// Opens the only connection that writes.
pub(super) fn writer(path: &Path) -> Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    set(&connection, &SETTINGS)?;
    Ok(connection)
}

/// Opens a connection that reads.
pub(super) fn reader(path: &Path) -> Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    // The journal mode belongs to the database, and a reader cannot set it.
    let own: Vec<_> = SETTINGS
        .into_iter()
        .filter(|(name, _, _)| *name != "journal_mode")
        .chain([OF_READERS])
        .collect();
    set(&connection, &own)?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // Statements of lists differ by their filters, and each is compiled only once.
    connection.set_prepared_statement_cache_capacity(256);
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}

fn set(connection: &Connection, settings: &[(&str, &str, &str)]) -> Result<()> {
    for (name, wanted, _) in settings {
        connection.pragma_update(None, name, Setting(wanted))?;
    }
    for (name, _, expected) in settings {
        let found = read(connection, name)?;
        if found != *expected {
            return Err(StoreError::Unavailable(format!(
                "SQLite has `{name}` at `{found}` where it was set to `{expected}`"
            )));
        }
    }
    Ok(())
}

/// A setting in the form that SQLite reads: `pragma_update` puts quotes around a text, and not
/// every pragma accepts a quoted number.
struct Setting<'a>(&'a str);

impl rusqlite::ToSql for Setting<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self.0.parse::<i64>() {
            Ok(number) => Ok(number.into()),
            Err(_) => Ok(self.0.into()),
        }
    }
}

/// Returns a pragma's value as text.
pub(super) fn read(connection: &Connection, name: &str) -> Result<String> {
    let value =
        connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))?;
    match value {
        rusqlite::types::Value::Integer(number) => Ok(number.to_string()),
        rusqlite::types::Value::Text(text) => Ok(text),
        rusqlite::types::Value::Null
        | rusqlite::types::Value::Real(_)
        | rusqlite::types::Value::Blob(_) => Err(StoreError::Unavailable(format!(
            "SQLite does not say what `{name}` is"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_does_not_take_a_setting_is_refused() {
        // A database in memory has no log.
        let connection = Connection::open_in_memory().unwrap();
        assert_eq!(
            set(&connection, &SETTINGS).unwrap_err().to_string(),
            "the store cannot be used: SQLite has `journal_mode` at `memory` where it was set to `wal`"
        );
    }

    #[test]
    fn every_commit_reaches_the_disk_before_it_returns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyward.db");
        std::fs::write(&path, "").unwrap();
        let connection = writer(&path).unwrap();
        assert_eq!(read(&connection, "synchronous").unwrap(), "2");
        assert_eq!(read(&connection, "journal_mode").unwrap(), "wal");
        assert_eq!(read(&connection, "foreign_keys").unwrap(), "1");
    }
}
