//! What can be read of the store. What a tenant owns is read under a [`Scope`].

use rusqlite::Connection;

use super::activity::{self, Broken, Row, Verified};
use super::columns::signed;
use super::counters::{self, Count};
use super::error::Result;
use super::head::{self, Head};
use super::scope::{Scope, Where};

/// One state of the store: what was committed when the read began.
pub struct Reader<'a> {
    connection: &'a Connection,
}

impl<'a> Reader<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { connection }
    }

    pub(super) fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// Where the store stands.
    pub fn head(&self) -> Result<Head> {
        head::require(self.connection)
    }

    /// The trail from the change after `after` on, oldest first.
    pub fn activity_after(&self, scope: &Scope, after: u64, limit: u32) -> Result<Vec<Row>> {
        let mut limits = Where::new();
        scope.of_activity(&mut limits);
        limits.and_is("seq >", signed(after)?);
        let mut found = Vec::new();
        let tail = format!("ORDER BY seq LIMIT {limit}");
        activity::rows(self.connection, &limits, &tail, |row| {
            found.push(row);
            Ok(())
        })?;
        Ok(found)
    }

    /// Whether the chain of activity holds, and whether it goes through the row that was noted.
    pub fn verify_activity(
        &self,
        noted: Option<&Verified>,
    ) -> Result<std::result::Result<Verified, Broken>> {
        activity::verify_store(self.connection, noted)
    }

    /// How many keys there are, by kind, mode and what is stored of their state.
    pub fn counts(&self, scope: &Scope) -> Result<Vec<Count>> {
        counters::counts(self.connection, scope)
    }
}
