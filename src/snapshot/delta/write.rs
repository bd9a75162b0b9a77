//! Writes a delta from the names of what was touched and the state that the delta leads to.

use std::collections::BTreeSet;

use super::layout::Header;
use super::table::{Record, table};
use super::{Delta, LARGEST_DELTA, Touched};
use crate::account::{ACCOUNT_ROW, AccountForest, AccountIndex};
use crate::digest::KeyDigest;
use crate::permission::AccessLevel;
use crate::refusal::Refusal;
use crate::rows::{Lists, Rows, index};
use crate::snapshot::Revision;
use crate::snapshot::packed::{GRANT, Packed};
use crate::snapshot::table::KeyRow;
use crate::snapshot::terms::{NONE, Terms};
use crate::snapshot::wire;
use crate::wire::Text;

/// Why a delta cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwritten {
    /// There is more than a delta may contain. The feed needs a new base.
    TooLarge,
    /// The target is not a valid snapshot, or its revision is not later than `from`.
    Refused(Option<Refusal>),
}

impl From<Refusal> for Unwritten {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Some(refusal))
    }
}

impl std::fmt::Display for Unwritten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge => write!(f, "more than a delta of {LARGEST_DELTA} bytes can hold"),
            Self::Refused(Some(refusal)) => refusal.fmt(f),
            Self::Refused(None) => f.write_str("expected a later revision to lead to"),
        }
    }
}

impl std::error::Error for Unwritten {}

impl Delta {
    /// Writes a delta with the record in `after` of everything that was touched since `from`. A
    /// touched name that `after` does not contain is listed as removed.
    pub fn write(after: &Packed, touched: &Touched, from: Revision) -> Result<Vec<u8>, Unwritten> {
        let to = after.revision()?;
        if from >= to {
            return Err(Unwritten::Refused(None));
        }
        let (records, gone_sets) = records(after, touched)?;
        let records = records.ok_or(Unwritten::TooLarge)?;
        let is_gone = |digest: &&KeyDigest| after.keys().find(digest).is_none();
        let ids = touched.accounts.iter().map(String::as_str);
        let gone = Gone {
            keys: touched.keys.iter().filter(is_gone).copied().collect(),
            accounts: ids
                .filter(|id| after.accounts().find(id).is_none())
                .collect(),
            sets: gone_sets,
        };
        whole((from, to), &records, &gone).ok_or(Unwritten::TooLarge)
    }
}

/// What a delta lists as gone, each in ascending order.
#[derive(Default)]
pub(super) struct Gone<'t> {
    pub(super) keys: Vec<KeyDigest>,
    pub(super) accounts: Vec<&'t str>,
    pub(super) sets: Vec<&'t str>,
}

/// Returns a delta, or `None` if it is too large.
pub(super) fn whole(
    (from, to): (Revision, Revision),
    records: &Packed,
    gone: &Gone<'_>,
) -> Option<Vec<u8>> {
    let accounts = Lists::collect(gone.accounts.iter().map(|id| id.as_bytes()))?;
    let sets = Lists::collect(gone.sets.iter().map(|name| name.as_bytes()))?;
    let count = |count: usize| u32::try_from(count).ok();
    let mut bytes = Header::write(
        [
            count(gone.keys.len())?,
            count(accounts.len())?,
            count(accounts.pool().len())?,
            count(sets.len())?,
            count(sets.pool().len())?,
        ],
        from.number(),
        to.number(),
    );
    for digest in &gone.keys {
        bytes.extend_from_slice(digest.as_bytes());
    }
    for lists in [&accounts, &sets] {
        lists
            .ends()
            .chunks()
            .for_each(|ends| bytes.extend_from_slice(ends));
        bytes.extend_from_slice(lists.pool());
    }
    for chunk in records.chunks()? {
        bytes.extend_from_slice(&chunk);
    }
    let is_allowed = index(LARGEST_DELTA).is_some_and(|most| bytes.len() <= most);
    is_allowed.then_some(bytes)
}

/// Returns the part of a snapshot that the delta contains: everything that was touched, and what
/// that refers to. Also returns the names of sets that are gone.
fn records<'t>(
    after: &Packed,
    touched: &'t Touched,
) -> Result<(Option<Packed>, Vec<&'t str>), Refusal> {
    let mut head = after.head()?;
    let names = std::mem::take(&mut head.grant_sets);
    let place = |name: &str| names.iter().position(|known| *known.0 == *name);
    let gone = touched.grant_sets.iter().map(String::as_str);
    let gone = gone.filter(|name| place(name).is_none()).collect();
    let named = touched.grant_sets.iter().filter_map(|name| place(name));
    let records = part(after, touched, head, &names, named.collect());
    Ok((records, gone))
}

