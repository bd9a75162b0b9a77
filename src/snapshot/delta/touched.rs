//! Lists what changed between two revisions, by name only. A publisher adds up what single changes
//! touched, so a delta over many of them has the final record of everything that any of them
//! touched, including records that changed and changed back.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::Delta;
use super::alike::Alike;
use crate::account::{Account, AccountForest, AccountIndex};
use crate::digest::KeyDigest;
use crate::snapshot::Snapshot;
use crate::snapshot::key_place::KeyPlace;
use crate::snapshot::view::{KeyView, Set};

/// The names of everything that was touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Keys.
    pub keys: BTreeSet<KeyDigest>,
    /// Accounts, by id.
    pub accounts: BTreeSet<String>,
    /// Grant sets, by name.
    pub grant_sets: BTreeSet<String>,
    /// Endpoints, the catalogue or versions of the API.
    pub contract: bool,
}

impl Touched {
    /// Returns what differs between two states.
    #[must_use]
    pub fn between(before: &Snapshot, after: &Snapshot) -> Self {
        let mut touched = Self::of_tables(before, after);
        touched.compare_keys(before, after);
        touched
    }

    /// Returns what differs apart from keys.
    fn of_tables(before: &Snapshot, after: &Snapshot) -> Self {
        let mut touched = Self {
            contract: before.contract() != after.contract(),
            ..Self::default()
        };
        touched.compare_accounts(before.accounts(), after.accounts());
        for (one, other) in [(before, after), (after, before)] {
            for (name, grants) in one.grants.named() {
                let twin = other.grants.find(name);
                let twin = twin.and_then(|number| other.grants.get(number));
                let is_same = twin.is_some_and(|twin| {
                    grants.written(one.permissions()) == twin.written(other.permissions())
                });
                if !is_same {
                    touched.grant_sets.insert(name.to_owned());
                }
            }
        }
        touched
    }

    fn compare_accounts(&mut self, before: &AccountForest, after: &AccountForest) {
        if !before.has_the_tables_of(after) {
            let order = |old: &Account<'_>, new: &Account<'_>| old.id().cmp(new.id());
            for (old, new) in beside(before.iter(), after.iter(), order) {
                self.compare_account((before, old), (after, new));
            }
            return;
        }
        for (one, other) in [(before, after), (after, before)] {
            for account in changed(one, other) {
                let twin = other.find(account.id());
                let twin = twin.and_then(|twin| other.account(twin));
                self.compare_account((one, Some(account)), (other, twin));
            }
        }
    }

