//! Grant sets. They are the operator's, and no tenant's.

use rusqlite::{Connection, OptionalExtension, params};

use keyward::management::Granted;

use super::{Origin, granted};
use crate::store::columns::{canonical, signed, unsigned};
use crate::store::error::Result;

/// A grant set, and what the store knows of its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSet {
    /// Its name.
    pub name: String,
    /// Its permissions.
    pub granted: Granted,
    /// Where it came from.
    pub source: String,
    /// How often it was changed, and once more.
    pub version: u64,
    /// The last change of it.
    pub changed: u64,
}

/// All sets, in the order of their making, or the one of that name.
pub(in crate::store) fn read(
    connection: &Connection,
    name: Option<&str>,
) -> Result<Vec<StoredSet>> {
    let mut statement = connection.prepare_cached(
        "SELECT name, permissions, source, version, changed FROM grant_sets
         WHERE ?1 IS NULL OR name = ?1 ORDER BY seq",
    )?;
    let mut rows = statement.query([name])?;
    let mut sets = Vec::new();
    while let Some(row) = rows.next()? {
        sets.push(StoredSet {
            name: row.get(0)?,
            granted: granted::from_text(&row.get::<_, String>(1)?)?,
            source: row.get(2)?,
            version: unsigned(row.get(3)?)?,
            changed: unsigned(row.get(4)?)?,
        });
    }
    Ok(sets)
}

/// Some key that follows the set, deleted ones too.
pub(in crate::store) fn user(connection: &Connection, name: &str) -> Result<Option<String>> {
    Ok(connection
        .prepare_cached(
            "SELECT id FROM keys WHERE grant_set = ?1
             UNION ALL SELECT id FROM keys WHERE connect_grant_set = ?1 LIMIT 1",
        )?
        .query_row([name], |row| row.get(0))
        .optional()?)
}

/// How many keys follow the set, on either side.
pub(in crate::store) fn uses(connection: &Connection, name: &str) -> Result<u64> {
    unsigned(
        connection
            .prepare_cached(
                "SELECT count(*) FROM (SELECT seq FROM keys WHERE grant_set = ?1
                 UNION SELECT seq FROM keys WHERE connect_grant_set = ?1)",
            )?
            .query_row([name], |row| row.get(0))?,
    )
}

/// The owners of the keys that follow the set.
pub(in crate::store) fn owners(connection: &Connection, name: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT owner FROM keys WHERE grant_set = ?1
         UNION SELECT owner FROM keys WHERE connect_grant_set = ?1",
    )?;
    let owners = statement.query_map([name], |row| row.get(0))?;
    Ok(owners.collect::<rusqlite::Result<_>>()?)
}

/// Makes a set, or gives it other permissions.
pub(in crate::store) fn put(
    connection: &Connection,
    name: &str,
    granted: &Granted,
    number: u64,
    origin: &Origin<'_>,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO grant_sets (name, seq, permissions, source, version, changed) VALUES (?1, ?2, ?3, ?4, 1, ?2)
             ON CONFLICT (name) DO UPDATE SET permissions = ?3, version = version + 1, changed = ?2",
        )?
        .execute(params![
            name,
            signed(number)?,
            canonical(&granted::to_json(granted)),
            origin.source
        ])?;
    Ok(())
}

/// Takes a set out. No key follows it.
pub(in crate::store) fn remove(connection: &Connection, name: &str) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM grant_sets WHERE name = ?1")?
        .execute([name])?;
    Ok(())
}
