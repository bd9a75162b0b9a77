//! From the key file to the plugin configuration and the snapshot in it.

use super::{KeyFile, Single};
use crate::configuration::Written;
use keyward::account::{AccountStatus, Children};
use keyward::management::{Account, Granted, Key, KeyGrants};
use keyward::snapshot::document::{self, Document, Grants};
use keyward::snapshot::{Enforcement, FORMAT, KeyStatus};
use keyward::wire::{Integer, Members};

/// What a snapshot contains that the key file does not: its revision and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The revision.
    pub revision: u64,
    /// When it is issued, in Unix seconds.
    pub issued_at: u64,
    /// Whether a file without keys makes a snapshot with `"empty": true`. Otherwise gateways reject
    /// its snapshot.
    pub may_be_empty: bool,
}

impl KeyFile {
    /// Returns the plugin configuration with the snapshot in it.
    #[must_use]
    pub fn compile(&self, issue: &Issue) -> Written {
        Written {
            settings: self.settings(),
            snapshot: Some(self.snapshot(issue)),
        }
    }

    fn snapshot(&self, issue: &Issue) -> Document {
        let mut document = Document {
            format: FORMAT.to_owned(),
            revision: Integer(issue.revision),
            issued_at: Integer(issue.issued_at),
            api_versions: None,
            accounts: Some(self.accounts().map(account_row).collect()),
            grant_sets: None,
            catalogue: None,
            endpoints: None,
            keys: Some(self.keys().map(key_row).collect()),
            empty: (self.keys.is_empty() && issue.may_be_empty).then_some(true),
        };
        for single in self.singles() {
            match single {
                Single::ApiVersions(versions) => document.api_versions = Some(versions.clone()),
                Single::Catalogue(catalogue) => document.catalogue = Some(*catalogue),
                Single::Configuration(_) | Single::Source(_) | Single::Push(_) => {}
            }
        }
        if !self.grant_sets.is_empty() {
            let sets = self.grant_sets();
            let sets = sets.map(|(name, granted)| (name.to_owned(), permissions_row(granted)));
            document.grant_sets = Some(Members(sets.collect()));
        }
        if !self.endpoints.is_empty() {
            let rows = self.endpoints.iter().map(|(row, _)| row.clone());
            document.endpoints = Some(rows.collect());
        }
        document
    }
}

/// Returns an account's row in a snapshot.
#[must_use]
pub fn account_row(account: &Account) -> document::Account {
    document::Account {
        id: account.id.clone(),
        parent: account.parent.clone(),
        children: Some(account.children).filter(|children| *children == Children::Any),
        status: Some(account.status).filter(|status| *status == AccountStatus::Suspended),
    }
}

/// Returns permissions in the form of a snapshot's rows and grant sets.
#[must_use]
pub fn permissions_row(granted: &Granted) -> document::Granted {
    let members = granted.iter();
    Members(
        members
            .map(|(name, level)| (name.clone(), *level))
            .collect(),
    )
}

fn grants(grants: &KeyGrants) -> Grants {
    match grants {
        KeyGrants::Set(name) => Grants::Set(name.clone()),
        KeyGrants::Inline(granted) => Grants::Inline(permissions_row(granted)),
    }
}

/// Returns a key's row in a snapshot.
#[must_use]
pub fn key_row(key: &Key) -> document::Key {
    document::Key {
        id: key.id.clone(),
        sha256: key.digest.to_string(),
        kind: key.kind,
        livemode: key.mode.is_live(),
        owner: key.owner.clone(),
        status: Some(key.status).filter(|status| *status == KeyStatus::Deleted),
        not_before: key.not_before.map(Integer),
        expires_at: key.expires.map(Integer),
        allowed_ips: Some(key.allowed_ips.clone()).filter(|ips| !ips.is_empty()),
        enforcement: Some(key.enforcement).filter(|it| *it == Enforcement::Shadow),
        grants: key.grants.as_ref().map(grants),
        connect_grants: key.connect_grants.as_ref().map(grants),
        annotations: (!key.labels.is_empty()).then(|| serde_json::json!(key.labels)),
    }
}
