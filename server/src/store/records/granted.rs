//! Permissions of keys that name no set: each list of permissions is one row, which all keys with
//! this list share.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use keyward::management::{Granted, KeyGrants};
use keyward::permission::AccessLevel;

use crate::store::columns::{canonical, damaged};
use crate::store::error::Result;

/// How a key's row refers to its grants: to the row with its own permissions, or to a set by name.
pub(super) type Columns<'a> = (Option<i64>, Option<&'a str>);

/// Returns JSON with names and levels, ordered by name.
pub(in crate::store) fn to_json(granted: &Granted) -> Json {
    let members = granted.iter();
    let members: Map<String, Json> = members
        .map(|(name, level)| (name.clone(), Json::from(level.name())))
        .collect();
    Json::Object(members)
}

/// Parses the text that [`to_json`] makes.
pub(in crate::store) fn from_text(text: &str) -> Result<Granted> {
    let members: HashMap<String, String> =
        serde_json::from_str(text).map_err(|_| damaged("permissions"))?;
    let levels = members.into_iter().map(|(name, level)| {
        let level = match level.as_str() {
            "read" => AccessLevel::Read,
            "write" => AccessLevel::Write,
            _ => return Err(damaged("the level of a permission")),
        };
        Ok((name, level))
    });
    levels.collect()
}

/// Returns the columns for a key's grants. Adds a row for its permissions if no other key has the
/// same.
pub(super) fn columns<'a>(
    connection: &Connection,
    grants: Option<&'a KeyGrants>,
) -> Result<Columns<'a>> {
    match grants {
        None => Ok((None, None)),
        Some(KeyGrants::Set(name)) => Ok((None, Some(name))),
        Some(KeyGrants::Inline(granted)) => Ok((Some(intern(connection, granted)?), None)),
    }
}

fn intern(connection: &Connection, granted: &Granted) -> Result<i64> {
    let text = canonical(&to_json(granted));
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let found = connection
        .prepare_cached("SELECT id FROM grants WHERE sha256 = ?1")?
        .query_row([digest.as_slice()], |row| row.get(0))
        .optional()?;
    if let Some(id) = found {
        return Ok(id);
    }
    connection
        .prepare_cached("INSERT INTO grants (sha256, permissions) VALUES (?1, ?2)")?
        .execute(params![digest.as_slice(), text])?;
    Ok(connection.last_insert_rowid())
}

/// The rows of permissions read so far: a million keys share a few thousand.
pub(in crate::store) struct Interned<'a> {
    connection: &'a Connection,
    read: HashMap<i64, Granted>,
}

impl<'a> Interned<'a> {
    pub(in crate::store) fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            read: HashMap::new(),
        }
    }

    /// Returns the grants that the two columns stand for.
    pub(super) fn grants(
        &mut self,
        (own, set): (Option<i64>, Option<String>),
    ) -> Result<Option<KeyGrants>> {
        match (own, set) {
            (None, None) => Ok(None),
            (None, Some(name)) => Ok(Some(KeyGrants::Set(name))),
            (Some(id), None) => Ok(Some(KeyGrants::Inline(self.granted(id)?))),
            (Some(_), Some(_)) => Err(damaged("a key with two kinds of grants")),
        }
    }

    fn granted(&mut self, id: i64) -> Result<Granted> {
        if let Some(granted) = self.read.get(&id) {
            return Ok(granted.clone());
        }
        let text: String = self
            .connection
            .prepare_cached("SELECT permissions FROM grants WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?;
        let granted = from_text(&text)?;
        self.read.insert(id, granted.clone());
        Ok(granted)
    }
}
