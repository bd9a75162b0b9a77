//! The forest of accounts, in rows sorted by id. Look-ups use binary search and read the rows in
//! place.

use std::sync::Arc;

use super::ancestors::first_in_a_cycle;
use super::changed::{Changed, ChangedAccounts};
use super::number::AccountIndex;
use super::record::{
    ACCOUNT_ROW, Account, FLAGS, LISTED_CHILDREN, ListedAccount, NO_PARENT, flags,
};
use super::{AccountPath, Children, IdKind, IdPrefixes};
use crate::order::{seconds_of_equals, sorted_numbers};
use crate::rows::{Lists, Rows, index, number_at};

/// Why a forest cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForestFault {
    /// Two accounts have the same id.
    DuplicateId,
    /// A parent is not listed.
    DanglingParent,
    /// An account is among its own ancestors.
    Cycle,
    /// An organization is below an account.
    OrganizationWithParent,
    /// There are more accounts, or longer ids, than a forest can contain.
    TooMany,
}

/// Why rows that were read are not a forest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowFault {
    /// A fault that a list of accounts may also have.
    Forest(ForestFault),
    /// The id is not an account's or organization's, or its kind differs from the row's.
    Id,
    /// An id does not sort after the previous one.
    Order,
    /// The flags are unknown, or contradict the other rows.
    Flags,
}

/// The accounts of a snapshot. Every parent is listed, and parents form no cycle. Copies share the
/// tables.
#[derive(Clone)]
pub struct AccountForest {
    tables: Arc<Tables>,
    /// Accounts that deltas changed, in front of the tables.
    changed: Option<Arc<ChangedAccounts>>,
}

struct Tables {
    ids: Lists,
    rows: Rows,
}

