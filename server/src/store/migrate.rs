//! The schema, in numbered steps forward. Each is applied once, in its own transaction, and
//! recorded with its SHA-256. A step that was changed afterwards, or that this version does not
//! know, comes from another program, and the store rejects the database.

use rusqlite::{Connection, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use super::error::{Result, StoreError};
use super::settings::{self, APPLICATION_ID};

/// The steps, in order. A step never changes once it is listed here.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_records", include_str!("migrations/0001_records.sql")),
    (
        "0002_sessions",
        include_str!("migrations/0002_sessions.sql"),
    ),
    (
        "0003_gateways",
        include_str!("migrations/0003_gateways.sql"),
    ),
    ("0004_files", include_str!("migrations/0004_files.sql")),
    (
        "0005_session_parents",
        include_str!("migrations/0005_session_parents.sql"),
    ),
];

/// Updates the schema to this version's.
pub(super) fn migrate(connection: &mut Connection, now: u64) -> Result<()> {
    run(connection, MIGRATIONS, now)
}

/// Rejects a database whose schema is not exactly this version's.
pub(super) fn require_current(connection: &Connection) -> Result<()> {
    let applied = applied(connection, MIGRATIONS)?;
    if applied < MIGRATIONS.len() {
        return Err(StoreError::Unavailable(
            "its schema is older than this version's: start `keyward-server serve` once".to_owned(),
        ));
    }
    Ok(())
}

fn run(connection: &mut Connection, migrations: &[(&str, &str)], now: u64) -> Result<()> {
    let applied = applied(connection, migrations)?;
    for (name, sql) in migrations.iter().skip(applied) {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        step.execute_batch(sql)?;
        step.execute(
            "INSERT INTO migrations (name, sha256, at) VALUES (?1, ?2, ?3)",
            params![name, digest(sql).as_slice(), signed(now)?],
        )?;
        step.commit()?;
    }
    Ok(())
}

/// Returns how many of `migrations` were applied to the database.
fn applied(connection: &Connection, migrations: &[(&str, &str)]) -> Result<usize> {
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let id = settings::read(connection, "application_id")?;
    if tables == 0 && id == "0" {
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        connection.execute_batch(
            "CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, sha256 BLOB NOT NULL, at INTEGER NOT NULL) STRICT",
        )?;
        return Ok(0);
    }
    if id != APPLICATION_ID.to_string() {
        return Err(StoreError::Unavailable(
            "its database does not belong to keyward-server".to_owned(),
        ));
    }
    let mut statement =
        connection.prepare("SELECT name, sha256 FROM migrations ORDER BY number")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
    })?;
    let mut known = migrations.iter();
    let mut count = 0_usize;
    for row in rows {
        let (name, sha256) = row?;
        match known.next() {
            Some((own, sql)) if *own == name && digest(sql).as_slice() == sha256 => {}
            Some((own, _)) if *own == name => {
                return Err(StoreError::Unavailable(format!(
                    "its schema was made by another `{name}` than this version's"
                )));
            }
            Some(_) | None => {
                return Err(StoreError::Unavailable(format!(
                    "its schema has `{name}`, which this version does not know: it is a newer one's"
                )));
            }
        }
        count = count.saturating_add(1);
    }
    Ok(count)
}

fn digest(sql: &str) -> [u8; 32] {
    Sha256::digest(sql.as_bytes()).into()
}

fn signed(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| StoreError::Damaged("a time beyond all times".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: (&str, &str) = ("0001_one", "CREATE TABLE one (a INTEGER) STRICT");
    const TWO: (&str, &str) = ("0002_two", "CREATE TABLE two (a INTEGER) STRICT");

    fn refused(connection: &mut Connection, migrations: &[(&str, &str)]) -> String {
        run(connection, migrations, 1).unwrap_err().to_string()
    }

    #[test]
    fn each_step_is_applied_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection, &[ONE], 1).unwrap();
        run(&mut connection, &[ONE, TWO], 2).unwrap();
        run(&mut connection, &[ONE, TWO], 3).unwrap();
        let at: Vec<i64> = connection
            .prepare("SELECT at FROM migrations ORDER BY number")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(std::result::Result::unwrap)
            .collect();
        assert_eq!(at, [1, 2]);
    }

    #[test]
    fn a_changed_step_a_newer_schema_and_another_programs_database_are_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection, &[ONE, TWO], 1).unwrap();
        let changed = ("0002_two", "CREATE TABLE two (b INTEGER) STRICT");
        assert_eq!(
            refused(&mut connection, &[ONE, changed]),
            "the store cannot be used: its schema was made by another `0002_two` than this version's"
        );
        assert_eq!(
            refused(&mut connection, &[ONE]),
            "the store cannot be used: its schema has `0002_two`, which this version does not know: it is a newer one's"
        );
        let mut another = Connection::open_in_memory().unwrap();
        another
            .execute_batch("CREATE TABLE notes (a INTEGER)")
            .unwrap();
        assert_eq!(
            refused(&mut another, &[ONE]),
            "the store cannot be used: its database does not belong to keyward-server"
        );
    }

    #[test]
    fn a_step_that_fails_leaves_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let broken = ("0002_two", "CREATE TABLE two (a INTEGER) STRICT; nonsense");
        run(&mut connection, &[ONE, broken], 1).unwrap_err();
        assert!(
            connection.prepare("SELECT a FROM two").is_err(),
            "half of a step is there"
        );
        run(&mut connection, &[ONE, TWO], 2).unwrap();
    }
}
