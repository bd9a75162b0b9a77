//! Answers that are kept, so that a request which is sent again is carried out once. They are
//! written in the transaction of the effect.

use rusqlite::{Connection, OptionalExtension, params};

use super::columns::signed;
use super::error::Result;

/// How long an answer is kept: the window of Stripe's API v2.
const KEPT: u64 = 30 * 86_400;
/// How many answers a principal has at most.
const MOST: i64 = 10_000;
/// How many old answers go for each new one, so that no request pays for a month.
const SWEEP: i64 = 16;

/// What is known of an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// Nothing: the request is new.
    New,
    /// The same request was answered so.
    Same {
        /// The answer's status.
        status: u16,
        /// The answer's body, without any value in it.
        body: String,
        /// The object that the answer shows.
        object_id: Option<String>,
    },
    /// Another request had that key.
    Other,
}

/// An answer to keep. It never holds the value of a key.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Who asked: the id of a key.
    pub principal: &'a str,
    /// Its `Idempotency-Key`.
    pub key: &'a str,
    /// SHA-256 of method, path, acting account, mode and body.
    pub fingerprint: &'a [u8; 32],
    /// The status.
    pub status: u16,
    /// The body.
    pub body: &'a str,
    /// The object that it shows: a replay is answered only while the caller may read it.
    pub object_id: Option<&'a str>,
    /// When, Unix seconds.
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

/// Takes out the answer to that key, if it is too old, and a few more that are. How many those were.
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
