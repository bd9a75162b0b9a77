//! Documents that exist only once: the gateway's settings, and the API's own endpoints.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value as Json;

use keyward::management::Api;
use keyward::permission::PermissionRegistry;
use keyward::profile::Profile;

use crate::profile;
use crate::store::columns::{canonical, damaged, signed, unsigned};
use crate::store::error::Result;

/// Names a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentName {
    /// The settings of the gateway, without the snapshot.
    Configuration,
    /// `api_versions`, `catalogue` and the API's own `endpoints`, as in a snapshot.
    Endpoints,
}

impl DocumentName {
    /// Returns `configuration` or `endpoints`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Endpoints => "endpoints",
        }
    }
}

/// A document, with the data of its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDocument {
    /// The content, which is an object.
    pub body: Json,
    /// Its version, which starts at 1 and rises with every change.
    pub version: u64,
    /// Its last change.
    pub changed: u64,
}

pub(in crate::store) fn read(
    connection: &Connection,
    name: DocumentName,
) -> Result<Option<StoredDocument>> {
    let found = connection
        .prepare_cached("SELECT body, version, changed FROM documents WHERE name = ?1")?
        .query_row([name.name()], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
            ))
        })
        .optional()?;
    let Some((body, version, changed)) = found else {
        return Ok(None);
    };
    Ok(Some(StoredDocument {
        body: serde_json::from_str(&body).map_err(|_| damaged("documents.body"))?,
        version: unsigned(version)?,
        changed: unsigned(changed)?,
    }))
}

pub(in crate::store) fn put(
    connection: &Connection,
    name: DocumentName,
    body: &Json,
    number: u64,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO documents (name, body, version, changed) VALUES (?1, ?2, 1, ?3)
             ON CONFLICT (name) DO UPDATE SET body = ?2, version = version + 1, changed = ?3",
        )?
        .execute(params![name.name(), canonical(body), signed(number)?])?;
    Ok(())
}

/// Returns the last change of any document. Anything derived from the documents is valid as long as
/// this does not change.
pub(in crate::store) fn changed(connection: &Connection) -> Result<i64> {
    Ok(connection
        .prepare_cached("SELECT coalesce(max(changed), 0) FROM documents")?
        .query_row([], |row| row.get(0))?)
}

/// Returns the names and permissions of the API that the keys are for.
pub(in crate::store) fn api(connection: &Connection) -> Result<Api> {
    let settings = read(connection, DocumentName::Configuration)?;
    let profile = match settings
        .as_ref()
        .and_then(|stored| stored.body.get(profile::MEMBER))
    {
        Some(members) => profile::read(members).map_err(|_| damaged("the profile in documents"))?,
        None => Profile::stripe(),
    };
    let endpoints = read(connection, DocumentName::Endpoints)?.map(|stored| stored.body);
    let endpoints = endpoints.unwrap_or_default();
    let catalogue = endpoints.get("catalogue").and_then(Json::as_str);
    let permissions = if catalogue == Some("none") {
        PermissionRegistry::without_implications()
    } else {
        PermissionRegistry::stripe()
    };
    let rows = endpoints.get("endpoints").and_then(Json::as_array);
    let asked = rows.into_iter().flatten().flat_map(asked_by);
    Ok(Api::new(profile, permissions, asked))
}

/// Returns the permissions that an endpoint names.
pub(crate) fn asked_by(endpoint: &Json) -> impl Iterator<Item = &str> {
    let one = endpoint.get("permission").and_then(Json::as_str);
    let any = endpoint.get("any_of").and_then(Json::as_array);
    let any = any.into_iter().flatten().filter_map(Json::as_str);
    one.into_iter().chain(any)
}
