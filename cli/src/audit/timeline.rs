//! Requests over time, in a limited number of steps, whatever time the log covers.

use std::collections::BTreeMap;

/// The lengths of a step in seconds, the shortest first. After the last one, each length is twice
/// the one before.
const STEPS: [u64; 10] = [
    1, 10, 60, 300, 900, 3_600, 21_600, 86_400, 604_800, 2_419_200,
];

/// Counts for each step of time: passed and denied.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    most: u64,
    step: u64,
    by: BTreeMap<u64, (u64, u64)>,
}

impl Timeline {
    /// Creates a timeline with at most `most` steps.
    pub(super) fn new(most: u64) -> Self {
        Self {
            most,
            step: 1,
            by: BTreeMap::new(),
        }
    }

    /// Counts a request that began at `at`, in milliseconds since 1970.
    pub(super) fn add(&mut self, at: u64, is_refused: bool) {
        let seconds = at / 1000;
        self.count(
            seconds / self.step,
            u64::from(!is_refused),
            u64::from(is_refused),
        );
        while self.span() > self.most {
            self.coarsen();
        }
    }

    /// Returns the timeline extended to this whole time, in milliseconds since 1970, with longer
    /// steps if necessary.
    pub(super) fn over(&self, first: u64, last: u64) -> Self {
        let mut whole = self.clone();
        for at in [first, last] {
            whole.count(at / 1000 / whole.step, 0, 0);
        }
        while whole.span() > whole.most {
            whole.coarsen();
        }
        whole
    }

    fn count(&mut self, place: u64, passed: u64, refused: u64) {
        let counts = self.by.entry(place).or_default();
        counts.0 += passed;
        counts.1 += refused;
    }

    /// Returns the number of steps from the first to the last.
    fn span(&self) -> u64 {
        let first = self.by.first_key_value().map_or(0, |(place, _)| *place);
        let last = self.by.last_key_value().map_or(0, |(place, _)| *place);
        last - first + 1
    }

    fn coarsen(&mut self) {
        let next = STEPS.iter().find(|step| **step > self.step);
        let longer = next.copied().unwrap_or(self.step.saturating_mul(2));
        let old = std::mem::take(&mut self.by);
        for (place, (passed, refused)) in old {
            let seconds = place.saturating_mul(self.step);
            self.count(seconds / longer, passed, refused);
        }
        self.step = longer;
    }

    /// Returns the length of a step in seconds.
    pub(super) fn step(&self) -> u64 {
        self.step
    }

    /// Returns every step from the first to the last, including empty ones: its start in Unix
    /// seconds, and how many requests passed and were denied.
    pub(super) fn steps(&self) -> Vec<(u64, u64, u64)> {
        let Some((first, _)) = self.by.first_key_value() else {
            return Vec::new();
        };
        (*first..first + self.span())
            .map(|place| {
                let (passed, refused) = self.by.get(&place).copied().unwrap_or_default();
                (place.saturating_mul(self.step), passed, refused)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_as_long_as_the_time_asks_for() {
        let mut line = Timeline::new(4);
        line.add(5_000, false);
        line.add(6_000, true);
        assert_eq!((line.step(), line.steps()), (1, vec![(5, 1, 0), (6, 0, 1)]));
        line.add(29_000, false);
        assert_eq!(
            (line.step(), line.steps()),
            (10, vec![(0, 1, 1), (10, 0, 0), (20, 1, 0)])
        );
        line.add(u64::MAX, false);
        assert!(line.steps().len() <= 4);
        assert_eq!(
            line.steps().iter().map(|step| step.1 + step.2).sum::<u64>(),
            4
        );
    }

    #[test]
    fn a_part_of_the_time_is_shown_over_all_of_it() {
        let mut line = Timeline::new(4);
        line.add(86_400_000, false);
        line.add(86_401_000, true);
        let whole = line.over(0, 3 * 86_400_000);
        assert_eq!(whole.step(), 86_400);
        let days = [(0, 0, 0), (86_400, 1, 1), (172_800, 0, 0), (259_200, 0, 0)];
        assert_eq!(whole.steps(), days);
    }

    #[test]
    fn the_order_of_the_lines_does_not_matter() {
        let times: [u64; 6] = [90_000_000, 5, 700_000, 700_001, 3_600_000, 86_400_000];
        let line = |times: &mut dyn Iterator<Item = &u64>| {
            let mut line = Timeline::new(24);
            times.for_each(|at| line.add(*at, false));
            line.steps()
        };
        assert_eq!(line(&mut times.iter()), line(&mut times.iter().rev()));
    }
}
