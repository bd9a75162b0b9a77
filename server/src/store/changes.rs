//! What has changed in the records of a snapshot: enough to bring gateways up to date without all
//! other records.

use std::collections::BTreeSet;

use keyward::digest::KeyDigest;
use keyward::snapshot::delta::Touched;
use keyward::snapshot::document;

/// What an update of the records changed.
#[derive(Debug)]
pub struct Changes {
    /// The last change that the records contained before.
    pub since: u64,
    /// The names of changed keys and accounts.
    pub touched: Touched,
    /// Whether more than that changed: records were removed, or grant sets or endpoints are others.
    pub has_more: bool,
    pub(super) keys: BTreeSet<u64>,
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
