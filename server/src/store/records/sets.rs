//! Grant sets. They belong to the operator, and not to a tenant.

use rusqlite::{Connection, OptionalExtension, params};

use keyward::management::{Granted, Side};

use super::{Origin, granted};
use crate::store::columns::{canonical, signed, unsigned};
use crate::store::error::Result;

/// A grant set, with the data of its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSet {
    /// Its name.
    pub name: String,
    /// Its permissions.
    pub granted: Granted,
    /// The source of the record.
    pub source: String,
    /// Its version, which starts at 1 and rises with every change.
    pub version: u64,
    /// Its last change.
    pub changed: u64,
}

/// Returns all sets ordered by creation, or the one with this name.
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

/// Returns some key that follows the set. Deleted keys count.
pub(in crate::store) fn user(connection: &Connection, name: &str) -> Result<Option<String>> {
    Ok(connection
        .prepare_cached(
            "SELECT id FROM keys WHERE grant_set = ?1
             UNION ALL SELECT id FROM keys WHERE connect_grant_set = ?1 LIMIT 1",
        )?
        .query_row([name], |row| row.get(0))
        .optional()?)
}

/// Returns how many keys follow the set, on either side.
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

/// Returns the owners of the keys that follow the set on that side.
pub(in crate::store) fn owners(
    connection: &Connection,
    name: &str,
    side: Side,
) -> Result<Vec<String>> {
    let mut statement = connection.prepare_cached(match side {
        Side::Own => "SELECT DISTINCT owner FROM keys WHERE grant_set = ?1",
        Side::Connected => "SELECT DISTINCT owner FROM keys WHERE connect_grant_set = ?1",
    })?;
    let owners = statement.query_map([name], |row| row.get(0))?;
    Ok(owners.collect::<rusqlite::Result<_>>()?)
}

/// Makes a set, or changes its permissions.
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

/// Removes a set that no key follows.
pub(in crate::store) fn remove(connection: &Connection, name: &str) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM grant_sets WHERE name = ?1")?
        .execute([name])?;
    Ok(())
}
