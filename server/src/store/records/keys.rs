//! Reads keys.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params_from_iter};

use keyward::digest::KeyDigest;
use keyward::management::Key;

use super::granted::Interned;
use crate::store::columns::{bytes32, damaged, unsigned, unsigned_or_null};
use crate::store::error::Result;
use crate::store::scope::{Scope, Where};
use crate::store::words;

/// A key, with the data of its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// The change that made it, which is its place in lists.
    pub sequence: u64,
    /// The record.
    pub key: Key,
    /// The root of its owner's tree.
    pub root: String,
    /// The source of the record.
    pub source: String,
    /// Its version, which starts at 1 and rises with every change.
    pub version: u64,
    /// Its last change.
    pub changed: u64,
}

const COLUMNS: &str = "k.seq, k.id, k.sha256, k.owner, k.root, k.kind, k.livemode, k.value, \
    k.ends_with, k.name, k.note, k.labels, k.grants, k.grant_set, k.connect_grants, \
    k.connect_grant_set, k.allowed_ips, k.not_before, k.expires, k.status, k.enforcement, \
    k.replaces, k.replaced_by, k.source, k.created, k.created_by, k.version, k.changed";

/// Calls `each` with every key that matches `limits`, in the order of `tail` and at most as many as
/// it allows. The table's alias is `k`.
pub(in crate::store) fn each(
    connection: &Connection,
    limits: &Where,
    tail: &str,
    mut each: impl FnMut(StoredKey) -> Result<()>,
) -> Result<()> {
    let (conditions, values) = limits.parts();
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM keys AS k{conditions} {tail}"
    ))?;
    let mut interned = Interned::new(connection);
    let mut rows = statement.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        each(stored(row, &mut interned)?)?;
    }
    Ok(())
}

/// Returns the only key whose `column` is `value`, if it is in the scope.
pub(in crate::store) fn one(
    connection: &Connection,
    scope: &Scope,
    column: &'static str,
    value: impl Into<rusqlite::types::Value>,
) -> Result<Option<StoredKey>> {
    let mut limits = Where::new();
    limits.and_is(&format!("k.{column} ="), value);
    scope.of_keys(&mut limits);
    let mut found = None;
    each(connection, &limits, "LIMIT 1", |key| {
        found = Some(key);
        Ok(())
    })?;
    Ok(found)
}

/// Returns all keys that match `limits`.
pub(in crate::store) fn all(
    connection: &Connection,
    limits: &Where,
    tail: &str,
) -> Result<Vec<StoredKey>> {
    let mut found = Vec::new();
    each(connection, limits, tail, |key| {
        found.push(key);
        Ok(())
    })?;
    Ok(found)
}

fn stored(row: &Row<'_>, interned: &mut Interned<'_>) -> Result<StoredKey> {
    let labels: Option<String> = row.get(11)?;
    let labels: BTreeMap<String, String> = match labels {
        Some(text) => serde_json::from_str(&text).map_err(|_| damaged("keys.labels"))?,
        None => BTreeMap::new(),
    };
    let allowed_ips: Option<String> = row.get(16)?;
    let allowed_ips: Vec<String> = match allowed_ips {
        Some(text) => serde_json::from_str(&text).map_err(|_| damaged("keys.allowed_ips"))?,
        None => Vec::new(),
    };
    let key = Key {
        id: row.get(1)?,
        name: row.get(9)?,
        note: row.get(10)?,
        labels,
        created: unsigned_or_null(row.get(24)?)?,
        created_by: row.get(25)?,
        kind: words::kind(row.get(5)?)?,
        mode: words::mode(row.get(6)?),
        owner: row.get(3)?,
        grants: interned.grants((row.get(12)?, row.get(13)?))?,
        connect_grants: interned.grants((row.get(14)?, row.get(15)?))?,
        allowed_ips,
        expires: unsigned_or_null(row.get(18)?)?,
        not_before: unsigned_or_null(row.get(17)?)?,
        status: words::key_status(row.get(19)?)?,
        enforcement: words::enforcement(row.get(20)?)?,
        replaces: row.get(21)?,
        replaced_by: row.get(22)?,
        digest: KeyDigest::from_bytes(bytes32(
            row.get_ref(2)?
                .as_blob()
                .map_err(|_| damaged("keys.sha256"))?,
        )?),
        last4: row.get(8)?,
        value: row.get(7)?,
    };
    Ok(StoredKey {
        sequence: unsigned(row.get(0)?)?,
        key,
        root: row.get(4)?,
        source: row.get(23)?,
        version: unsigned(row.get(26)?)?,
        changed: unsigned(row.get(27)?)?,
    })
}
