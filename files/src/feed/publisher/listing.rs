//! Which deltas a head lists. From the base a chain leads to the present: one cumulative delta, then the last single ones. Next to it one delta leads from the base before, so that a new
//! base makes no running gateway load it.

use keyward::feed::DeltaEntry;
use keyward::snapshot::Revision;
use keyward::snapshot::delta::{LARGEST_DELTA, MOST_CHANGED};

/// How many single deltas are listed at most, and how many of them stay when a delta covers them.
pub(super) const MOST_SINGLE: usize = 16;
const KEPT_SINGLE: usize = 8;

/// The shortest time between two bases, in seconds.
pub(super) const BASE_INTERVAL: u64 = 3_600;

/// How much changes before a new base is made: a part of the base, so many records, so many bytes.
const PART_OF_BASE: u64 = 16;
const COMPACTED_RECORDS: usize = 10_000;
const COMPACTED_BYTES: u64 = 1 << 20;

/// A head's deltas, by what they are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listing {
    base: Revision,
    /// From the base before to this one.
    bridge: Option<DeltaEntry>,
    /// From the base towards the present.
    cumulative: Option<DeltaEntry>,
    /// Single steps, in their order: those after the cumulative one, and some that it covers.
    singles: Vec<DeltaEntry>,
}

impl Listing {
    /// Sorts what a head lists.
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

    /// The steps from the base to the present.
    fn chain(&self) -> impl Iterator<Item = &DeltaEntry> {
        let end = self.cumulative.map_or(self.base, |delta| delta.to);
        let behind = self.singles.iter().filter(move |delta| delta.from >= end);
        self.cumulative.iter().chain(behind)
    }

    /// With one more step at the end.
    pub(super) fn with(mut self, step: DeltaEntry) -> Self {
        match self.cumulative {
            None if step.from == self.base => self.cumulative = Some(step),
            _ => self.singles.push(step),
        }
        self
    }

    /// Whether the chain has grown so long that its steps are to become one.
    pub(super) fn is_long(&self) -> bool {
        self.chain().count() > MOST_SINGLE.saturating_add(1)
    }

    /// With one delta from the base to the present in the place of the chain. The last single ones stay for those who are nearly there.
    pub(super) fn folded(self, cumulative: DeltaEntry) -> Self {
        Self {
            cumulative: Some(cumulative),
            ..self
        }
    }

    /// For a new base at the present revision; `bridge` leads to it.
    pub(super) fn rebased(self, base: Revision, bridge: Option<DeltaEntry>) -> Self {
        // A cumulative step is not one of the last single steps.
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

    /// As a head lists it. It lists all single ones that the cumulative one does not cover, and others while there is room.
    pub(super) fn entries(&self) -> Vec<DeltaEntry> {
        let needed = self.chain().count().saturating_sub(1);
        let listed = needed.max(MOST_SINGLE).min(self.singles.len());
        let surplus = self.singles.len().saturating_sub(listed);
        let first = self.bridge.iter().chain(&self.cumulative);
        first
            .chain(self.singles.iter().skip(surplus))
            .copied()
            .collect()
    }

    /// Whether a new base is due.
    pub(super) fn is_due(&self, conditions: &Conditions) -> bool {
        let sizes = self.chain().map(|delta| u64::from(delta.size));
        let size = sizes.fold(0_u64, u64::saturating_add);
        let records = conditions.records;
        let is_large = size > conditions.base_size / PART_OF_BASE
            || size > COMPACTED_BYTES
            || records > COMPACTED_RECORDS;
        let may = conditions.base_age >= BASE_INTERVAL;
        // Beyond these a gateway that comes late loads the base and still has no way on: the hour does not count.
        let must = size > u64::from(LARGEST_DELTA) / 4 * 3 || records > MOST_CHANGED / 4 * 3;
        size > 0 && (conditions.is_forced || must || (is_large && may))
    }
}

/// What decides whether a new base is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Conditions {
    /// The bytes of the base.
    pub(super) base_size: u64,
    /// How many seconds ago it was made.
    pub(super) base_age: u64,
    /// How many records changed since.
    pub(super) records: usize,
    /// Whether someone asked for one.
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

    /// What a publisher does with each of so many changes, beginning at the base 100.
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
            // A gateway that lags by at most eight revisions continues in single steps.
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
    fn a_new_base_is_reached_from_the_one_before() {
        let rebased = after(20).rebased(at(120), Some(step(100, 120, 9_000)));
        let listed = spans(&rebased);
        assert_eq!(
            (listed[0], listed[1], listed.len()),
            ((100, 120), (112, 113), 9)
        );
        // And stays so with the next changes.
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
            // Content that no gateway accepts cannot wait for the hour.
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
