//! Stored answers, so that a repeated request is carried out only once. They are written in the
//! same transaction as the effect.

use rusqlite::{Connection, OptionalExtension, params};

use super::columns::signed;
use super::error::Result;

/// How long an answer is stored, in seconds: the window of Stripe's API v2.
const KEPT: u64 = 30 * 86_400;
/// The maximum number of answers for a principal.
const MOST: i64 = 10_000;
/// The number of old answers that are removed for each new one, so that no request has to remove
/// those of a month.
const SWEEP: i64 = 16;

/// What the store knows about an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// Nothing: the request is new.
    New,
    /// The same request has this answer.
    Same {
        /// The answer's status.
        status: u16,
        /// The answer's body, without any value of a key.
        body: String,
        /// The object that the answer shows.
        object_id: Option<String>,
    },
    /// Another request used this key.
    Other,
}

/// An answer to store. It never contains the value of a key.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The id of the key that made the request.
    pub principal: &'a str,
    /// Its `Idempotency-Key`.
    pub key: &'a str,
    /// SHA-256 of method, path, acting account, mode and body.
    pub fingerprint: &'a [u8; 32],
    /// The answer's status.
    pub status: u16,
    /// The answer's body.
    pub body: &'a str,
    /// The object that it shows. The answer is repeated only as long as the caller may read this
    /// object.
    pub object_id: Option<&'a str>,
    /// The time, in Unix seconds.
    pub at: u64,
}

pub(super) fn find(
    connection: &Connection,
    principal: &str,
    key: &str,
    fingerprint: &[u8; 32],
    now: u64,
) -> Result<Remembered> {
    let oldest = signed(now.saturating_sub(KEPT))?;
    let found = connection
        .prepare_cached(
            "SELECT fingerprint, status, body, object_id FROM idempotency WHERE principal = ?1 AND key = ?2 AND at > ?3",
        )?
        .query_row(params![principal, key, oldest], |row| {
            let is_same = row.get::<_, Vec<u8>>(0)? == fingerprint;
            if !is_same {
                return Ok(Remembered::Other);
            }
            Ok(Remembered::Same {
                status: row.get(1)?,
                body: row.get(2)?,
                object_id: row.get(3)?,
            })
        })
        .optional()?;
    Ok(found.unwrap_or(Remembered::New))
}

pub(super) fn keep(connection: &Connection, answer: &Answer<'_>) -> Result<bool> {
    let oldest = signed(answer.at.saturating_sub(KEPT))?;
    let swept = sweep(connection, answer.principal, answer.key, oldest)?;
    let kept: i64 = connection
        .prepare_cached(
            "INSERT INTO idempotency_counts (principal, n) VALUES (?1, 0)
             ON CONFLICT (principal) DO UPDATE SET n = n - ?2 RETURNING n",
        )?
        .query_row(params![answer.principal, swept], |row| row.get(0))?;
    if kept >= MOST {
        return Ok(false);
    }
    connection
        .prepare_cached(
            "INSERT INTO idempotency (principal, key, fingerprint, status, body, object_id, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            answer.principal,
            answer.key,
            answer.fingerprint.as_slice(),
            answer.status,
            answer.body,
            answer.object_id,
            signed(answer.at)?,
        ])?;
    connection
        .prepare_cached("UPDATE idempotency_counts SET n = n + 1 WHERE principal = ?1")?
        .execute([answer.principal])?;
    Ok(true)
}

/// Removes the answer for this key if it is too old, and a few others that are. Returns how many it
/// removed.
fn sweep(connection: &Connection, principal: &str, key: &str, oldest: i64) -> Result<i64> {
    let old: rusqlite::Result<Vec<String>> = connection
        .prepare_cached("SELECT key FROM idempotency WHERE principal = ?1 AND at <= ?2 LIMIT ?3")?
        .query_map(params![principal, oldest, SWEEP], |row| row.get(0))?
        .collect();
    let mut swept = 0_i64;
    for key in old?.iter().map(String::as_str).chain([key]) {
        let gone = connection
            .prepare_cached(
                "DELETE FROM idempotency WHERE principal = ?1 AND key = ?2 AND at <= ?3",
            )?
            .execute(params![principal, key, oldest])?;
        swept = swept.saturating_add(i64::from(gone > 0));
    }
    Ok(swept)
}
