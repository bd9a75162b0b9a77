//! Lists: newest first, in pages. A page begins after the last record of the previous one, so new
//! records do not shift it.

mod accounts;
mod activity;
mod filter;
mod keys;
mod sessions;
mod ways;

pub use accounts::AccountFilter;
pub use activity::ActivityFilter;
pub use filter::{KeyFilter, KeyState};

pub(super) use accounts::accounts;
pub(super) use activity::activity;
pub(super) use keys::{keys, matching};
pub(super) use sessions::sessions;

/// Which page of a list. Most lists are in the order of a record's number; `At` is the position in any other order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<At = u64> {
    /// Where it begins.
    pub from: From<At>,
    /// How many records it has at most.
    pub limit: u32,
}

/// Where a page begins. Numbers are those of the records' sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From<At = u64> {
    /// With the newest record.
    Newest,
    /// With the next older one than this.
    OlderThan(At),
    /// So that it ends with the next newer one than this.
    NewerThan(At),
}

/// A page that was read, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// The records.
    pub records: Vec<T>,
    /// Whether there are records older than its last.
    pub has_older: bool,
    /// Whether there are records newer than its first.
    pub has_newer: bool,
}

use super::columns::signed;
use super::error::Result;
use super::scope::Where;

impl Page {
    /// Limits a statement to the page plus one record. The column is the table's number.
    fn limit(self, limits: &mut Where, column: &str) -> Result<String> {
        if let Some(bound) = self.bound(limits)? {
            limits.and(&format!("{column} {bound}"));
        }
        Ok(self.tail(column))
    }

    /// Returns where the page begins, as the end of a condition.
    fn bound(self, limits: &mut Where) -> Result<Option<String>> {
        let (sign, number) = match self.from {
            From::Newest => return Ok(None),
            From::OlderThan(number) => ("<", number),
            From::NewerThan(number) => (">", number),
        };
        let number = limits.value(signed(number)?);
        Ok(Some(format!("{sign} {number}")))
    }

    /// Returns the page's order, and a limit of one record more than the page has.
    fn tail(self, column: &str) -> String {
        let more = self.limit.saturating_add(1);
        let order = match self.from {
            From::Newest | From::OlderThan(_) => "DESC",
            From::NewerThan(_) => "ASC",
        };
        format!("ORDER BY {column} {order} LIMIT {more}")
    }
}

impl<At> Page<At> {
    /// The page of what was read in its order, with one record more than it has.
    pub(super) fn of<T>(self, mut records: Vec<T>) -> Listed<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = records.len() > limit;
        records.truncate(limit);
        let (has_older, has_newer) = match self.from {
            From::Newest => (has_more, false),
            From::OlderThan(_) => (has_more, true),
            From::NewerThan(_) => {
                records.reverse();
                (true, has_more)
            }
        };
        Listed {
            records,
            has_older,
            has_newer,
        }
    }
}
