//! Where accounts are among the records, and which are below which.

use std::collections::{BTreeMap, BTreeSet};

use keyward::snapshot::document::Account;

/// The places of accounts.
#[derive(Debug, Default)]
pub(super) struct AccountTree {
    places: BTreeMap<String, u64>,
    /// The places of the accounts directly below the account of an id.
    below: BTreeMap<String, BTreeSet<u64>>,
}

impl AccountTree {
    /// Returns the place of an account.
    pub(super) fn place(&self, id: &str) -> Option<u64> {
        self.places.get(id).copied()
    }

    /// Returns the place of some account directly below this one.
    pub(super) fn one_below(&self, id: &str) -> Option<u64> {
        self.below.get(id)?.first().copied()
    }

    /// Keeps an account that is new or has changed.
    pub(super) fn keep(&mut self, place: u64, before: Option<&Account>, after: &Account) {
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

    /// Forgets all accounts but these.
    pub(super) fn retain(&mut self, accounts: &BTreeMap<u64, Account>) {
        self.places.retain(|_, place| accounts.contains_key(place));
        for below in self.below.values_mut() {
            below.retain(|place| accounts.contains_key(place));
        }
    }
}
