//! The snapshot for gateways: the records, byte for byte as a key file with the same records
//! compiles them.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value as Json, json};

use keyward::snapshot::{FORMAT, document};
use keyward_files::key_file::{Issue, account_row, key_row, permissions_row};

use super::account_tree::AccountTree;
use super::changes::{Changes, Part};
use super::columns::{signed, unsigned};
use super::error::Result;
use super::reader::Reader;
use super::records::accounts;
use super::records::documents::DocumentName;
use super::records::keys;
use super::scope::Where;

/// Everything in a snapshot, from one state of the store, in memory. It is read once, and then
/// updated with what has changed.
#[derive(Debug, Default)]
pub struct Records {
    /// The last change that is included.
    through: u64,
    /// By the change that made them, which is their order.
    accounts: BTreeMap<u64, document::Account>,
    keys: BTreeMap<u64, document::Key>,
    tree: AccountTree,
    grant_sets: Map<String, Json>,
    /// `api_versions`, `catalogue`, `endpoints`.
    endpoints: Map<String, Json>,
}

impl Records {
    /// Reads the records.
    pub fn read(reader: &Reader<'_>) -> Result<Self> {
        let mut records = Self::default();
        records.advance(reader)?;
        Ok(records)
    }

    /// Updates them to the state that `reader` sees, which must not be an earlier one. After an
    /// error they must not be used any more. Returns what that changed.
    pub fn advance(&mut self, reader: &Reader<'_>) -> Result<Changes> {
        let mut changes = Changes::since(self.through);
        let connection = reader.connection();
        let mut since = Where::new();
        since.and_is("changed >", signed(self.through)?);
        // In the order of `seq`, SQLite would look at every row for the few that changed.
        let order = match self.through {
            0 => "ORDER BY seq",
            _ => "ORDER BY changed",
        };
        accounts::each(connection, &since, order, |stored| {
            let row = account_row(&stored.account);
            let before = self.accounts.remove(&stored.sequence);
            changes.account(before.as_ref(), &row);
            self.tree.keep(stored.sequence, before.as_ref(), &row);
            self.accounts.insert(stored.sequence, row);
            Ok(())
        })?;
        keys::each(connection, &since, order, |stored| {
            let row = key_row(&stored.key);
            changes.key(stored.sequence, self.keys.get(&stored.sequence), &row);
            self.keys.insert(stored.sequence, row);
            Ok(())
        })?;
        // The removal of a record leaves no changed row. All existing records are included by now,
        // so if the numbers are equal, the records are the same.
        let accounts_are_gone = remove_missing(connection, "accounts", &mut self.accounts)?;
        let keys_are_gone = remove_missing(connection, "keys", &mut self.keys)?;
        let sets = reader.grant_sets()?.into_iter();
        let sets = sets
            .map(|set| (set.name, json!(permissions_row(&set.granted))))
            .collect();
        let endpoints = reader.document(DocumentName::Endpoints)?;
        let endpoints = endpoints.and_then(|stored| stored.body.as_object().cloned());
        let endpoints = endpoints.unwrap_or_default();
        changes.has_more |= accounts_are_gone
            || keys_are_gone
            || self.grant_sets != sets
            || self.endpoints != endpoints;
        if accounts_are_gone {
            self.tree.retain(&self.accounts);
        }
        self.grant_sets = sets;
        self.endpoints = endpoints;
        self.through = reader.head()?.sequence;
        Ok(changes)
    }

    /// Returns the last change that is included.
    #[must_use]
    pub fn through(&self) -> u64 {
        self.through
    }

    /// Returns the snapshot of the records.
    #[must_use]
    pub fn snapshot<'a>(&'a self, issue: &'a Issue) -> Snapshot<'a> {
        Snapshot {
            records: self,
            issue,
            lists_versions: true,
            more_endpoints: &[],
            only: None,
        }
    }

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
            next.push(self.tree.place(id?)?);
        }
        let mut accounts = BTreeSet::new();
        while let Some(place) = next.pop() {
            if !accounts.insert(place) {
                continue;
            }
            let account = self.accounts.get(&place)?;
            if let Some(above) = &account.parent {
                next.push(self.tree.place(above)?);
            }
            next.extend(self.tree.one_below(&account.id));
        }
        Some(Part {
            keys: changes.keys.clone(),
            accounts,
        })
    }

    /// Returns the numbers of keys and accounts.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.keys.len(), self.accounts.len())
    }
}

