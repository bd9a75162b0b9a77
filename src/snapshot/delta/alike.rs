//! Rows of two tables of keys that say the same. Rows refer to accounts, terms, times and users by
//! number, so two tables may spell one key in two ways. Once two keys were compared in full, their
//! numbers are known to mean the same, and other rows with these numbers need no look at the tables.

use crate::account::AccountIndex;
use crate::rows::index;
use crate::snapshot::Snapshot;
use crate::snapshot::key_place::KeyPlace;
use crate::snapshot::table::{IdSpelling, KeyRow};

/// No number.
const NONE: u32 = u32::MAX;

/// What is known of the numbers of two snapshots.
pub(super) struct Alike<'s> {
    before: &'s Snapshot,
    after: &'s Snapshot,
    /// Whether equal bytes of a row are equal ids.
    have_one_coding: bool,
    /// Whether equal rows read the same.
    have_one_layout: bool,
    owners: Pairs,
    terms: Pairs,
    times: Pairs,
    users: Pairs,
}

impl<'s> Alike<'s> {
    /// Knows nothing yet. `are_alike` says that both have the same tables of accounts.
    pub(super) fn new(before: &'s Snapshot, after: &'s Snapshot, are_alike: bool) -> Self {
        let context = before.keys.context();
        let mut owners = Pairs::new(context.accounts);
        if are_alike {
            let (one, other) = (before.accounts(), after.accounts());
            let numbers = (0_u32..).zip(&mut owners.0);
            for (number, known) in numbers {
                let account = AccountIndex(number);
                if one.is_as_in_tables(account) && other.is_as_in_tables(account) {
                    *known = number;
                }
            }
        }
        Self {
            before,
            after,
            have_one_coding: context.coding == after.keys.context().coding,
            have_one_layout: before.keys.columns == after.keys.columns,
            owners,
            terms: Pairs::new(context.terms.len()),
            times: Pairs::new(context.times.len()),
            users: Pairs::new(context.users.len()),
        }
    }

    /// Reads two rows, if both places have one.
    pub(super) fn rows(
        &self,
        old: Option<&KeyPlace<'s>>,
        new: Option<&KeyPlace<'s>>,
    ) -> Option<(KeyRow<'s>, KeyRow<'s>)> {
        let (old, new) = (old?.row?, new?.row?);
        let read = self.before.keys.read(old)?;
        match self.have_one_layout && old == new {
            true => Some((read, read)),
            false => Some((read, self.after.keys.read(new)?)),
        }
    }

    /// Whether two rows are known to say the same. If not, they may do so nevertheless.
    pub(super) fn are_known(&self, (old, new): &(KeyRow<'_>, KeyRow<'_>)) -> bool {
        let ids = match (old.id, new.id) {
            (IdSpelling::Coded(old), IdSpelling::Coded(new)) => self.have_one_coding && old == new,
            (IdSpelling::Coded(_) | IdSpelling::Other(_), _) => false,
        };
        let optional = |pairs: &Pairs, old: Option<u32>, new: Option<u32>| match (old, new) {
            (None, None) => true,
            (Some(old), Some(new)) => pairs.has(old, new),
            (None, Some(_)) | (Some(_), None) => false,
        };
        ids && self.owners.has(old.owner.0, new.owner.0)
            && self.terms.has(old.terms, new.terms)
            && optional(&self.times, old.times, new.times)
            && optional(&self.users, old.user, new.user)
    }

    /// Notes two rows that were compared in full and say the same.
    pub(super) fn note(&mut self, (old, new): &(KeyRow<'_>, KeyRow<'_>)) {
        self.owners.note(old.owner.0, new.owner.0);
        self.terms.note(old.terms, new.terms);
        if let (Some(old), Some(new)) = (old.times, new.times) {
            self.times.note(old, new);
        }
        if let (Some(old), Some(new)) = (old.user, new.user) {
            self.users.note(old, new);
        }
    }
}

/// For each number of the first table, a number of the second that means the same.
struct Pairs(Vec<u32>);

impl Pairs {
    fn new(count: usize) -> Self {
        Self(vec![NONE; count])
    }

    fn has(&self, old: u32, new: u32) -> bool {
        let known = index(old).and_then(|old| self.0.get(old));
        new != NONE && known == Some(&new)
    }

    fn note(&mut self, old: u32, new: u32) {
        if let Some(known) = index(old).and_then(|old| self.0.get_mut(old)) {
            *known = new;
        }
    }
}
