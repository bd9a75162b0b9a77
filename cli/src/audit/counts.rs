//! Counts by values that others choose, in bounded memory. When the room is used up, a new value is
//! counted among the others.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// The maximum number of distinct values in total, over all keys, accounts, addresses and
/// endpoints. A log that was made to fill all of it took 600 MB, including its report as JSON.
const ROOM: usize = 2_000_000;

/// The maximum amount of room that is taken at once.
const NEEDED: usize = 8;

/// Room for distinct values.
pub(super) struct Budget(usize);

impl Budget {
    pub(super) fn new() -> Self {
        Self(ROOM)
    }

    /// Whether there was no room for something.
    pub(super) fn is_used_up(&self) -> bool {
        self.0 < NEEDED
    }

    /// Takes this much room, if it is available.
    pub(super) fn take(&mut self, count: usize) -> bool {
        match self.0.checked_sub(count) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }
}

/// The counts for a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) calls: u64,
    pub(super) refused: u64,
    /// The time of the last call, in milliseconds since 1970.
    pub(super) last: u64,
}

impl Count {
    pub(super) fn add(&mut self, at: u64, is_refused: bool) {
        self.calls += 1;
        self.refused += u64::from(is_refused);
        self.last = self.last.max(at);
    }
}

/// Counts by value: the first `cap` distinct ones, and all others together.
#[derive(Clone, Debug)]
pub(super) struct Counts<T> {
    by: HashMap<T, Count>,
    cap: usize,
    others: Count,
}

impl<T: Hash + Eq> Counts<T> {
    pub(super) fn new(cap: usize) -> Self {
        Self {
            by: HashMap::new(),
            cap,
            others: Count::default(),
        }
    }

    /// Returns the count of a value. `make` is called only for a new value.
    pub(super) fn of<Q: Hash + Eq + ?Sized>(
        &mut self,
        value: &Q,
        budget: &mut Budget,
        make: impl FnOnce() -> T,
    ) -> &mut Count
    where
        T: Borrow<Q>,
    {
        // A new value is looked up twice, but that is rare.
        if !self.by.contains_key(value) {
            if self.by.len() >= self.cap || !budget.take(1) {
                return &mut self.others;
            }
            self.by.insert(make(), Count::default());
        }
        self.by.get_mut(value).unwrap_or(&mut self.others)
    }

    /// Returns the counts by value.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&T, &Count)> {
        self.by.iter()
    }

    /// Returns the number of distinct values.
    pub(super) fn len(&self) -> usize {
        self.by.len()
    }

    /// Returns the count of the values that are not listed.
    pub(super) fn others(&self) -> Count {
        self.others
    }
}

impl Counts<Box<str>> {
    /// Like [`Self::of`], for examples of unlimited values: if there are enough, no more texts are
    /// made, and new values are counted among the others.
    pub(super) fn example(
        &mut self,
        budget: &mut Budget,
        text: impl FnOnce() -> String,
    ) -> &mut Count {
        if self.by.len() >= self.cap {
            return &mut self.others;
        }
        let text = text();
        self.of(text.as_str(), budget, || text.as_str().into())
    }
}

impl<T: Hash + Eq + Ord> Counts<T> {
    /// Returns the values, the most called first, then in their own order.
    pub(super) fn sorted(&self) -> Vec<(&T, Count)> {
        let mut all: Vec<(&T, Count)> = self
            .by
            .iter()
            .map(|(value, count)| (value, *count))
            .collect();
        all.sort_by(|(a, one), (b, other)| other.calls.cmp(&one.calls).then_with(|| a.cmp(b)));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted_among_the_others() {
        let mut budget = Budget::new();
        let mut counts: Counts<String> = Counts::new(2);
        for (at, value) in ["a", "b", "c", "a", "d"].into_iter().enumerate() {
            let at = u64::try_from(at).unwrap();
            counts
                .of(value, &mut budget, || value.to_owned())
                .add(at, value == "d");
        }
        let shown: Vec<(&str, u64)> = counts
            .sorted()
            .iter()
            .map(|(value, count)| (value.as_str(), count.calls))
            .collect();
        assert_eq!(shown, [("a", 2), ("b", 1)]);
        assert_eq!(
            counts.others(),
            Count {
                calls: 2,
                refused: 1,
                last: 4
            }
        );
        let mut empty = Budget(0);
        let mut none: Counts<u8> = Counts::new(9);
        none.of(&1, &mut empty, || 1).add(0, false);
        assert_eq!((none.len(), none.others().calls), (0, 1));
    }
}
