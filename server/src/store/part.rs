//! What has changed in the records of a snapshot: enough to bring gateways up to date without all
//! other records.

use std::collections::BTreeSet;

use keyward::digest::KeyDigest;
use keyward::snapshot::delta::Touched;
use keyward::snapshot::document;

use super::snapshot::Records;

/// What an update of the records changed.
#[derive(Debug)]
pub struct Changes {
    /// The last change that the records contained before.
    pub since: u64,
    /// The names of changed keys and accounts.
    pub touched: Touched,
    /// Whether more than that changed: records were removed, or grant sets or endpoints are others.
    pub has_more: bool,
    keys: BTreeSet<u64>,
}

/// Some keys, and some accounts: at least those that the keys refer to.
#[derive(Debug)]
pub struct Part {
    pub(super) keys: BTreeSet<u64>,
    pub(super) accounts: BTreeSet<u64>,
}

impl Changes {
    /// None yet. The first ever are everything.
    pub(super) fn since(since: u64) -> Self {
        Self {
            since,
            touched: Touched::default(),
            has_more: since == 0,
            keys: BTreeSet::new(),
        }
    }

    /// A key's row may be another one than before.
    pub(super) fn key(
        &mut self,
        place: u64,
        before: Option<&document::Key>,
        after: &document::Key,
    ) {
        if self.has_more || before == Some(after) {
            return;
        }
        self.keys.insert(place);
        for row in before.into_iter().chain([after]) {
            match KeyDigest::from_hex(&row.sha256) {
                Some(digest) => _ = self.touched.keys.insert(digest),
                None => self.has_more = true,
            }
        }
    }

    /// An account's row may be another one than before. So may be that of the account above it, which says whether it has any below.
    pub(super) fn account(
        &mut self,
        before: Option<&document::Account>,
        after: &document::Account,
    ) {
        if self.has_more || before == Some(after) {
            return;
        }
        for row in before.into_iter().chain([after]) {
            let names = row.parent.iter().chain([&row.id]);
            self.touched.accounts.extend(names.cloned());
        }
    }
}

impl Records {
    /// Returns the changed records and all that they refer to: the owners of the keys, all accounts above those, and of each account that has others below it one of
    /// them, so that it says so. `None` if the whole is needed.
    #[must_use]
    pub(crate) fn part(&self, changes: &Changes) -> Option<Part> {
        if changes.has_more {
            return None;
        }
        let owners = changes.keys.iter().map(|place| self.keys.get(place));
        let owners = owners.map(|key| Some(&*key?.owner));
        let named = changes.touched.accounts.iter().map(|id| Some(&**id));
        let mut next: Vec<u64> = Vec::new();
        for id in owners.chain(named) {
            next.push(*self.places.get(id?)?);
        }
        let mut accounts = BTreeSet::new();
        while let Some(place) = next.pop() {
            if !accounts.insert(place) {
                continue;
            }
            let account = self.accounts.get(&place)?;
            if let Some(above) = &account.parent {
                next.push(*self.places.get(above)?);
            }
            next.extend(self.below.get(&account.id).and_then(BTreeSet::first));
        }
        Some(Part {
            keys: changes.keys.clone(),
            accounts,
        })
    }

    /// Keeps where accounts are, and which are below which.
    pub(super) fn place(
        &mut self,
        place: u64,
        before: Option<&document::Account>,
        after: &document::Account,
    ) {
        if let Some(above) = before.and_then(|row| row.parent.as_ref())
            && let Some(below) = self.below.get_mut(above)
        {
            below.remove(&place);
        }
        if let Some(above) = &after.parent {
            self.below.entry(above.clone()).or_default().insert(place);
        }
        self.places.insert(after.id.clone(), place);
    }

    /// Forgets where accounts that are gone were.
    pub(super) fn forget_places(&mut self) {
        let accounts = &self.accounts;
        self.places.retain(|_, place| accounts.contains_key(place));
        for below in self.below.values_mut() {
            below.retain(|place| accounts.contains_key(place));
        }
    }
}
