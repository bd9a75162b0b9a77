//! What a publication did, for a caller that reports it.

use crate::feed::present::Present;
use crate::publish::Effect;

/// One new head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A feed was begun, or a new line of it, with a base of so many bytes.
    Begun(u64),
    /// A revision with a delta of so many bytes.
    Delta(u64),
    /// A revision that only its base leads to, of so many bytes.
    Jump(u64),
    /// A new base for the revision that was there, and whether a delta leads to it from the base before.
    Compacted(u64, bool),
}

/// What was published.
#[derive(Clone, Debug)]
pub struct Published {
    /// The revision that the feed leads to.
    pub revision: u64,
    /// When its head was signed, Unix seconds.
    pub issued_at: u64,
    /// How many keys there are.
    pub keys: u64,
    /// How many accounts.
    pub accounts: u64,
    /// How many records changed.
    pub records: usize,
    /// What became of the keys.
    pub effect: Effect,
    /// The heads that were written, in order. Empty if nothing changed: then the present head was signed again.
    pub steps: Vec<Step>,
    /// How many unused objects were removed.
    pub removed: usize,
    /// What a person should know of a feed that changed hands.
    pub note: Option<String>,
    /// Why garbage was not collected, if so. The publication is good without it.
    pub uncollected: Option<String>,
}

impl Published {
    /// Nothing yet, on what is there.
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
