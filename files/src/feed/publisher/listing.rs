//! Which deltas a head lists. A chain leads from the base to the present: one cumulative delta,
//! then the latest single ones. In addition one delta leads from the previous base to this one, so
//! that no running gateway has to load a new base.

use std::cmp::Reverse;

use keyward::feed::DeltaEntry;
use keyward::snapshot::Revision;
use keyward::snapshot::delta::{LARGEST_DELTA, MOST_CHANGED};

/// The maximum number of single deltas in a head, and how many of them stay after a new base.
pub(super) const MOST_SINGLE: usize = 16;
const KEPT_SINGLE: usize = 8;

/// The minimum time between two bases, in seconds.
pub(super) const BASE_INTERVAL: u64 = 3_600;

/// How much must change before a new base is made: a fraction of the base, a number of records, or
/// a number of bytes.
const PART_OF_BASE: u64 = 16;
const COMPACTED_RECORDS: usize = 10_000;
const COMPACTED_BYTES: u64 = 1 << 20;

/// A head's deltas, by purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listing {
    base: Revision,
    /// From the previous base to this one.
    bridge: Option<DeltaEntry>,
    /// From the base towards the present.
    cumulative: Option<DeltaEntry>,
    /// Single steps in order: those after the cumulative delta, and some that it covers.
    singles: Vec<DeltaEntry>,
}

impl Listing {
    /// Sorts the deltas of a head.
    pub(super) fn of(base: Revision, deltas: &[DeltaEntry]) -> Self {
        let bridge = deltas.iter().filter(|delta| delta.to == base);
        let bridge = bridge.min_by_key(|delta| delta.from).copied();
        let cumulative = deltas.iter().filter(|delta| delta.from == base);
        let cumulative = cumulative.max_by_key(|delta| delta.to).copied();
        let is_single = |delta: &&DeltaEntry| {
            let delta = Some(**delta);
            delta != bridge && delta != cumulative
        };
        let mut singles: Vec<DeltaEntry> = deltas.iter().filter(is_single).copied().collect();
        singles.sort_by_key(|delta| (delta.to, delta.from));
        Self {
            base,
            bridge,
            cumulative,
            singles,
        }
    }

    /// Returns the steps from the base to the present, as a gateway takes them.
    pub(super) fn chain(&self) -> Vec<DeltaEntry> {
        let mut at = self.base;
        let mut chain = Vec::new();
        let fits = |at| move |delta: &&DeltaEntry| delta.from <= at && at < delta.to;
        let all = || self.cumulative.iter().chain(&self.singles);
        while let Some(next) = all()
            .filter(fits(at))
            .max_by_key(|delta| (delta.to, Reverse(delta.size)))
        {
            chain.push(*next);
            at = next.to;
        }
        chain
    }

    /// Adds one step at the end.
    pub(super) fn with(mut self, step: DeltaEntry) -> Self {
        match self.cumulative {
            None if step.from == self.base => self.cumulative = Some(step),
            _ => self.singles.push(step),
        }
        self
    }

    /// Whether the chain is so long that one delta should replace it.
    pub(super) fn is_long(&self) -> bool {
        self.chain().len() > MOST_SINGLE.saturating_add(1)
    }

    /// Replaces the end of the chain with one delta to the present: all of it, or what comes after
    /// its first steps. The latest single deltas stay for gateways that are only a few revisions
    /// behind.
    pub(super) fn folded(mut self, joined: DeltaEntry) -> Self {
        match joined.from == self.base {
            true => self.cumulative = Some(joined),
            false => {
                self.singles.push(joined);
                self.singles.sort_by_key(|delta| (delta.to, delta.from));
            }
        }
        self
    }

