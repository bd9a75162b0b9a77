//! Whether the store is consistent: the database's checks, the chain, the data that is kept
//! twice, and whether a gateway would load the contents.

use std::fmt;

use rusqlite::Connection;

use keyward::digest::KeyDigest;
use sha2::{Digest, Sha256};

use super::error::Result;
use super::reader::Reader;

/// A fault in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where the fault is.
    pub place: String,
    /// What the fault is.
    pub what: String,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// The maximum number of findings of one sort that the check lists.
const MOST: usize = 20;

/// Statements that find inconsistent rows, each row with the name of a record.
const MISFITS: [(&str, &str, &str); 10] = [
    (
        "accounts",
        "its root is not that of the account above it",
        "SELECT accounts.id FROM accounts LEFT JOIN accounts AS above ON above.id = accounts.parent
         WHERE accounts.root IS NOT coalesce(above.root, accounts.id)",
    ),
    (
        "keys",
        "its root is not that of its owner",
        "SELECT keys.id FROM keys JOIN accounts ON accounts.id = keys.owner WHERE keys.root <> accounts.root",
    ),
    (
        "counters",
        "they are not as many as there are keys",
        "SELECT owner FROM (
            SELECT owner, kind, livemode, state, n FROM counters WHERE n > 0
            EXCEPT SELECT owner, kind, livemode, status, count(*) FROM keys GROUP BY 1, 2, 3, 4)
         UNION SELECT owner FROM (
            SELECT owner, kind, livemode, status, count(*) FROM keys GROUP BY 1, 2, 3, 4
            EXCEPT SELECT owner, kind, livemode, state, n FROM counters)",
    ),
    (
        "keys",
        "it has labels that are not in the index, or the other way round",
        "SELECT keys.id FROM keys JOIN (
            SELECT keys.seq, each.key, each.value FROM keys, json_each(keys.labels) AS each
            EXCEPT SELECT seq, name, value FROM key_labels) USING (seq)
         UNION SELECT keys.id FROM keys JOIN (
            SELECT seq, name, value FROM key_labels
            EXCEPT SELECT keys.seq, each.key, each.value FROM keys, json_each(keys.labels) AS each) USING (seq)",
    ),
    (
        "keys",
        "it has a name or labels, and no words in the index",
        "SELECT id FROM keys WHERE (name IS NOT NULL OR labels IS NOT NULL)
         AND seq NOT IN (SELECT rowid FROM key_words)",
    ),
    (
        "keys",
        "its number is above the store's",
        "SELECT id FROM keys, head WHERE keys.seq > head.seq OR keys.changed > head.seq OR keys.changed < keys.seq",
    ),
    (
        "accounts",
        "its number is above the store's",
        "SELECT id FROM accounts, head WHERE accounts.seq > head.seq OR accounts.changed > head.seq",
    ),
    (
        "keys",
        "a key of its digest has ended for ever",
        "SELECT id FROM keys WHERE sha256 IN (SELECT sha256 FROM ended_digests)",
    ),
    (
        "idempotency",
        "its answers are not as many as is counted",
        "SELECT principal FROM (
            SELECT principal, n FROM idempotency_counts WHERE n > 0
            EXCEPT SELECT principal, count(*) FROM idempotency GROUP BY 1)
         UNION SELECT principal FROM (
            SELECT principal, count(*) FROM idempotency GROUP BY 1
            EXCEPT SELECT principal, n FROM idempotency_counts)",
    ),
    (
        "keys",
        "it replaces a key that names another replacement",
        "SELECT keys.id FROM keys JOIN keys AS other ON other.id = keys.replaces
         WHERE other.replaced_by IS NOT NULL AND other.replaced_by <> keys.id",
    ),
];

impl Reader<'_> {
    /// Returns every fault in the store.
    pub fn check(&self) -> Result<Vec<Finding>> {
        check(self)
    }
}

fn check(reader: &Reader<'_>) -> Result<Vec<Finding>> {
    let connection = reader.connection();
    let mut findings = Vec::new();
    pragma(connection, "integrity_check", "ok", &mut findings)?;
    foreign_keys(connection, &mut findings)?;
    for (table, what, sql) in MISFITS {
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut count = 0_usize;
        while let Some(row) = rows.next()? {
            count = count.saturating_add(1);
            if count <= MOST {
                let name: String = row.get(0)?;
                findings.push(Finding::new(format!("{table} `{name}`"), what));
            }
        }
        if count > MOST {
            let more = count.saturating_sub(MOST);
            findings.push(Finding::new(table, format!("{what}: {more} more")));
        }
    }
    digests(connection, &mut findings)?;
    if let Err(broken) = reader.verify_activity(None)? {
        findings.push(Finding::new("activity", broken.to_string()));
    }
    if findings.is_empty()
        && let Err(refusal) = reader.trial()?
    {
        let what = format!("a gateway would not load it: {refusal}");
        findings.push(Finding::new("snapshot", what));
    }
    Ok(findings)
}

fn pragma(
    connection: &Connection,
    name: &str,
    good: &str,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let mut statement = connection.prepare(&format!("PRAGMA {name}({MOST})"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        if text != good {
            findings.push(Finding::new("database", text));
        }
    }
    Ok(())
}

fn foreign_keys(connection: &Connection, findings: &mut Vec<Finding>) -> Result<()> {
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (table, other): (String, String) = (row.get(0)?, row.get(2)?);
        let what = format!("a row names one of `{other}` that is not there");
        findings.push(Finding::new(table, what));
        if findings.len() > MOST {
            break;
        }
    }
    Ok(())
}

/// Checks digests that can be recomputed: of publishable keys, and of permissions.
fn digests(connection: &Connection, findings: &mut Vec<Finding>) -> Result<()> {
    let mut statement =
        connection.prepare("SELECT id, sha256, value FROM keys WHERE value IS NOT NULL")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, sha256, value): (String, Vec<u8>, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        if KeyDigest::of(value.as_bytes()).as_bytes().as_slice() != sha256 {
            let place = format!("keys `{id}`");
            findings.push(Finding::new(place, "its digest is not that of its value"));
        }
    }
    let mut statement = connection.prepare("SELECT id, sha256, permissions FROM grants")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, sha256, text): (i64, Vec<u8>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if Sha256::digest(text.as_bytes()).as_slice() != sha256 {
            let place = format!("grants {id}");
            findings.push(Finding::new(
                place,
                "its digest is not that of its permissions",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
