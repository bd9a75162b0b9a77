//! Sessions of people: the link that opens one, and how long it is valid.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value as Json;

use crate::store::columns::{canonical, damaged, signed, unsigned, unsigned_or_null};
use crate::store::error::Result;
use crate::store::scope::{Scope, Where};

/// The kind of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// For operators.
    Console,
    /// For the people of one account.
    Portal,
}

/// A session, and the link that opens it. The store contains only digests, so a person who reads it
/// cannot open anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// The id: `cs_…` or `ps_…`.
    pub id: String,
    /// The kind.
    pub kind: SessionKind,
    /// The account whose people it is for, or `None` for operators.
    pub account: Option<String>,
    /// The role of an operator, by name.
    pub role: Option<String>,
    /// The person, as the link's maker names them: an object with `id`, `email`, `name`.
    pub actor: Json,
    /// The key, or the local user, that made the link.
    pub made_by: String,
    /// The session whose page made the link, if a page did.
    pub parent: Option<String>,
    /// When the link was made, in Unix seconds.
    pub made: u64,
    /// Until when the link can be used.
    pub link_until: u64,
    /// When the link was used.
    pub opened: Option<u64>,
    /// When a page was last requested.
    pub last_seen: Option<u64>,
    /// When the session ends at the latest.
    pub until: Option<u64>,
    /// When it was ended: by signing out, or by a revocation.
    pub ended: Option<u64>,
    /// The client's address when the link was used.
    pub address: Option<String>,
    /// The address that a portal leads back to.
    pub return_url: Option<String>,
    /// The features of a portal, by name, or `None` for all of them.
    pub features: Option<Vec<String>>,
}

/// The use of a link.
#[derive(Clone, Debug)]
pub struct Opening<'a> {
    /// The digest of the link's token.
    pub link: &'a [u8; 32],
    /// The digest of the new cookie.
    pub cookie: &'a [u8; 32],
    /// The time, in Unix seconds.
    pub now: u64,
    /// When the session ends at the latest.
    pub until: u64,
    /// The client's address.
    pub address: Option<&'a str>,
}

const COLUMNS: &str = "id, kind, account, role, actor, made_by, made, link_until, opened, last_seen, until, ended, address, return_url, features, parent";

/// Adds a session that has not been opened yet.
pub(in crate::store) fn add(
    connection: &Connection,
    session: &StoredSession,
    link: &[u8; 32],
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO sessions (id, kind, link_sha256, account, role, actor, made_by, made, link_until, return_url, features, parent)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            session.id,
            kind_number(session.kind),
            link.as_slice(),
            session.account,
            session.role,
            canonical(&session.actor),
            session.made_by,
            signed(session.made)?,
            signed(session.link_until)?,
            session.return_url,
            session.features.as_ref().map(|names| canonical(&serde_json::json!(names))),
            session.parent,
        ])?;
    Ok(())
}

/// Uses a link, in one statement: if two requests come at the same time, only one finds it unused.
pub(in crate::store) fn open(
    connection: &Connection,
    opening: &Opening<'_>,
) -> Result<Option<StoredSession>> {
    let now = signed(opening.now)?;
    connection
        .prepare_cached(&format!(
            "UPDATE sessions SET cookie_sha256 = ?2, opened = ?3, last_seen = ?3, until = ?4, address = ?5
             WHERE link_sha256 = ?1 AND opened IS NULL AND ended IS NULL AND link_until > ?3
             RETURNING {COLUMNS}"
        ))?
        .query_row(
            params![
                opening.link.as_slice(),
                opening.cookie.as_slice(),
                now,
                signed(opening.until)?,
                opening.address
            ],
            |row| Ok(read(row)),
        )
        .optional()?
        .transpose()
}

/// Ends a session or revokes its link, and all that it led to: the links that were made in it, and
/// the sessions that these opened. Returns whether the session itself was still valid.
pub(in crate::store) fn end(connection: &Connection, id: &str, now: u64) -> Result<bool> {
    let now = signed(now)?;
    let ended = connection
        .prepare_cached("UPDATE sessions SET ended = ?2 WHERE id = ?1 AND ended IS NULL")?
        .execute(params![id, now])?;
    connection
        .prepare_cached(
            "WITH RECURSIVE led_to (id) AS (
                 SELECT id FROM sessions WHERE parent = ?1
                 UNION SELECT sessions.id FROM sessions JOIN led_to ON sessions.parent = led_to.id)
             UPDATE sessions SET ended = ?2 WHERE ended IS NULL AND id IN (SELECT id FROM led_to)",
        )?
        .execute(params![id, now])?;
    Ok(ended > 0)
}