    /// Returns the listing for a new base at the present revision, to which `bridge` leads.
    pub(super) fn rebased(self, base: Revision, bridge: Option<DeltaEntry>) -> Self {
        // Keep the cumulative step only if it is not one of the singles.
        let is_single =
            |delta: &DeltaEntry| self.singles.iter().all(|single| single.to != delta.to);
        let first = self.cumulative.filter(is_single);
        let mut singles: Vec<DeltaEntry> = first.into_iter().chain(self.singles).collect();
        singles.sort_by_key(|delta| (delta.to, delta.from));
        let surplus = singles.len().saturating_sub(KEPT_SINGLE);
        singles.drain(..surplus);
        Self {
            base,
            bridge,
            cumulative: None,
            singles,
        }
    }

    /// Returns the deltas in the order of a head: all that the chain consists of, and other single
    /// ones while there is room.
    pub(super) fn entries(&self) -> Vec<DeltaEntry> {
        let chain = self.chain();
        let is_needed = |delta: &DeltaEntry| chain.contains(delta);
        let needed = self.singles.iter().filter(|delta| is_needed(delta)).count();
        let room = MOST_SINGLE.saturating_sub(needed);
        let mut surplus = self
            .singles
            .len()
            .saturating_sub(needed.saturating_add(room));
        let first = self.bridge.iter().chain(&self.cumulative);
        let mut entries: Vec<DeltaEntry> = first.copied().collect();
        for delta in &self.singles {
            if surplus > 0 && !is_needed(delta) {
                surplus = surplus.saturating_sub(1);
            } else {
                entries.push(*delta);
            }
        }
        entries
    }

    /// Whether a new base is due.
    pub(super) fn is_due(&self, conditions: &Conditions) -> bool {
        let chain = self.chain();
        let sizes = chain.iter().map(|delta| u64::from(delta.size));
        let size = sizes.fold(0_u64, u64::saturating_add);
        let records = conditions.records;
        let is_large = size > conditions.base_size / PART_OF_BASE
            || size > COMPACTED_BYTES
            || records > COMPACTED_RECORDS;
        let may = conditions.base_age >= BASE_INTERVAL;
        // Beyond these sizes, a gateway that starts late loads the base but cannot continue from
        // there, so the base does not wait for the hour.
        let must = size > u64::from(LARGEST_DELTA) / 4 * 3 || records > MOST_CHANGED / 4 * 3;
        size > 0 && (conditions.is_forced || must || (is_large && may))
    }
}

