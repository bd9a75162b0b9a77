//! What changed between two states of a key file, as ids and names of members, which cannot
//! contain a key or a digest.

use std::collections::HashMap;

use super::{KeyFile, SourceName};
use keyward::invariant::Held;

/// The kind of record that a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An account or organization.
    Account,
    /// A grant set.
    GrantSet,
    /// A key.
    Key,
    /// The key file's name for itself, its `source`.
    Source,
}

impl Subject {
    /// Returns `account`, `grant_set`, `key` or `source`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::GrantSet => "grant_set",
            Self::Key => "key",
            Self::Source => "source",
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The kind of record.
    pub subject: Subject,
    /// The record's id or name.
    pub id: String,
    /// The file that contains the record, or contained it.
    pub file: String,
    /// What was done: `added`, `removed` or `changed`.
    pub did: &'static str,
    /// The members that changed.
    pub members: Vec<&'static str>,
}

impl KeyFile {
    /// Returns what changed since `before`, in the order of the records.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        compare(
            Subject::Account,
            before
                .accounts
                .iter()
                .map(|(account, at)| (account.id.as_str(), account, before.name_of(*at))),
            self.accounts
                .iter()
                .map(|(account, at)| (account.id.as_str(), account, self.name_of(*at))),
            |new, old| new.differences(old),
            &mut changes,
        );
        compare(
            Subject::GrantSet,
            before
                .grant_sets
                .iter()
                .map(|(name, set, at)| (name.as_str(), set, before.name_of(*at))),
            self.grant_sets
                .iter()
                .map(|(name, set, at)| (name.as_str(), set, self.name_of(*at))),
            |new, old| {
                if new == old {
                    Vec::new()
                } else {
                    vec!["permissions"]
                }
            },
            &mut changes,
        );
        compare(
            Subject::Key,
            before
                .keys
                .iter()
                .map(|(key, at)| (key.id.as_str(), &**key, before.name_of(*at))),
            self.keys
                .iter()
                .map(|(key, at)| (key.id.as_str(), &**key, self.name_of(*at))),
            |new, old| new.differences(old),
            &mut changes,
        );
        let (old, new) = (before.source(), self.source());
        fn named<'a>(
            file: &'a KeyFile,
            name: Option<&'a SourceName>,
        ) -> impl Iterator<Item = (&'a str, &'a SourceName, Option<&'a str>)> {
            name.map(|name| (name.as_str(), name, file.file_of_source()))
                .into_iter()
        }
        compare(
            Subject::Source,
            named(before, old.as_ref()),
            named(self, new.as_ref()),
            |_, _| Vec::new(),
            &mut changes,
        );
        changes
    }
}

fn compare<'a, T: 'a>(
    subject: Subject,
    before: impl Iterator<Item = (&'a str, &'a T, Option<&'a str>)>,
    after: impl Iterator<Item = (&'a str, &'a T, Option<&'a str>)>,
    differences: impl Fn(&T, &T) -> Vec<&'static str>,
    changes: &mut Vec<Change>,
) {
    let before: Vec<_> = before.collect();
    let mut gone: HashMap<&str, &T> = before
        .iter()
        .map(|(id, record, _)| (*id, *record))
        .collect();
    let mut change = |id: &str, file: Option<&str>, did, members| {
        changes.push(Change {
            subject,
            id: id.to_owned(),
            file: file.held("a record stands in a part").to_owned(),
            did,
            members,
        });
    };
    for (id, record, file) in after {
        match gone.remove(id) {
            None => change(id, file, "added", Vec::new()),
            Some(old) => {
                // Most records are shared by both states.
                let is_same = std::ptr::eq(record, old);
                let members = if is_same {
                    Vec::new()
                } else {
                    differences(record, old)
                };
                if !members.is_empty() {
                    change(id, file, "changed", members);
                }
            }
        }
    }
    for (id, _, file) in before {
        if gone.contains_key(id) {
            change(id, file, "removed", Vec::new());
        }
    }
}
