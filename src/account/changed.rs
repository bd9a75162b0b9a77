//! Accounts that changed since the tables of a forest were made. They are in front of those tables.
//! An account keeps the number that it had in the tables, so that rows of keys still refer to it
//! correctly. A new account gets a number after theirs, and keeps it even if the account is removed
//! and returns.

use std::sync::Arc;

use super::number::AccountIndex;
use crate::rows::index;

/// The current content of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChangedRow {
    pub(super) parent: Option<AccountIndex>,
    pub(super) flags: u8,
}

/// Accounts that differ from the tables.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChangedAccounts {
    /// Changed accounts by their number in the tables, sorted. `None` marks an account that is
    /// gone.
    moved: Vec<(usize, Option<ChangedRow>)>,
    /// Accounts that are not in the tables, in the order they were added.
    added: Vec<(Arc<str>, Option<ChangedRow>)>,
    /// Places in `added`, in the order of the ids.
    by_id: Vec<usize>,
}

/// How an account differs from the tables.
pub(super) enum Changed<'a> {
    /// The account is unchanged.
    No,
    /// The account does not exist.
    Gone,
    /// The account is in the tables and has this new content.
    Moved(ChangedRow),
    /// The account is not in the tables.
    Added(&'a str, ChangedRow),
}

impl ChangedAccounts {
    /// Returns the account at `place` of a forest whose tables have `count` accounts.
    pub(super) fn at(&self, place: usize, count: usize) -> Changed<'_> {
        if let Some(place) = place.checked_sub(count) {
            return match self.added.get(place) {
                Some((id, Some(row))) => Changed::Added(id, *row),
                Some((_, None)) | None => Changed::Gone,
            };
        }
        let found = self.moved.binary_search_by_key(&place, |(of, _)| *of);
        match found.ok().and_then(|found| self.moved.get(found)) {
            None => Changed::No,
            Some((_, None)) => Changed::Gone,
            Some((_, Some(row))) => Changed::Moved(*row),
        }
    }

    /// Returns the number of an account that is not in the tables, which have `count` accounts. The
    /// account may be present or removed.
    pub(super) fn number(&self, id: &str, count: usize) -> Option<AccountIndex> {
        let place = *self.by_id.get(self.search(id).ok()?)?;
        u32::try_from(place.checked_add(count)?)
            .ok()
            .map(AccountIndex)
    }

    fn search(&self, id: &str) -> Result<usize, usize> {
        let id_of = |place: &usize| self.added.get(*place).map_or("", |(id, _)| id);
        self.by_id.binary_search_by(|place| id_of(place).cmp(id))
    }

    /// Returns how many accounts exist, if the tables have `count`.
    pub(super) fn count(&self, count: usize) -> usize {
        let gone = self.moved.iter().filter(|(_, row)| row.is_none()).count();
        let added = self.added.iter().filter(|(_, row)| row.is_some()).count();
        count.saturating_sub(gone).saturating_add(added)
    }

    /// Returns the numbers of the accounts that are not in the tables, which have `count` accounts,
    /// in the order of their ids.
    pub(super) fn in_order(&self, count: usize) -> Vec<usize> {
        let places = self.by_id.iter();
        places
            .filter_map(|place| place.checked_add(count))
            .collect()
    }

    /// Returns how many accounts are not in the tables, present or removed.
    pub(super) fn added(&self) -> usize {
        self.added.len()
    }

    /// The numbers of all that are not as tables of `count` say.
    pub(super) fn places(&self, count: usize) -> impl Iterator<Item = usize> {
        let moved = self.moved.iter().map(|(place, _)| *place);
        let added = 0..self.added.len();
        moved.chain(added.filter_map(move |place| place.checked_add(count)))
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.moved.len() + self.added.len()
    }

    /// Returns a number for an id that the forest does not know, or `None` if all numbers are in
    /// use.
    pub(crate) fn add(&mut self, id: &str, count: usize) -> Option<AccountIndex> {
        let place = self.added.len();
        let number = u32::try_from(place.checked_add(count)?).ok();
        let number = number.filter(|number| *number != u32::MAX)?;
        let at = match self.search(id) {
            Ok(_) => return self.number(id, count),
            Err(at) => at,
        };
        self.by_id.insert(at, place);
        self.added.push((id.into(), None));
        Some(AccountIndex(number))
    }

    /// Sets the content of the account with that number. `None` marks it as gone.
    pub(crate) fn set(&mut self, number: AccountIndex, count: usize, row: Option<ChangedRow>) {
        let Some(place) = index(number.0) else {
            return;
        };
        if let Some(place) = place.checked_sub(count) {
            if let Some((_, known)) = self.added.get_mut(place) {
                *known = row;
            }
            return;
        }
        match self.moved.binary_search_by_key(&place, |(of, _)| *of) {
            Ok(found) => {
                if let Some((_, known)) = self.moved.get_mut(found) {
                    *known = row;
                }
            }
            Err(at) => self.moved.insert(at, (place, row)),
        }
    }
}
