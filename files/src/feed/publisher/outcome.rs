//! The result of a publication, for a caller that reports it.

use crate::feed::present::Present;
use crate::publish::Effect;

/// One new head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A new feed or line, with a base of this many bytes.
    Begun(u64),
    /// A revision with a delta of this many bytes.
    Delta(u64),
    /// A revision to which only a base leads, of this many bytes.
    Jump(u64),
    /// A new base of this many bytes for the same revision, and whether a delta leads to it from
    /// the previous base.
    Compacted(u64, bool),
}

/// What was published.
#[derive(Clone, Debug)]
pub struct Published {
    /// The revision to which the feed leads.
    pub revision: u64,
    /// When its head was signed, in Unix seconds.
    pub issued_at: u64,
    /// The number of keys.
    pub keys: u64,
    /// The number of accounts.
    pub accounts: u64,
    /// The number of changed records.
    pub records: usize,
    /// The effect on the keys.
    pub effect: Effect,
    /// The heads that were written, in order. Empty if nothing changed and the present head was
    /// only signed again.
    pub steps: Vec<Step>,
    /// The number of unused objects that were removed.
    pub removed: usize,
    /// A note for people if the source of the feed changed.
    pub note: Option<String>,
    /// Why garbage was not collected, if that failed. The publication is valid without it.
    pub uncollected: Option<String>,
}

impl Published {
    /// Creates an outcome without any steps yet, for the present feed.
    pub(super) fn of(present: &Present, effect: Effect) -> Self {
        Self {
            revision: present.head.revision.number(),
            issued_at: present.head.issued_at,
            keys: present.head.keys,
            accounts: present.head.accounts,
            records: 0,
            effect,
            steps: Vec::new(),
            removed: 0,
            note: None,
            uncollected: None,
        }
    }
}
