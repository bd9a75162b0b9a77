//! The end of the chain: the number of rows of activity, and the digest of the last one.

use std::fmt;

use rusqlite::{Connection, OptionalExtension, params};

use super::columns::{bytes32, signed, unsigned};
use super::error::{Result, StoreError};

/// The store's last change. A note of it, kept elsewhere, shows later whether the trail was
/// rewritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last change. Numbers have no gaps.
    pub sequence: u64,
    /// The digest of the last row of activity. It is all zeros before the first one.
    pub sha256: [u8; 32],
    /// The revision of the last snapshot that was issued.
    pub revision: u64,
    /// The store's own name, which is made once. Targets contain it as `server:ID`.
    pub store_id: String,
}

impl fmt::Display for Head {
    /// Writes `SEQUENCE:SHA256`, as `audit verify --against` reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, hex::encode(self.sha256))
    }
}

/// Reads the head, or returns `None` if the store is new and has none yet.
pub(super) fn read(connection: &Connection) -> Result<Option<Head>> {
    let row = connection
        .prepare_cached("SELECT seq, sha256, revision, store_id FROM head")?
        .query_row([], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, Vec<u8>>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, String>(3)?,
            ))
        })
        .optional()?;
    let Some((sequence, sha256, revision, store_id)) = row else {
        return Ok(None);
    };
    Ok(Some(Head {
        sequence: unsigned(sequence)?,
        sha256: bytes32(&sha256)?,
        revision: unsigned(revision)?,
        store_id,
    }))
}

/// Reads the head of an existing store.
pub(super) fn require(connection: &Connection) -> Result<Head> {
    read(connection)?.ok_or_else(|| StoreError::Unavailable("it has no head".to_owned()))
}

/// Makes the head in a new store.
pub(super) fn make(connection: &Connection, store_id: &str) -> Result<()> {
    connection.execute(
        "INSERT INTO head (one, seq, sha256, revision, store_id) VALUES (1, 0, ?1, 0, ?2)",
        params![[0_u8; 32].as_slice(), store_id],
    )?;
    Ok(())
}

/// Writes the new head.
pub(super) fn write(connection: &Connection, head: &Head) -> Result<()> {
    connection
        .prepare_cached("UPDATE head SET seq = ?1, sha256 = ?2, revision = ?3")?
        .execute(params![
            signed(head.sequence)?,
            head.sha256.as_slice(),
            signed(head.revision)?
        ])?;
    Ok(())
}
