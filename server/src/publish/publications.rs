//! Which revision of a feed contains which change. It remembers only the last ones: for an
//! earlier change it is enough to know that a later revision also contains it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// How many publications it remembers.
const KEPT: usize = 4_096;

/// One publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Publication {
    through: u64,
    wanted: Wanted,
}

/// What a gateway must serve to have a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The revision that contains the change, as do all later ones.
    pub(crate) revision: u64,
    /// When the last head without the change was signed, Unix seconds.
    pub(crate) last_without: u64,
}

/// The publications of one feed by this process.
#[derive(Debug, Default)]
pub(crate) struct Publications(Mutex<VecDeque<Publication>>);

impl Publications {
    /// The feed leads to `revision`, which contains every change up to `through`. The previous head was signed at `before`.
    pub(super) fn note(&self, revision: u64, through: u64, before: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = all.back().map(|last| last.wanted);
        let wanted = match last {
            // The change altered nothing that gateways receive.
            Some(last) if last.revision == revision => last,
            Some(_) | None => Wanted {
                revision,
                last_without: before,
            },
        };
        if all.len() >= KEPT {
            all.pop_front();
        }
        all.push_back(Publication { through, wanted });
    }

    /// What a gateway must serve to have a change, if the change is published.
    pub(crate) fn wanted(&self, change: u64) -> Option<Wanted> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = all.partition_point(|publication| publication.through < change);
        all.get(at).map(|publication| publication.wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_revision_that_has_a_change_is_wanted() {
        let all = Publications::default();
        assert_eq!(all.wanted(1), None);
        all.note(100, 5, 90);
        all.note(110, 7, 100);
        // Nothing of the eighth change is for gateways.
        all.note(110, 8, 110);
        let wanted = |revision, last_without| {
            Some(Wanted {
                revision,
                last_without,
            })
        };
        for (change, expected) in [
            (1, wanted(100, 90)),
            (5, wanted(100, 90)),
            (6, wanted(110, 100)),
            (8, wanted(110, 100)),
            (9, None),
        ] {
            assert_eq!(all.wanted(change), expected, "{change}");
        }
    }

    #[test]
    fn of_what_is_forgotten_a_later_revision_is_wanted() {
        let all = Publications::default();
        for number in 0..10_000 {
            all.note(number + 1, number, number);
        }
        assert_eq!(all.0.lock().unwrap().len(), KEPT);
        assert_eq!(all.wanted(0).unwrap().revision, 10_001 - 4_096);
    }
}
