//! The number of keys, updated with every change, because counting a million takes too long.

use rusqlite::{Connection, params, params_from_iter};

use keyward::key::{KeyKind, Livemode};
use keyward::snapshot::KeyStatus;

use super::columns::unsigned;
use super::error::Result;
use super::scope::{Scope, Where};
use super::words::{self, key_status_number, kind_number};

/// The number of keys of one sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Their kind.
    pub kind: KeyKind,
    /// Their mode.
    pub mode: Livemode,
    /// The stored state. It counts expired keys as active.
    pub status: KeyStatus,
    /// Their number.
    pub keys: u64,
}

/// The counter that a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted<'a> {
    pub(super) owner: &'a str,
    pub(super) kind: KeyKind,
    pub(super) mode: Livemode,
    pub(super) status: KeyStatus,
}

/// Counts one more key.
pub(super) fn add(connection: &Connection, counted: Counted<'_>) -> Result<()> {
    change(connection, counted, 1)
}

/// Counts one key less.
pub(super) fn remove(connection: &Connection, counted: Counted<'_>) -> Result<()> {
    change(connection, counted, -1)
}

fn change(connection: &Connection, counted: Counted<'_>, by: i64) -> Result<()> {
    let Counted {
        owner,
        kind,
        mode,
        status,
    } = counted;
    // Subtracting needs an existing row, and the first key sets 1. A CHECK constraint ensures that
    // no count is below zero.
    connection
        .prepare_cached(
            "INSERT INTO counters (owner, kind, livemode, state, n) VALUES (?1, ?2, ?3, ?4, max(?5, 0))
             ON CONFLICT (owner, kind, livemode, state) DO UPDATE SET n = n + ?5",
        )?
        .execute(params![
            owner,
            kind_number(kind),
            mode.is_live(),
            key_status_number(status),
            by
        ])?;
    Ok(())
}

/// Returns the counts in a scope, summed over its accounts.
pub(super) fn counts(connection: &Connection, scope: &Scope) -> Result<Vec<Count>> {
    let mut limits = Where::new();
    scope.of_counters(&mut limits);
    limits.and("n > 0");
    let (conditions, values) = limits.parts();
    let mut statement = connection.prepare_cached(&format!(
        "SELECT kind, livemode, state, sum(n) FROM counters{conditions}
         GROUP BY kind, livemode, state ORDER BY kind, livemode, state"
    ))?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut counts = Vec::new();
    while let Some(row) = rows.next()? {
        counts.push(Count {
            kind: words::kind(row.get(0)?)?,
            mode: words::mode(row.get(1)?),
            status: words::key_status(row.get(2)?)?,
            keys: unsigned(row.get(3)?)?,
        });
    }
    Ok(counts)
}