/// The conditions that decide whether a new base is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Conditions {
    /// The size of the base in bytes.
    pub(super) base_size: u64,
    /// The age of the base in seconds.
    pub(super) base_age: u64,
    /// The number of records that have changed since.
    pub(super) records: usize,
    /// Whether the caller asked for a new base.
    pub(super) is_forced: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward::feed::head::Sha256;

    fn at(number: u64) -> Revision {
        Revision::new(number).unwrap()
    }

    fn step(from: u64, to: u64, size: u32) -> DeltaEntry {
        DeltaEntry {
            from: at(from),
            to: at(to),
            size,
            sha256: Sha256::new([u8::try_from(to % 256).unwrap(); 32]),
        }
    }

    fn spans(listing: &Listing) -> Vec<(u64, u64)> {
        let entries = listing.entries();
        let spans = entries.iter();
        spans
            .map(|delta| (delta.from.number(), delta.to.number()))
            .collect()
    }

    /// Returns the listing after a number of changes, beginning at base 100.
    fn after(changes: u64) -> Listing {
        let mut listing = Listing::of(at(100), &[]);
        for number in 0..changes {
            let listed = listing.entries();
            listing = Listing::of(at(100), &listed);
            listing = listing.with(step(100 + number, 101 + number, 500));
            if listing.is_long() {
                listing = listing.folded(step(100, 101 + number, 5_000));
            }
        }
        listing
    }

    #[test]
    fn the_chain_always_leads_from_the_base_to_the_present() {
        for changes in 1..200 {
            let listing = after(changes);
            let spans = spans(&listing);
            assert!(spans.len() <= MOST_SINGLE + 1, "{changes}: {spans:?}");
            let mut reached = 100;
            while reached < 100 + changes {
                let next = spans
                    .iter()
                    .filter(|(from, to)| *from <= reached && reached < *to);
                reached = next.map(|(_, to)| *to).max().unwrap();
            }
            // A gateway that is at most eight revisions behind continues in single steps.
            let singles = spans.iter().filter(|(from, to)| to - from == 1);
            assert!(
                singles.count() >= usize::try_from(changes.min(8)).unwrap(),
                "{changes}"
            );
        }
    }

    #[test]
    fn a_long_chain_becomes_one_step_and_the_last_ones_stay() {
        assert_eq!(spans(&after(17)).len(), 17);
        let folded = spans(&after(18));
        assert_eq!(folded[0], (100, 118));
        assert_eq!((folded[1], folded.len()), ((102, 103), 17));
        let next = spans(&after(19));
        assert_eq!((next[0], next[16]), ((100, 118), (118, 119)));
    }

    #[test]
    fn what_comes_after_a_long_first_step_becomes_one_step_too() {
        // The first step is too large for anything to be added to it.
        let mut listing = Listing::of(at(100), &[]).with(step(100, 110, 4_000_000));
        for number in 110..127 {
            listing = Listing::of(at(100), &listing.entries()).with(step(number, number + 1, 500));
        }
        assert!(listing.is_long());
        let folded = listing.folded(step(110, 127, 5_000));
        let again = Listing::of(at(100), &folded.entries());
        assert_eq!(again.entries(), folded.entries());
        let chain = again.chain();
        let chain: Vec<u64> = chain.iter().map(|delta| delta.to.number()).collect();
        assert_eq!(chain, [110, 127]);
        assert_eq!(spans(&again).len(), 17);
        // Both stay however many come after them.
        let mut next = again;
        for number in 127..142 {
            next = Listing::of(at(100), &next.entries()).with(step(number, number + 1, 500));
        }
        let listed = spans(&next);
        assert!(listed.contains(&(100, 110)) && listed.contains(&(110, 127)));
        assert_eq!(next.chain().len(), 17);
    }

    #[test]
    fn a_new_base_is_reached_from_the_one_before() {
        let rebased = after(20).rebased(at(120), Some(step(100, 120, 9_000)));
        let listed = spans(&rebased);
        assert_eq!(
            (listed[0], listed[1], listed.len()),
            ((100, 120), (112, 113), 9)
        );
        // The listing stays the same after the next changes.
        let again = Listing::of(at(120), &rebased.entries());
        assert_eq!(again, rebased);
        let next = again.with(step(120, 121, 500));
        let listed = spans(&next);
        assert_eq!(
            (listed[0], listed[1], listed.len()),
            ((100, 120), (120, 121), 10)
        );
    }

    #[test]
    fn a_base_is_made_when_the_way_to_it_is_long_and_once_an_hour() {
        let hour = Conditions {
            base_size: 54_000_000,
            base_age: BASE_INTERVAL,
            records: 1,
            is_forced: false,
        };
        let young = Conditions {
            base_age: BASE_INTERVAL - 1,
            ..hour
        };
        let small = Conditions {
            base_size: 16_000,
            ..hour
        };
        let many = Conditions {
            records: COMPACTED_RECORDS + 1,
            ..hour
        };
        let too_many = Conditions {
            records: MOST_CHANGED,
            ..young
        };
        let forced = Conditions {
            is_forced: true,
            ..young
        };
        for (size, conditions, expected) in [
            (1 << 20, hour, false),
            ((1 << 20) + 1, hour, true),
            ((1 << 20) + 1, young, false),
            (100, hour, false),
            (100, many, true),
            (1_000, small, false),
            (1_001, small, true),
            (1, forced, true),
            // A change that gateways could not load cannot wait for the hour.
            (LARGEST_DELTA, young, true),
            (1, too_many, true),
        ] {
            let listing = Listing::of(at(1), &[step(1, 2, size)]);
            assert_eq!(
                listing.is_due(&conditions),
                expected,
                "{size} {conditions:?}"
            );
        }
        assert!(!Listing::of(at(1), &[]).is_due(&forced));
    }
}