fn part<'h>(
    after: &Packed,
    touched: &Touched,
    mut head: wire::Head<Text<'h>>,
    names: &[Text<'h>],
    mut sets: BTreeSet<usize>,
) -> Option<Packed> {
    let keys = after.keys();
    let found = touched.keys.iter().filter_map(|digest| keys.find(digest));
    let rows: Vec<KeyRow<'_>> = found.collect();
    let owners = rows.iter().map(|row| row.owner);
    let accounts = Accounts::new(after.accounts(), touched, owners)?;
    let mut ips = BTreeSet::new();
    for row in &rows {
        let terms = keys.terms(row.terms)?;
        sets.extend(
            [terms.grants, terms.connect_grants]
                .into_iter()
                .filter_map(number),
        );
        ips.extend(number(terms.allowed_ips));
    }
    let sets: Vec<usize> = sets.into_iter().collect();
    let ips: Vec<usize> = ips.into_iter().collect();
    let mut records = Vec::with_capacity(rows.len());
    for row in &rows {
        let own = keys.terms(row.terms)?;
        records.push(Record {
            digest: KeyDigest::from_bytes(*row.digest),
            id: keys.context().id(row.id)?,
            owner: AccountIndex(accounts.number(row.owner)?),
            terms: Terms {
                grants: moved(own.grants, &sets)?,
                connect_grants: moved(own.connect_grants, &sets)?,
                allowed_ips: moved(own.allowed_ips, &ips)?,
                ..own
            },
            times: match row.times {
                None => None,
                Some(_) => Some(keys.times(row.times)?),
            },
            user: keys.user(row),
        });
    }
    let ips = Lists::collect(lists(ips.iter().map(|list| keys.context().ips.get(*list)))?)?;
    let (table, key_ids) = table(&records, ips, accounts.kept.len())?;
    head.key_ids = key_ids;
    let grants = granted(after, &sets, &mut head)?;
    head.grant_sets = sets
        .iter()
        .filter_map(|set| names.get(*set).cloned())
        .collect();
    head.empty = rows.is_empty();
    if !touched.contract {
        head.api_versions = None;
        head.catalogue = None;
        head.endpoints = None;
    }
    let head = serde_json::to_vec(&head).ok()?;
    let forest = accounts.forest(after.accounts())?;
    Some(Packed::of_parts(head, forest, grants, table))
}

/// Returns the sets of a delta, with new numbers for the permissions.
fn granted(after: &Packed, sets: &[usize], head: &mut wire::Head<Text<'_>>) -> Option<Lists> {
    let numbers: Vec<u16> = (0..u16::try_from(head.permissions.len()).ok()?).collect();
    let mut used = BTreeSet::new();
    let mut all = Vec::with_capacity(sets.len());
    for set in sets {
        let granted = after.granted(*set, &numbers)?;
        used.extend(granted.iter().map(|(permission, _)| *permission));
        all.push(granted);
    }
    let used: Vec<u16> = used.into_iter().collect();
    let kept = used.iter().filter_map(|permission| {
        let permission = head.permissions.get(usize::from(*permission));
        permission.cloned()
    });
    head.permissions = kept.collect();
    lists_of(&all, &used)
}

/// Encodes sets of grants of permissions that are all in `used`, which is sorted.
pub(super) fn lists_of<T: Ord>(sets: &[Vec<(T, AccessLevel)>], used: &[T]) -> Option<Lists> {
    let mut written = Vec::with_capacity(sets.len());
    for granted in sets {
        let mut list = Vec::with_capacity(granted.len() * GRANT);
        for (permission, level) in granted {
            let number = used.binary_search(permission).ok()?;
            list.extend(Packed::grant(u16::try_from(number).ok()?, *level));
        }
        written.push(list);
    }
    Lists::collect(written.iter().map(Vec::as_slice))
}

/// The accounts of a delta: the touched ones, the owners of its keys, and all accounts above them.
struct Accounts {
    /// Their numbers in the snapshot, sorted, and so also in the order of their ids.
    kept: Vec<u32>,
}

impl Accounts {
    fn new(
        all: &AccountForest,
        touched: &Touched,
        owners: impl Iterator<Item = AccountIndex>,
    ) -> Option<Self> {
        let mut kept = BTreeSet::new();
        let named = touched.accounts.iter().filter_map(|id| all.find(id));
        for account in named.chain(owners) {
            let mut next = Some(account);
            while let Some(account) = next.filter(|account| kept.insert(account.0)) {
                next = all.account(account)?.parent();
            }
        }
        Some(Self {
            kept: kept.into_iter().collect(),
        })
    }

    fn number(&self, account: AccountIndex) -> Option<u32> {
        let place = self.kept.binary_search(&account.0).ok()?;
        u32::try_from(place).ok()
    }

    fn forest(&self, all: &AccountForest) -> Option<AccountForest> {
        let mut ids = Vec::with_capacity(self.kept.len());
        let mut rows = Vec::with_capacity(self.kept.len() * ACCOUNT_ROW);
        for number in &self.kept {
            let account = all.account(AccountIndex(*number))?;
            let parent = match account.parent() {
                None => None,
                Some(parent) => Some(self.number(parent)?),
            };
            ids.push(account.id().as_bytes());
            rows.extend(account.row(parent));
        }
        let rows = Rows::from_bytes(ACCOUNT_ROW, &rows);
        Some(AccountForest::from_rows(Lists::collect(ids)?, rows))
    }
}

fn number(reference: u32) -> Option<usize> {
    index(reference).filter(|_| reference != NONE)
}

/// Returns the new number of a kept entry: its position among the kept ones.
fn moved(reference: u32, kept: &[usize]) -> Option<u32> {
    match number(reference) {
        None => Some(NONE),
        Some(number) => u32::try_from(kept.binary_search(&number).ok()?).ok(),
    }
}

fn lists<'l>(lists: impl Iterator<Item = Option<&'l [u8]>>) -> Option<Vec<&'l [u8]>> {
    lists.collect()
}