impl AccountForest {
    /// Builds a forest from accounts in any order. A fault contains the place in `listed`.
    pub fn new(listed: &[ListedAccount<'_>]) -> Result<Self, (usize, ForestFault)> {
        Self::build(listed, &mut |place, fault| Err((place, fault)))
    }

    /// Like [`Self::new`], but `fault` may accept a fault. In that case, a second account with the
    /// same id is left out, and an account whose parent is at fault has no parent.
    pub(crate) fn build<E>(
        listed: &[ListedAccount<'_>],
        fault: &mut dyn FnMut(usize, ForestFault) -> Result<(), E>,
    ) -> Result<Self, E> {
        let id_of = |place: usize| listed.get(place).map_or("", |account| account.id);
        let compare = |a: usize, b: usize| id_of(a).cmp(id_of(b));
        let mut sorted = sorted_numbers(listed.len(), &compare);
        let seconds = seconds_of_equals(&sorted, &compare);
        for place in &seconds {
            fault(*place, ForestFault::DuplicateId)?;
        }
        sorted.retain(|place| !seconds.contains(place));
        let place_of = |id: &str| {
            let found = sorted.binary_search_by(|place| id_of(*place).cmp(id));
            sorted.get(found.ok()?).copied()
        };
        let mut parents = Vec::with_capacity(listed.len());
        let mut has_children = vec![false; listed.len()];
        for (place, account) in listed.iter().enumerate() {
            let parent = match account.parent {
                Some(_) if account.kind == IdKind::Organization => {
                    fault(place, ForestFault::OrganizationWithParent)?;
                    None
                }
                Some(id) => {
                    let parent = place_of(id);
                    if parent.is_none() {
                        fault(place, ForestFault::DanglingParent)?;
                    }
                    parent
                }
                None => None,
            };
            if let Some(above) = parent.and_then(|parent| has_children.get_mut(parent)) {
                *above = true;
            }
            parents.push(parent);
        }
        while let Some(place) = first_in_a_cycle(&parents) {
            fault(place, ForestFault::Cycle)?;
            if let Some(parent) = parents.get_mut(place) {
                *parent = None;
            }
        }
        let mut numbers = vec![NO_PARENT; listed.len()];
        for (number, place) in sorted.iter().enumerate() {
            if let Some(of_place) = numbers.get_mut(*place) {
                *of_place = u32::try_from(number).unwrap_or(NO_PARENT);
            }
        }
        let mut rows = Vec::with_capacity(listed.len() * ACCOUNT_ROW);
        for place in &sorted {
            let Some(account) = listed.get(*place) else {
                continue;
            };
            let parent = parents.get(*place).copied().flatten();
            let parent = parent.and_then(|parent| numbers.get(parent).copied());
            rows.extend(parent.unwrap_or(NO_PARENT).to_le_bytes());
            let is_above = has_children.get(*place) == Some(&true);
            rows.push(flags(account, is_above));
        }
        let ids = Lists::collect(sorted.iter().map(|place| id_of(*place).as_bytes()));
        let (Some(ids), true) = (
            ids,
            u32::try_from(listed.len()).is_ok_and(|count| count < NO_PARENT),
        ) else {
            fault(0, ForestFault::TooMany)?;
            return Self::build(&[], fault);
        };
        Ok(Self::from_rows(ids, Rows::from_bytes(ACCOUNT_ROW, &rows)))
    }

    /// Wraps rows without checking them. [`Self::check`] does that.
    pub(crate) fn from_rows(ids: Lists, rows: Rows) -> Self {
        Self {
            tables: Arc::new(Tables { ids, rows }),
            changed: None,
        }
    }

    /// Returns the same accounts with other changes in front of the tables.
    pub(crate) fn with_changed(&self, changed: ChangedAccounts) -> Self {
        Self {
            tables: Arc::clone(&self.tables),
            changed: Some(Arc::new(changed)),
        }
    }

    /// Returns the accounts that changed since the tables were made.
    pub(crate) fn changed(&self) -> ChangedAccounts {
        let changed = self.changed.as_deref().cloned();
        changed.unwrap_or_default()
    }

    /// Returns the number that an id has or had, whether or not the account still exists.
    pub(crate) fn number(&self, id: &str) -> Option<AccountIndex> {
        let added = || self.changed.as_ref()?.number(id, self.tables.rows.len());
        self.in_tables(id).or_else(added)
    }

    /// Returns how many accounts differ from the tables.
    pub(crate) fn changed_len(&self) -> usize {
        self.changed.as_ref().map_or(0, |changed| changed.len())
    }

    /// Returns the number of accounts in the tables, changed or not.
    pub(crate) fn table_len(&self) -> usize {
        self.tables.rows.len()
    }

    /// Whether both have the same tables, so that a number of the tables is the same account's.
    pub(crate) fn has_the_tables_of(&self, other: &Self) -> bool {
        let (one, other) = (&self.tables, &other.tables);
        Arc::ptr_eq(one, other)
            || (one.ids.are_the_same_as(&other.ids) && one.rows.iter().eq(other.rows.iter()))
    }

    /// Whether the tables have the say of this account.
    pub(crate) fn is_as_in_tables(&self, account: AccountIndex) -> bool {
        let count = self.tables.rows.len();
        let place = index(account.0).filter(|place| *place < count);
        place.is_some_and(|place| match &self.changed {
            None => true,
            Some(changed) => matches!(changed.at(place, count), Changed::No),
        })
    }

    /// The numbers of accounts that are not as the tables say.
    pub(crate) fn changed_numbers(&self) -> impl Iterator<Item = AccountIndex> {
        let count = self.tables.rows.len();
        let changed = self.changed.as_deref();
        let places = changed.into_iter().flat_map(move |it| it.places(count));
        places.filter_map(|place| u32::try_from(place).ok().map(AccountIndex))
    }

    pub(crate) fn ids(&self) -> &Lists {
        &self.tables.ids
    }

    pub(crate) fn rows(&self) -> &Rows {
        &self.tables.rows
    }

    /// Checks that the rows are what [`Self::new`] would have built from their accounts. A fault
    /// contains the row.
    pub(crate) fn check(&self, prefixes: &IdPrefixes) -> Result<(), (usize, RowFault)> {
        let Tables { ids, rows } = &*self.tables;
        let is_whole = ids.are_whole() && ids.len() == rows.len() && self.changed.is_none();
        if !is_whole {
            return Err((0, RowFault::Id));
        }
        let mut before: Option<&str> = None;
        let mut parents = Vec::with_capacity(self.len());
        let mut has_children = vec![false; self.len()];
        for place in 0..self.len() {
            let account = self.at(place).ok_or((place, RowFault::Id))?;
            if prefixes.kind(account.id) != Some(account.kind()) {
                return Err((place, RowFault::Id));
            }
            match before.map(|before| before.cmp(account.id)) {
                None | Some(std::cmp::Ordering::Less) => before = Some(account.id),
                Some(std::cmp::Ordering::Equal) => {
                    return Err((place, RowFault::Forest(ForestFault::DuplicateId)));
                }
                Some(std::cmp::Ordering::Greater) => return Err((place, RowFault::Order)),
            }
            if account.flags & !FLAGS != 0 {
                return Err((place, RowFault::Flags));
            }
            let fault = |fault| (place, RowFault::Forest(fault));
            if account.parent.is_some() && account.kind() == IdKind::Organization {
                return Err(fault(ForestFault::OrganizationWithParent));
            }
            let parent = match account.parent {
                None => None,
                Some(parent) => {
                    let above = index(parent.0).filter(|above| *above < self.len());
                    Some(above.ok_or(fault(ForestFault::DanglingParent))?)
                }
            };
            if let Some(above) = parent.and_then(|parent| has_children.get_mut(parent)) {
                *above = true;
            }
            parents.push(parent);
        }
        if let Some(place) = first_in_a_cycle(&parents) {
            return Err((place, RowFault::Forest(ForestFault::Cycle)));
        }
        let said = |place| self.at(place).map(|account| account.has(LISTED_CHILDREN));
        has_children
            .iter()
            .enumerate()
            .position(|(place, is_above)| said(place) != Some(*is_above))
            .map_or(Ok(()), |place| Err((place, RowFault::Flags)))
    }

    /// Returns the number of accounts.
    #[must_use]
    pub fn len(&self) -> usize {
        let count = self.tables.rows.len();
        let changed = self.changed.as_ref();
        changed.map_or(count, |changed| changed.count(count))
    }

    /// Returns whether the forest contains no account.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns all accounts, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = Account<'_>> {
        let count = self.tables.rows.len();
        let mut added = match &self.changed {
            Some(changed) => changed.in_order(count),
            None => Vec::new(),
        }
        .into_iter()
        .filter_map(|place| self.at(place))
        .peekable();
        let mut listed = (0..count).filter_map(|place| self.at(place)).peekable();
        std::iter::from_fn(move || match (listed.peek(), added.peek()) {
            (Some(first), Some(second)) if second.id < first.id => added.next(),
            (Some(_), _) => listed.next(),
            (None, _) => added.next(),
        })
    }

    /// Returns the account with that id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<AccountIndex> {
        match &self.changed {
            None => self.in_tables(id),
            Some(_) => self.number(id).filter(|it| self.account(*it).is_some()),
        }
    }

