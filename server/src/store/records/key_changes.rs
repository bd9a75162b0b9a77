//! Writes keys, together with their labels, words and counters.

use rusqlite::{Connection, params};
use serde_json::{Value as Json, json};

use keyward::management::Key;

use super::Origin;
use super::granted;
use crate::store::columns::{canonical, signed, signed_or_null};
use crate::store::counters::{self, Counted};
use crate::store::error::{Result, StoreError};
use crate::store::words::{enforcement_number, key_status_number, kind_number};

/// Adds a key, made by the change `number`. [`link`] sets its links to other keys once all keys
/// exist.
pub(in crate::store) fn add(
    connection: &Connection,
    key: &Key,
    number: u64,
    origin: &Origin<'_>,
) -> Result<()> {
    let (grants, grant_set) = granted::columns(connection, key.grants.as_ref())?;
    let (connect_grants, connect_set) = granted::columns(connection, key.connect_grants.as_ref())?;
    let number = signed(number)?;
    let added = connection
        .prepare_cached(
            "INSERT INTO keys (seq, id, sha256, owner, root, kind, livemode, value, ends_with, name, note, labels,
                grants, grant_set, connect_grants, connect_grant_set, allowed_ips, not_before, expires, status,
                enforcement, source, created, created_by, version, changed)
             SELECT ?1, ?2, ?3, id, root, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
                ?20, ?21, ?22, ?23, 1, ?1
             FROM accounts WHERE id = ?4",
        )?
        .execute(params![
            number,
            key.id,
            key.digest.as_bytes().as_slice(),
            key.owner,
            kind_number(key.kind),
            key.mode.is_live(),
            key.value,
            key.last4,
            key.name,
            key.note,
            labels(key),
            grants,
            grant_set,
            connect_grants,
            connect_set,
            allowed_ips(key),
            signed_or_null(key.not_before)?,
            signed_or_null(key.expires)?,
            key_status_number(key.status),
            enforcement_number(key.enforcement),
            origin.source,
            signed_or_null(key.created)?,
            key.created_by,
        ])?;
    expect_one(added, "keys.owner is not an account")?;
    counters::add(connection, counted(key))?;
    write_labels(connection, key, number)?;
    write_words(connection, key, number)
}

/// Updates a key.
pub(in crate::store) fn put(
    connection: &Connection,
    before: &Key,
    after: &Key,
    number: u64,
) -> Result<()> {
    let (grants, grant_set) = granted::columns(connection, after.grants.as_ref())?;
    let (connect_grants, connect_set) =
        granted::columns(connection, after.connect_grants.as_ref())?;
    let sequence: i64 = connection
        .prepare_cached(
            "UPDATE keys SET name = ?2, note = ?3, labels = ?4, grants = ?5, grant_set = ?6, connect_grants = ?7,
                connect_grant_set = ?8, allowed_ips = ?9, not_before = ?10, expires = ?11, status = ?12,
                enforcement = ?13, ends_with = ?14, created = ?15, created_by = ?16, version = version + 1,
                changed = ?17
             WHERE id = ?1 RETURNING seq",
        )?
        .query_row(
            params![
                after.id,
                after.name,
                after.note,
                labels(after),
                grants,
                grant_set,
                connect_grants,
                connect_set,
                allowed_ips(after),
                signed_or_null(after.not_before)?,
                signed_or_null(after.expires)?,
                key_status_number(after.status),
                enforcement_number(after.enforcement),
                after.last4,
                signed_or_null(after.created)?,
                after.created_by,
                signed(number)?,
            ],
            |row| row.get(0),
        )?;
    if before.status != after.status {
        counters::remove(connection, counted(before))?;
        counters::add(connection, counted(after))?;
    }
    if before.labels != after.labels {
        connection
            .prepare_cached("DELETE FROM key_labels WHERE seq = ?1")?
            .execute([sequence])?;
        write_labels(connection, after, sequence)?;
    }
    if before.labels != after.labels || before.name != after.name {
        forget_words(connection, sequence)?;
        write_words(connection, after, sequence)?;
    }
    Ok(())
}

/// Sets the links of a key to the key that it replaces and to the key that replaces it.
pub(in crate::store) fn link(connection: &Connection, key: &Key) -> Result<()> {
    let linked = connection
        .prepare_cached("UPDATE keys SET replaces = ?2, replaced_by = ?3 WHERE id = ?1")?
        .execute(params![key.id, key.replaces, key.replaced_by])?;
    expect_one(linked, "keys.id is not there")
}

/// Removes a key. Its digest is kept, so that its value cannot be used again.
pub(in crate::store) fn remove(connection: &Connection, key: &Key, at: u64) -> Result<()> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO ended_digests (sha256, at) VALUES (?1, ?2)")?
        .execute(params![key.digest.as_bytes().as_slice(), signed(at)?])?;
    let sequence: i64 = connection
        .prepare_cached("SELECT seq FROM keys WHERE id = ?1")?
        .query_row([&key.id], |row| row.get(0))?;
    forget_words(connection, sequence)?;
    connection
        .prepare_cached("DELETE FROM keys WHERE seq = ?1")?
        .execute([sequence])?;
    counters::remove(connection, counted(key))
}

fn counted(key: &Key) -> Counted<'_> {
    Counted {
        owner: &key.owner,
        kind: key.kind,
        mode: key.mode,
        status: key.status,
    }
}

fn labels(key: &Key) -> Option<String> {
    (!key.labels.is_empty()).then(|| {
        let members = key.labels.iter();
        let members = members.map(|(name, value)| (name.clone(), json!(value)));
        canonical(&Json::Object(members.collect()))
    })
}

fn allowed_ips(key: &Key) -> Option<String> {
    (!key.allowed_ips.is_empty()).then(|| canonical(&json!(key.allowed_ips)))
}

fn write_labels(connection: &Connection, key: &Key, sequence: i64) -> Result<()> {
    for (name, value) in &key.labels {
        connection
            .prepare_cached("INSERT INTO key_labels (name, value, seq) VALUES (?1, ?2, ?3)")?
            .execute(params![name, value, sequence])?;
    }
    Ok(())
}

fn write_words(connection: &Connection, key: &Key, sequence: i64) -> Result<()> {
    if key.name.is_none() && key.labels.is_empty() {
        return Ok(());
    }
    let mut words = String::new();
    for (name, value) in &key.labels {
        words.push_str(name);
        words.push(' ');
        words.push_str(value);
        words.push(' ');
    }
    connection
        .prepare_cached("INSERT INTO key_words (rowid, name, labels) VALUES (?1, ?2, ?3)")?
        .execute(params![sequence, key.name, words])?;
    Ok(())
}

fn forget_words(connection: &Connection, sequence: i64) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM key_words WHERE rowid = ?1")?
        .execute([sequence])?;
    Ok(())
}

fn expect_one(rows: usize, otherwise: &str) -> Result<()> {
    if rows == 1 {
        return Ok(());
    }
    Err(StoreError::Conflict(otherwise.to_owned()))
}