/// Removes the records that the store has lost, and returns whether there are any.
fn remove_missing<T>(
    connection: &Connection,
    table: &'static str,
    records: &mut BTreeMap<u64, T>,
) -> Result<bool> {
    let count: i64 = connection
        .prepare_cached(&format!("SELECT count(*) FROM {table}"))?
        .query_row([], |row| row.get(0))?;
    if usize::try_from(unsigned(count)?).is_ok_and(|count| count == records.len()) {
        return Ok(false);
    }
    let mut statement = connection.prepare_cached(&format!("SELECT seq FROM {table}"))?;
    let mut rows = statement.query([])?;
    let mut present = BTreeSet::new();
    while let Some(row) = rows.next()? {
        present.insert(unsigned(row.get(0)?)?);
    }
    records.retain(|sequence, _| present.contains(sequence));
    Ok(true)
}

/// A snapshot that is written member by member, to avoid a second copy of a million keys.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    records: &'a Records,
    issue: &'a Issue,
    lists_versions: bool,
    more_endpoints: &'a [Json],
    /// The only keys and accounts in it, if it is not the whole.
    only: Option<&'a Part>,
}

impl<'a> Snapshot<'a> {
    /// Leaves out all other keys and accounts.
    #[must_use]
    pub(crate) fn only(self, part: &'a Part) -> Self {
        Self {
            only: Some(part),
            ..self
        }
    }

    /// Adds these rows after the API's own.
    #[must_use]
    pub fn with_endpoints(self, more_endpoints: &'a [Json]) -> Self {
        Self {
            more_endpoints,
            ..self
        }
    }

    /// Leaves out the versions that the API serves, so that every version is served.
    #[must_use]
    pub fn without_versions(self) -> Self {
        Self {
            lists_versions: false,
            ..self
        }
    }
}

impl Serialize for Snapshot<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Records {
            through: _,
            accounts,
            keys,
            tree: _,
            grant_sets,
            endpoints,
        } = self.records;
        let only = self.only;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("format", FORMAT)?;
        map.serialize_entry("revision", &self.issue.revision)?;
        map.serialize_entry("issued_at", &self.issue.issued_at)?;
        for (name, member) in endpoints {
            let is_left_out = match name.as_str() {
                "api_versions" => !self.lists_versions,
                "endpoints" => !self.more_endpoints.is_empty(),
                _ => false,
            };
            if !is_left_out {
                map.serialize_entry(name, member)?;
            }
        }
        if !self.more_endpoints.is_empty() {
            let own = endpoints.get("endpoints").and_then(Json::as_array);
            let all: Vec<&Json> = own
                .into_iter()
                .flatten()
                .chain(self.more_endpoints)
                .collect();
            map.serialize_entry("endpoints", &all)?;
        }
        let part = only.map(|part| &part.accounts);
        map.serialize_entry("accounts", &Elements(accounts, part))?;
        if !grant_sets.is_empty() {
            map.serialize_entry("grant_sets", grant_sets)?;
        }
        let part = only.map(|part| &part.keys);
        let is_empty = part.map_or(keys.is_empty(), BTreeSet::is_empty);
        if is_empty && self.issue.may_be_empty {
            map.serialize_entry("empty", &true)?;
        }
        map.serialize_entry("keys", &Elements(keys, part))?;
        map.end()
    }
}

/// A list of the values only: of all, or of these.
struct Elements<'a, T>(&'a BTreeMap<u64, T>, Option<&'a BTreeSet<u64>>);

impl<T: Serialize> Serialize for Elements<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.1 {
            None => serializer.collect_seq(self.0.values()),
            Some(part) => {
                serializer.collect_seq(part.iter().filter_map(|number| self.0.get(number)))
            }
        }
    }
}

impl Reader<'_> {
    /// Returns the plugin configuration with the snapshot.
    pub fn configuration(&self, issue: &Issue) -> Result<Json> {
        let settings = self.document(DocumentName::Configuration)?;
        let settings = settings.and_then(|stored| stored.body.as_object().cloned());
        let mut configuration = settings.unwrap_or_default();
        let records = Records::read(self)?;
        configuration.insert("snapshot".to_owned(), json!(records.snapshot(issue)));
        Ok(Json::Object(configuration))
    }
}
