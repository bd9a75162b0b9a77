//! When to try again after a failure: after at least a second, so that a failing source receives at
//! most one request per second from each follower, and after up to half a minute.

/// The shortest pause, in milliseconds.
const LEAST: u64 = 1000;
const MOST: u64 = 30_000;

/// The number of consecutive failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backoff(u32);

impl Backoff {
    /// Counts a failure. Returns the pause in milliseconds: random, between a second and a limit
    /// that doubles.
    pub(super) fn fail(&mut self, random: u32) -> u64 {
        let bound = LEAST
            .checked_shl(self.0.saturating_add(1))
            .unwrap_or(MOST)
            .min(MOST);
        self.0 = self.0.saturating_add(1).min(16);
        between(LEAST, bound, random)
    }

    /// Resets the count after a success.
    pub(super) fn succeed(&mut self) {
        self.0 = 0;
    }
}

/// Returns a number from `least` to `most`.
pub(super) fn between(least: u64, most: u64, random: u32) -> u64 {
    let width = most.saturating_sub(least).saturating_add(1);
    least.saturating_add(u64::from(random).checked_rem(width).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute_and_never_fall_below_a_second() {
        let mut backoff = Backoff::default();
        for bound in [2000, 4000, 8000, 16_000, 30_000, 30_000] {
            let mut twin = backoff;
            assert_eq!(twin.fail(0), 1000);
            assert_eq!(backoff.fail(u32::try_from(bound - 1000).unwrap()), bound);
            assert_eq!(twin, backoff);
        }
        for _ in 0..100 {
            assert!((1000..=30_000).contains(&backoff.fail(u32::MAX)));
        }
        backoff.succeed();
        assert_eq!(backoff, Backoff::default());
    }
}
