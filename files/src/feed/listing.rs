//! Which deltas a head lists. From the base a chain leads to the present: one cumulative delta, then the last single ones. Next to it one delta leads from the base before, so that a new
//! base makes no running gateway load it.

use super::limits::{LARGEST_DELTA, MOST_RECORDS};

/// How many single deltas there are at most, and how many stay when the older ones become part of the cumulative one.
pub const MOST_SINGLE: usize = 16;
const KEPT_SINGLE: usize = 8;

/// The shortest time between two bases, in seconds.
pub const BASE_INTERVAL: u64 = 3_600;

/// How large the cumulative delta becomes before a new base is made: a part of the base, so many records, so many bytes.
const PART_OF_BASE: u64 = 16;
const COMPACTED_RECORDS: u64 = 10_000;
const COMPACTED_BYTES: u64 = 1 << 20;

/// One step of a chain, and what it weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The revision that it leads from.
    pub from: u64,
    /// The revision that it leads to.
    pub to: u64,
    /// Its bytes.
    pub size: u64,
    /// Its records.
    pub records: u64,
}

/// What is to become of the head's deltas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tidying {
    /// Nothing.
    Keep,
    /// The first so many steps of the chain become one.
    Fold(usize),
    /// A new base, and one delta from the old one.
    Compact,
}

/// Why a new base is made, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// The bytes of the base.
    pub base_size: u64,
    /// How many seconds ago it was made.
    pub base_age: u64,
    /// Whether somebody asked for one.
    pub is_forced: bool,
}

/// What a chain from the base to the present needs.
#[must_use]
pub fn tidying(chain: &[Step], conditions: &Conditions) -> Tidying {
    let sum = |of: fn(&Step) -> u64| chain.iter().map(of).fold(0_u64, u64::saturating_add);
    let (size, records) = (sum(|step| step.size), sum(|step| step.records));
    let is_large = size > conditions.base_size / PART_OF_BASE
        || size > COMPACTED_BYTES
        || records > COMPACTED_RECORDS;
    let may = conditions.base_age >= BASE_INTERVAL;
    // Beyond these no gateway takes it: the hour does not count.
    let must = size > LARGEST_DELTA || records > MOST_RECORDS;
    if !chain.is_empty() && (conditions.is_forced || must || (is_large && may)) {
        return Tidying::Compact;
    }
    match chain.len() {
        // The first one is the cumulative one.
        length if length > MOST_SINGLE.saturating_add(1) => {
            Tidying::Fold(length.saturating_sub(KEPT_SINGLE))
        }
        _ => Tidying::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE_BASE: Conditions = Conditions {
        base_size: 54_000_000,
        base_age: 2 * BASE_INTERVAL,
        is_forced: false,
    };

    fn chain(lengths: &[(u64, u64)]) -> Vec<Step> {
        let steps = lengths.iter().zip(1..);
        steps
            .map(|((size, records), from)| Step {
                from,
                to: from + 1,
                size: *size,
                records: *records,
            })
            .collect()
    }

    #[test]
    fn between_eight_and_sixteen_single_deltas_are_listed() {
        let of = |length: usize| tidying(&chain(&vec![(500, 1); length]), &LARGE_BASE);
        for length in 0..=17 {
            assert_eq!(of(length), Tidying::Keep, "{length}");
        }
        assert_eq!(of(18), Tidying::Fold(10));
    }

    #[test]
    fn a_base_is_made_when_the_way_to_it_is_long_and_once_an_hour() {
        let young = Conditions {
            base_age: BASE_INTERVAL - 1,
            ..LARGE_BASE
        };
        let small = Conditions {
            base_size: 16_000,
            ..LARGE_BASE
        };
        let forced = Conditions {
            is_forced: true,
            ..young
        };
        use Tidying::{Compact, Keep};
        for (steps, conditions, expected) in [
            (&[(1 << 20, 1)][..], LARGE_BASE, Keep),
            (&[(1 << 20, 1), (1, 1)], LARGE_BASE, Compact),
            (&[(1 << 20, 1), (1, 1)], young, Keep),
            (&[(100, 10_000)], LARGE_BASE, Keep),
            (&[(100, 10_000), (100, 1)], LARGE_BASE, Compact),
            (&[(1_000, 1)], small, Keep),
            (&[(1_001, 1)], small, Compact),
            (&[(1, 1)], forced, Compact),
            (&[], forced, Keep),
            // What no gateway takes cannot wait for the hour.
            (&[(LARGEST_DELTA, 1), (1, 1)], young, Compact),
            (&[(1, MOST_RECORDS), (1, 1)], young, Compact),
        ] {
            assert_eq!(tidying(&chain(steps), &conditions), expected, "{steps:?}");
        }
    }
}