    /// Compares an account of each forest, which have the same id.
    fn compare_account(
        &mut self,
        (one, old): (&AccountForest, Option<Account<'_>>),
        (other, new): (&AccountForest, Option<Account<'_>>),
    ) {
        let is_same = old.zip(new).is_some_and(|(old, new)| {
            let above = old.parent().and_then(|parent| one.account(parent));
            let twin = new.parent().and_then(|parent| other.account(parent));
            old.has_the_flags_of(&new) && id(above) == id(twin)
        });
        if !is_same {
            let either = old.or(new);
            self.accounts
                .extend(either.map(|account| account.id().to_owned()));
        }
    }

    fn compare_keys(&mut self, before: &Snapshot, after: &Snapshot) {
        let are_alike = before.accounts().has_the_tables_of(after.accounts());
        let mut alike = Alike::new(before, after, are_alike);
        for (old, new) in beside(before.places(), after.places(), KeyPlace::order) {
            let rows = alike.rows(old.as_ref(), new.as_ref());
            if rows.is_some_and(|rows| alike.are_known(&rows)) {
                continue;
            }
            let views = (
                old.and_then(|place| before.view_at(&place)),
                new.and_then(|place| after.view_at(&place)),
            );
            match (views, rows) {
                ((None, None), _) => {}
                ((Some(a), Some(b)), rows) if same(&a, before, &b, after, are_alike) => {
                    if let Some(rows) = rows {
                        alike.note(&rows);
                    }
                }
                ((_, _), _) => {
                    self.keys.extend(old.or(new).map(|place| place.digest()));
                }
            }
        }
    }

    /// Returns which of these names differ between two states. Compares no keys other than the
    /// named ones.
    #[must_use]
    pub fn among(&self, before: &Snapshot, after: &Snapshot) -> Self {
        let are_alike = before.accounts().has_the_tables_of(after.accounts());
        Self {
            keys: self.keys_among(before, after, are_alike),
            ..Self::of_tables(before, after)
        }
    }

    /// Returns which of these keys and accounts differ between two states. Compares nothing else,
    /// so each state may be only a part of one.
    #[must_use]
    pub fn records_among(&self, before: &Snapshot, after: &Snapshot) -> Self {
        let mut differing = Self {
            keys: self.keys_among(before, after, false),
            ..Self::default()
        };
        let (one, other) = (before.accounts(), after.accounts());
        for id in &self.accounts {
            let old = one.find(id).and_then(|number| one.account(number));
            let new = other.find(id).and_then(|number| other.account(number));
            differing.compare_account((one, old), (other, new));
        }
        differing
    }

    fn keys_among(
        &self,
        before: &Snapshot,
        after: &Snapshot,
        are_alike: bool,
    ) -> BTreeSet<KeyDigest> {
        let differs = |digest: &&KeyDigest| match (before.view(digest), after.view(digest)) {
            (None, None) => false,
            (Some(old), Some(new)) => !same(&old, before, &new, after, are_alike),
            (None, Some(_)) | (Some(_), None) => true,
        };
        self.keys.iter().filter(differs).copied().collect()
    }

    /// Returns everything that a delta has a record of or lists as removed.
    #[must_use]
    pub fn of(delta: &Delta) -> Self {
        let records = &delta.records;
        let digests = records.keys().places().map(|place| place.digest());
        let accounts = records.accounts().iter();
        let accounts = accounts.map(|account| account.id().to_owned());
        let sets = records.set_names();
        Self {
            keys: digests.chain(delta.gone_keys()).collect(),
            accounts: accounts
                .chain(delta.gone_accounts().map(str::to_owned))
                .collect(),
            grant_sets: sets
                .into_iter()
                .chain(delta.gone_sets().map(str::to_owned))
                .collect(),
            contract: records.has_contract(),
        }
    }

    /// Adds everything that `other` touched.
    pub fn add(&mut self, other: Self) {
        let Self {
            keys,
            accounts,
            grant_sets,
            contract,
        } = other;
        self.keys.extend(keys);
        self.accounts.extend(accounts);
        self.grant_sets.extend(grant_sets);
        self.contract |= contract;
    }

    /// Returns how many things were touched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len() + self.accounts.len() + self.grant_sets.len() + usize::from(self.contract)
    }

    /// Returns whether nothing was touched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Pairs what is equal in two ordered sequences, and everything else with nothing. A look-up costs
/// far more than a step.
fn beside<T>(
    old: impl Iterator<Item = T>,
    new: impl Iterator<Item = T>,
    order: impl Fn(&T, &T) -> Ordering,
) -> impl Iterator<Item = (Option<T>, Option<T>)> {
    let (mut old, mut new) = (old.peekable(), new.peekable());
    std::iter::from_fn(move || {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => order(old, new),
        };
        Some((
            old.next_if(|_| order.is_le()),
            new.next_if(|_| order.is_ge()),
        ))
    })
}

/// The accounts of one forest that may not be as the other one, with the same tables, says: those that changed since.
fn changed<'f>(
    one: &'f AccountForest,
    other: &'f AccountForest,
) -> impl Iterator<Item = Account<'f>> {
    let in_tables = move |number: &AccountIndex| one.is_as_in_tables(*number);
    let others = other.changed_numbers().filter(in_tables);
    let numbers = one.changed_numbers().chain(others);
    numbers.filter_map(|number| one.account(number))
}

/// Whether two records say the same, each in its snapshot. `are_alike` says that both have the same tables of accounts.
fn same(
    a: &KeyView<'_>,
    of_a: &Snapshot,
    b: &KeyView<'_>,
    of_b: &Snapshot,
    are_alike: bool,
) -> bool {
    let sets = |a: &Set<'_>, b: &Set<'_>| match (a, b) {
        (Set::None, Set::None) => true,
        (Set::Named(a), Set::Named(b)) => a == b,
        (Set::Own(a), Set::Own(b)) => {
            a.written(of_a.permissions()) == b.written(of_b.permissions())
        }
        (Set::None | Set::Named(_) | Set::Own(_), _) => false,
    };
    a.says_the_same(b)
        && same_owner((a, of_a), (b, of_b), are_alike)
        && sets(&a.grants, &b.grants)
        && sets(&a.connect_grants, &b.connect_grants)
}

fn same_owner(
    (a, of_a): (&KeyView<'_>, &Snapshot),
    (b, of_b): (&KeyView<'_>, &Snapshot),
    are_alike: bool,
) -> bool {
    let (one, other) = (of_a.accounts(), of_b.accounts());
    // The number says it without a look at the ids, which are all over the memory.
    let is_plain = are_alike
        && a.owner == b.owner
        && one.is_as_in_tables(a.owner)
        && other.is_as_in_tables(b.owner);
    is_plain || id(one.account(a.owner)) == id(other.account(b.owner))
}

fn id<'a>(account: Option<Account<'a>>) -> Option<&'a str> {
    account.map(|account| account.id())
}
