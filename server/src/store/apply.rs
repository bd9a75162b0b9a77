//! Carries out a decision.

use rusqlite::Connection;

use keyward::account::IdKind;
use keyward::management::{Key, RecordChange};
use keyward::profile::Profile;

use super::error::Result;
use super::records::{Origin, accounts, key_changes, policies, sessions, sets};
use super::transaction::Tx;

/// The numbers that a change used. A row of activity belongs to each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The first number.
    pub first: u64,
    /// The last number. It is the same as the first unless the change made several keys, accounts
    /// or sets.
    pub last: u64,
}

/// A list that gives each new record its own place, which is its number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Keys,
    Accounts,
    Sets,
}

/// Returns the list that a change adds to, if it adds.
fn added_to(change: &RecordChange) -> Option<List> {
    match change {
        RecordChange::AddKey { .. } => Some(List::Keys),
        RecordChange::AddAccount { .. } => Some(List::Accounts),
        RecordChange::PutGrantSet { before: None, .. } => Some(List::Sets),
        RecordChange::PutGrantSet { .. }
        | RecordChange::PutKey { .. }
        | RecordChange::RemoveKey { .. }
        | RecordChange::PutAccount { .. }
        | RecordChange::RemoveAccount { .. }
        | RecordChange::RemoveGrantSet { .. }
        | RecordChange::PutPolicy { .. }
        | RecordChange::RemovePolicy { .. } => None,
    }
}

impl Tx<'_> {
    /// Writes the records of a decision, all under the number of this change. Each new key, account
    /// and grant set after the first takes its own number. The caller must write rows of activity
    /// for all these numbers, or the change is not kept.
    pub fn apply(&mut self, changes: &[RecordChange], origin: &Origin<'_>) -> Result<Applied> {
        let applied = self.apply_all(changes, origin);
        self.noting(applied)
    }

    fn apply_all(&mut self, changes: &[RecordChange], origin: &Origin<'_>) -> Result<Applied> {
        let connection = self.connection();
        let api = self.api()?;
        let first = self.take_number();
        let mut number = first;
        let mut taken = Vec::new();
        for change in changes {
            if let Some(list) = added_to(change) {
                if taken.contains(&list) {
                    number = self.take_number();
                    taken.clear();
                }
                taken.push(list);
            }
            write(connection, &api.profile, change, number, origin)?;
        }
        join(connection, changes)?;
        Ok(Applied {
            first,
            last: number,
        })
    }
}

/// Writes one record without its references to other records, which may be written later.
fn write(
    connection: &Connection,
    profile: &Profile,
    change: &RecordChange,
    number: u64,
    origin: &Origin<'_>,
) -> Result<()> {
    match change {
        RecordChange::AddKey { key, .. } => key_changes::add(connection, key, number, origin),
        RecordChange::PutKey { before, after } => {
            // What a key opened never works again once the key has ended, also if the key comes
            // back.
            if [before, after].iter().any(|key| !key.is_live_at(origin.at)) {
                sessions::end_of_maker(connection, &after.id, origin.at)?;
            }
            key_changes::put(connection, before, after, number)
        }
        RecordChange::RemoveKey { key } => {
            sessions::end_of_maker(connection, &key.id, origin.at)?;
            key_changes::remove(connection, key, origin.at)
        }
        RecordChange::AddAccount { account, settings } => {
            let kind = profile.names().ids.kind(&account.id);
            let is_organization = kind == Some(IdKind::Organization);
            accounts::add(
                connection,
                account,
                settings,
                is_organization,
                number,
                origin,
            )
        }
        RecordChange::PutAccount {
            after: (account, settings),
            ..
        } => accounts::put(connection, account, settings, number),
        RecordChange::RemoveAccount { account } => accounts::remove(connection, &account.id),
        RecordChange::PutGrantSet { name, after, .. } => {
            sets::put(connection, name, after, number, origin)
        }
        RecordChange::RemoveGrantSet { name } => sets::remove(connection, name),
        RecordChange::PutPolicy { name, after, .. } => {
            policies::put(connection, name, after, number)
        }
        RecordChange::RemovePolicy { name } => policies::remove(connection, name),
    }
}

/// Writes the references between records, once all of them exist.
fn join(connection: &Connection, changes: &[RecordChange]) -> Result<()> {
    let has_links = |key: &Key| key.replaces.is_some() || key.replaced_by.is_some();
    for change in changes {
        match change {
            RecordChange::AddKey { key, .. } if has_links(key) => {
                key_changes::link(connection, key)?;
            }
            RecordChange::PutKey { before, after }
                if (&before.replaces, &before.replaced_by)
                    != (&after.replaces, &after.replaced_by) =>
            {
                key_changes::link(connection, after)?;
            }
            RecordChange::AddAccount { account, .. } if account.parent.is_some() => {
                accounts::put_below(connection, &account.id, account.parent.as_deref())?;
            }
            RecordChange::PutAccount {
                before: (before, _),
                after: (after, _),
            } if before.parent != after.parent => {
                accounts::put_below(connection, &after.id, after.parent.as_deref())?;
            }
            RecordChange::AddKey { .. }
            | RecordChange::PutKey { .. }
            | RecordChange::RemoveKey { .. }
            | RecordChange::AddAccount { .. }
            | RecordChange::PutAccount { .. }
            | RecordChange::RemoveAccount { .. }
            | RecordChange::PutGrantSet { .. }
            | RecordChange::RemoveGrantSet { .. }
            | RecordChange::PutPolicy { .. }
            | RecordChange::RemovePolicy { .. } => {}
        }
    }
    Ok(())
}
