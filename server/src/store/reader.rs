//! Everything that can be read from the store. A tenant's records are read within a [`Scope`].

use std::sync::Arc;

use rusqlite::Connection;

use keyward::digest::KeyDigest;
use keyward::management::{Api, Facts, NamedPolicy, Needs};

use super::activity::{self, Broken, Row, Verified};
use super::api_cache::ApiCache;
use super::columns::signed;
use super::counters::{self, Count};
use super::error::Result;
use super::facts;
use super::head::{self, Head};
use super::lists::{self, AccountFilter, ActivityFilter, KeyFilter, Listed, Page};
use super::records::accounts::{self, StoredAccount};
use super::records::documents::{self, DocumentName, StoredDocument};
use super::records::gateways::{self, StoredVm};
use super::records::keys::{self, StoredKey};
use super::records::policies::{self, StoredPolicy};
use super::records::sessions::{self, By, SessionKind, StoredSession};
use super::records::sets::{self, StoredSet};
use super::scope::{Scope, Where};

/// One state of the store: everything that was committed when the read began.
pub struct Reader<'a> {
    connection: &'a Connection,
    api: &'a ApiCache,
}

impl<'a> Reader<'a> {
    pub(super) fn new(connection: &'a Connection, api: &'a ApiCache) -> Self {
        Self { connection, api }
    }

    pub(super) fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// Returns the store's last change.
    pub fn head(&self) -> Result<Head> {
        head::require(self.connection)
    }

    /// Returns the names and permissions of the API that the keys are for.
    pub fn api(&self) -> Result<Arc<Api>> {
        self.api.api(self.connection, false)
    }

    /// Returns the key with this id.
    pub fn key(&self, scope: &Scope, id: &str) -> Result<Option<StoredKey>> {
        keys::one(self.connection, scope, "id", id.to_owned())
    }

    /// Returns the key with this digest.
    pub fn key_of_digest(&self, scope: &Scope, digest: &KeyDigest) -> Result<Option<StoredKey>> {
        keys::one(self.connection, scope, "sha256", digest.as_bytes().to_vec())
    }

    /// Returns whether a key with this digest was purged.
    pub fn has_ended(&self, digest: &KeyDigest) -> Result<bool> {
        Ok(self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM ended_digests WHERE sha256 = ?1)")?
            .query_row([digest.as_bytes().as_slice()], |row| row.get(0))?)
    }

    /// Reads the facts for a decision. Records outside the scope count as missing.
    pub fn facts(&self, scope: &Scope, needs: &Needs, now: u64) -> Result<Facts> {
        facts::facts(self.connection, self.api()?, scope, needs, now)
    }

    /// Returns the VMs of gateways that have received a head.
    pub fn gateway_vms(&self) -> Result<Vec<StoredVm>> {
        gateways::all(self.connection)
    }

    /// Returns the account with this id.
    pub fn account(&self, scope: &Scope, id: &str) -> Result<Option<StoredAccount>> {
        accounts::one(self.connection, scope, id)
    }

    /// Returns a page of keys.
    pub fn keys(&self, scope: &Scope, filter: &KeyFilter, page: Page) -> Result<Listed<StoredKey>> {
        lists::keys(self.connection, scope, filter, page)
    }

    /// Calls the closure with every key that matches a filter, oldest first.
    pub fn each_key(
        &self,
        scope: &Scope,
        filter: &KeyFilter,
        each: impl FnMut(StoredKey) -> Result<()>,
    ) -> Result<()> {
        let limits = lists::matching(scope, filter)?;
        keys::each(self.connection, &limits, "ORDER BY k.seq", each)
    }

    /// Calls the closure with every account in a scope, oldest first.
    pub fn each_account(
        &self,
        scope: &Scope,
        each: impl FnMut(StoredAccount) -> Result<()>,
    ) -> Result<()> {
        let mut limits = Where::new();
        scope.of_accounts(&mut limits);
        accounts::each(self.connection, &limits, "ORDER BY seq", each)
    }

    /// Returns a page of accounts.
    pub fn accounts(
        &self,
        scope: &Scope,
        filter: &AccountFilter,
        page: Page,
    ) -> Result<Listed<StoredAccount>> {
        lists::accounts(self.connection, scope, filter, page)
    }

    /// Returns a page of the trail.
    pub fn activity(
        &self,
        scope: &Scope,
        filter: &ActivityFilter,
        page: Page,
    ) -> Result<Listed<Row>> {
        lists::activity(self.connection, scope, filter, page)
    }

    /// Returns the row of the trail with this id.
    pub fn activity_row(&self, scope: &Scope, id: &str) -> Result<Option<Row>> {
        let mut limits = Where::new();
        scope.of_activity(&mut limits);
        limits.and_is("id =", id.to_owned());
        let mut found = None;
        activity::rows(self.connection, &limits, "LIMIT 1", |row| {
            found = Some(row);
            Ok(())
        })?;
        Ok(found)
    }

    /// Returns the policy that applies to an account.
    pub fn policy_for(&self, account: &str) -> Result<Option<NamedPolicy>> {
        policies::effective(self.connection, account)
    }

    /// Returns all policies, ordered by name.
    pub fn policies(&self) -> Result<Vec<StoredPolicy>> {
        policies::read(self.connection, None)
    }

    /// Returns the policy with this name.
    pub fn policy(&self, name: &str) -> Result<Option<StoredPolicy>> {
        Ok(policies::read(self.connection, Some(name))?.pop())
    }

    /// Returns all grant sets, ordered by creation.
    pub fn grant_sets(&self) -> Result<Vec<StoredSet>> {
        sets::read(self.connection, None)
    }

    /// Returns the grant set with this name.
    pub fn grant_set(&self, name: &str) -> Result<Option<StoredSet>> {
        Ok(sets::read(self.connection, Some(name))?.pop())
    }

    /// Returns how many keys follow a grant set.
    pub fn uses_of_set(&self, name: &str) -> Result<u64> {
        sets::uses(self.connection, name)
    }

    /// Returns the session with this id.
    pub fn session(&self, scope: &Scope, id: &str) -> Result<Option<StoredSession>> {
        sessions::one(self.connection, scope, id)
    }

    /// Returns the session of a link's token or of a cookie, by its digest.
    pub fn session_of_digest(&self, by: By, digest: &[u8; 32]) -> Result<Option<StoredSession>> {
        sessions::of_digest(self.connection, by, digest)
    }

    /// Returns sessions that are still valid and links that can still be used, newest first.
    pub fn sessions(
        &self,
        scope: &Scope,
        kind: SessionKind,
        now: u64,
        most: u32,
    ) -> Result<Vec<StoredSession>> {
        sessions::live(self.connection, scope, kind, now, most)
    }

    /// Returns the settings or the endpoints, if there are any.
    pub fn document(&self, name: DocumentName) -> Result<Option<StoredDocument>> {
        documents::read(self.connection, name)
    }

    /// Returns the trail from the change after `after` on, oldest first.
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

    /// Verifies the chain of activity, and that it contains the row that was noted.
    pub fn verify_activity(
        &self,
        noted: Option<&Verified>,
    ) -> Result<std::result::Result<Verified, Broken>> {
        activity::verify_store(self.connection, noted)
    }

    /// Returns the number of keys, by kind, mode and stored state.
    pub fn counts(&self, scope: &Scope) -> Result<Vec<Count>> {
        counters::counts(self.connection, scope)
    }
}
