//! What a change can do to the store: read what it needs, apply records, and record what it did.
//! Either everything is kept or nothing.

use std::sync::Arc;

use rusqlite::Connection;
use serde_json::Value as Json;

use keyward::management::{Api, Facts, Needs};

use super::activity::{self, Entry, Recorded};
use super::api_cache::ApiCache;
use super::error::{Result, StoreError};
use super::facts;
use super::head::{self, Head};
use super::idempotency::{self, Answer, Remembered};
use super::reader::Reader;
use super::records::documents::{self, DocumentName};
use super::records::gateways::{self, StoredVm};
use super::records::sessions::{self, Opening, StoredSession};
use super::scope::Scope;

/// A change in progress, on the thread that writes.
pub struct Tx<'a> {
    connection: &'a Connection,
    api: &'a ApiCache,
    /// Whether this change wrote a document that the API depends on.
    has_new_documents: bool,
    head: Head,
    /// The highest number that this change has written records under.
    applied: u64,
    /// The first error from SQLite.
    fault: Option<StoreError>,
}

impl<'a> Tx<'a> {
    pub(super) fn new(connection: &'a Connection, api: &'a ApiCache, head: Head) -> Self {
        Self {
            connection,
            api,
            has_new_documents: false,
            applied: head.sequence,
            head,
            fault: None,
        }
    }

    /// Returns a reader that sees the state with this change.
    #[must_use]
    pub fn read(&self) -> Reader<'_> {
        Reader::new(self.connection, self.api)
    }

    /// Returns the store's last change, including what this transaction recorded.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Returns the names and permissions of the API that the keys are for, including documents of
    /// this change.
    pub fn api(&mut self) -> Result<Arc<Api>> {
        let api = self.api.api(self.connection, self.has_new_documents);
        self.noting(api)
    }

    /// Reads the facts for a decision. Records outside the scope count as missing.
    pub fn facts(&mut self, scope: &Scope, needs: &Needs, now: u64) -> Result<Facts> {
        let api = self.api()?;
        let facts = facts::facts(self.connection, api, scope, needs, now);
        self.noting(facts)
    }

    /// Writes a document under the next number. A row of activity must then be written with this
    /// number.
    pub fn put_document(&mut self, name: DocumentName, body: &Json) -> Result<u64> {
        let number = self.take_number();
        let put = documents::put(self.connection, name, body, number);
        self.has_new_documents = true;
        self.noting(put)?;
        Ok(number)
    }

    /// Writes a row of activity at the end of the chain. It gets the next number, which is the
    /// number of the change.
    pub fn record(&mut self, entry: Entry) -> Result<Recorded> {
        let recorded = activity::append(self.connection, &mut self.head, entry);
        let recorded = self.noting(recorded)?;
        self.write_head()?;
        Ok(recorded)
    }

    /// Returns the stored answer for an idempotency key.
    pub fn remembered(
        &mut self,
        principal: &str,
        key: &str,
        fingerprint: &[u8; 32],
        now: u64,
    ) -> Result<Remembered> {
        let found = idempotency::find(self.connection, principal, key, fingerprint, now);
        self.noting(found)
    }

    /// Stores the answer to a request with an idempotency key. Returns whether there was room: the
    /// number of answers for a principal is limited.
    pub fn remember(&mut self, answer: &Answer<'_>) -> Result<bool> {
        let kept = idempotency::keep(self.connection, answer);
        self.noting(kept)
    }

    /// Adds a session that the holder of a link may open.
    pub fn add_session(&mut self, session: &StoredSession, link: &[u8; 32]) -> Result<()> {
        let added = sessions::add(self.connection, session, link);
        self.noting(added)
    }

    /// Uses a link. Returns `None` if there is no usable link.
    pub fn open_session(&mut self, opening: &Opening<'_>) -> Result<Option<StoredSession>> {
        let opened = sessions::open(self.connection, opening);
        self.noting(opened)
    }

    /// Ends a session. Returns whether it was still valid.
    pub fn end_session(&mut self, id: &str, now: u64) -> Result<bool> {
        let ended = sessions::end(self.connection, id, now);
        self.noting(ended)
    }

    /// Records when a session was last used.
    pub fn session_seen(&mut self, id: &str, now: u64) -> Result<()> {
        let seen = sessions::seen(self.connection, id, now);
        self.noting(seen)
    }

    /// Records until when a gateway's VM may serve the head that it received.
    pub fn put_gateway_vm(&mut self, vm: &StoredVm) -> Result<()> {
        let put = gateways::put(self.connection, vm);
        self.noting(put)
    }

    /// Forgets the VMs whose time is over.
    pub fn tidy_gateway_vms(&mut self, now: u64) -> Result<()> {
        let tidied = gateways::tidy(self.connection, now);
        self.noting(tidied)
    }

    /// Forgets a VM.
    pub fn forget_gateway_vm(&mut self, gateway: &str, vm: &str) -> Result<()> {
        let forgotten = gateways::forget(self.connection, gateway, vm);
        self.noting(forgotten)
    }

    /// Takes the revision of the next snapshot: at least `now`, and higher than the last one.
    pub fn next_revision(&mut self, now: u64) -> Result<u64> {
        self.head.revision = now.max(self.head.revision.saturating_add(1));
        self.write_head()?;
        Ok(self.head.revision)
    }

    /// Counts revisions up to this one as issued, because a gateway has it.
    pub fn raise_revision(&mut self, held: u64) -> Result<()> {
        self.head.revision = self.head.revision.max(held);
        self.write_head()
    }

    fn write_head(&mut self) -> Result<()> {
        let written = head::write(self.connection, &self.head);
        self.noting(written)
    }

    /// Returns the connection, for the store's own statements.
    pub(super) fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// Takes the number for the next records. A row of activity must be written for it.
    pub(super) fn take_number(&mut self) -> u64 {
        let next = self.applied.max(self.head.sequence).saturating_add(1);
        self.applied = next;
        next
    }

    /// Remembers an error: nothing may be kept after it, even if the closure ignores it.
    pub(super) fn noting<T>(&mut self, result: Result<T>) -> Result<T> {
        if let Err(why) = &result
            && self.fault.is_none()
        {
            self.fault = Some(why.clone());
        }
        result
    }

    /// Returns an error if the change may not be kept: there was an error, or a part of it is not
    /// in the trail.
    pub(super) fn finish(&mut self) -> Result<()> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        if self.applied > self.head.sequence {
            return Err(StoreError::Conflict(
                "records were changed, and no activity records it".to_owned(),
            ));
        }
        Ok(())
    }

    pub(super) fn into_parts(self) -> (Head, Option<StoreError>) {
        (self.head, self.fault)
    }
}