/// Ends all sessions and links that a key or a local user made.
pub(in crate::store) fn end_of_maker(connection: &Connection, maker: &str, now: u64) -> Result<()> {
    connection
        .prepare_cached("UPDATE sessions SET ended = ?2 WHERE made_by = ?1 AND ended IS NULL")?
        .execute(params![maker, signed(now)?])?;
    Ok(())
}

/// Records that a page was requested.
pub(in crate::store) fn seen(connection: &Connection, id: &str, now: u64) -> Result<()> {
    connection
        .prepare_cached("UPDATE sessions SET last_seen = max(last_seen, ?2) WHERE id = ?1")?
        .execute(params![id, signed(now)?])?;
    Ok(())
}

/// Which digest a session is looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The digest of its link's token.
    Link,
    /// The digest of its cookie.
    Cookie,
}

/// Returns the session with a digest. A person who has the token or the cookie needs no other right
/// to see it.
pub(in crate::store) fn of_digest(
    connection: &Connection,
    by: By,
    digest: &[u8; 32],
) -> Result<Option<StoredSession>> {
    let mut limits = Where::new();
    let column = match by {
        By::Link => "link_sha256 =",
        By::Cookie => "cookie_sha256 =",
    };
    limits.and_is(column, digest.to_vec());
    Ok(all(connection, &limits, "LIMIT 1")?.pop())
}

/// Returns the session with an id.
pub(in crate::store) fn one(
    connection: &Connection,
    scope: &Scope,
    id: &str,
) -> Result<Option<StoredSession>> {
    let mut limits = Where::new();
    scope.of_sessions(&mut limits);
    limits.and_is("id =", id.to_owned());
    Ok(all(connection, &limits, "LIMIT 1")?.pop())
}

/// A session's place in the list: when it was made, and its id among those of the same second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionAt {
    /// Unix seconds.
    pub made: u64,
    /// Its id.
    pub id: String,
}

impl StoredSession {
    /// Its place in the list.
    #[must_use]
    pub fn at(&self) -> SessionAt {
        SessionAt {
            made: self.made,
            id: self.id.clone(),
        }
    }
}

/// How many rows one call of [`tidy`] removes at most: the thread that writes has more to do.
const MOST_AT_ONCE: i64 = 1_000;

/// Ended before `?1`.
const OVER: &str = "made < ?1 AND (ended < ?1 OR coalesce(until, link_until) < ?1)";

/// Removes sessions, and links that were never used, that were over before `before`. How many.
pub(in crate::store) fn tidy(connection: &Connection, before: u64) -> Result<usize> {
    Ok(connection
        .prepare_cached(&format!(
            "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE {OVER} LIMIT ?2)"
        ))?
        .execute(params![signed(before)?, MOST_AT_ONCE])?)
}

/// Whether there is any to remove.
pub(in crate::store) fn has_over(connection: &Connection, before: u64) -> Result<bool> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT EXISTS (SELECT 1 FROM sessions WHERE {OVER})"
        ))?
        .query_row([signed(before)?], |row| row.get(0))?)
}

/// Sessions within some limits.
pub(in crate::store) fn all(
    connection: &Connection,
    limits: &Where,
    tail: &str,
) -> Result<Vec<StoredSession>> {
    let (conditions, values) = limits.parts();
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM sessions{conditions} {tail}"
    ))?;
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> Result<StoredSession> {
    let actor: String = row.get(4)?;
    let features: Option<String> = row.get(14)?;
    Ok(StoredSession {
        id: row.get(0)?,
        kind: kind(row.get(1)?)?,
        account: row.get(2)?,
        role: row.get(3)?,
        actor: serde_json::from_str(&actor).map_err(|_| damaged("sessions.actor"))?,
        made_by: row.get(5)?,
        made: unsigned(row.get(6)?)?,
        link_until: unsigned(row.get(7)?)?,
        opened: unsigned_or_null(row.get(8)?)?,
        last_seen: unsigned_or_null(row.get(9)?)?,
        until: unsigned_or_null(row.get(10)?)?,
        ended: unsigned_or_null(row.get(11)?)?,
        address: row.get(12)?,
        return_url: row.get(13)?,
        features: features
            .map(|text| serde_json::from_str(&text).map_err(|_| damaged("sessions.features")))
            .transpose()?,
        parent: row.get(15)?,
    })
}

/// As the store has it.
pub(in crate::store) fn kind_number(kind: SessionKind) -> i64 {
    match kind {
        SessionKind::Console => 0,
        SessionKind::Portal => 1,
    }
}

fn kind(number: i64) -> Result<SessionKind> {
    match number {
        0 => Ok(SessionKind::Console),
        1 => Ok(SessionKind::Portal),
        _ => Err(damaged("sessions.kind")),
    }
}