    fn in_tables(&self, id: &str) -> Option<AccountIndex> {
        let (mut low, mut high) = (0, self.tables.rows.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.tables.ids.get(middle)?.cmp(id.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return u32::try_from(middle).ok().map(AccountIndex),
            }
        }
        None
    }

    /// Returns the account at an index of this forest.
    #[must_use]
    pub fn account(&self, account: AccountIndex) -> Option<Account<'_>> {
        self.at(index(account.0)?)
    }

    fn at(&self, place: usize) -> Option<Account<'_>> {
        let Tables { ids, rows } = &*self.tables;
        if let Some(changed) = &self.changed {
            match changed.at(place, rows.len()) {
                Changed::No => {}
                Changed::Gone => return None,
                Changed::Moved(row) => {
                    let id = std::str::from_utf8(ids.get(place)?).ok()?;
                    return Some(Account::of_changed(id, row));
                }
                Changed::Added(id, row) => return Some(Account::of_changed(id, row)),
            }
        }
        Account::read(ids.get(place)?, rows.row(place)?)
    }

    /// Returns the root of the tree that contains `account`.
    #[must_use]
    pub fn root(&self, account: AccountIndex) -> Option<Account<'_>> {
        // No tree is higher than the forest is large, so this ends whatever the rows contain.
        let Some(changed) = &self.changed else {
            // Does not read the ids below the root.
            let mut place = index(account.0)?;
            for _ in 0..self.table_len() {
                match number_at(self.tables.rows.row(place)?, 0, 4)? {
                    NO_PARENT => return self.at(place),
                    parent => place = index(parent)?,
                }
            }
            return None;
        };
        let mut account = self.account(account)?;
        for _ in 0..self.table_len().saturating_add(changed.added()) {
            match account.parent {
                None => return Some(account),
                Some(parent) => account = self.account(parent)?,
            }
        }
        None
    }

    /// Returns whether `path` leads from `start` to an account only along parent-to-child edges,
    /// none of them suspended. Below an account whose children are [`Children::Any`], one unlisted
    /// id may follow if `accepts` returns true for it.
    #[must_use]
    pub fn reaches(
        &self,
        start: AccountIndex,
        path: AccountPath<'_>,
        accepts: impl Fn(&str) -> bool,
    ) -> bool {
        let mut here = Some(start);
        path.segments().all(|id| {
            let Some(account) = here.and_then(|index| self.account(index)) else {
                return false;
            };
            match self.find(id) {
                Some(child) => {
                    let below = here;
                    here = Some(child);
                    self.account(child)
                        .is_some_and(|child| child.parent == below && !child.is_suspended())
                }
                None => {
                    here = None;
                    account.children() == Children::Any && accepts(id)
                }
            }
        })
    }
}

impl std::fmt::Debug for AccountForest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AccountForest({} accounts)", self.len())
    }
}
