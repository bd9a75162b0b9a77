//! When the timer of a root context fires, in milliseconds. Tests need not wait for it: src/filter reads no clock.

use std::cell::Cell;

use super::abi;

/// When a configuration counts as loaded, after its load. Any time will do: Envoy ends a trial before it looks at a timer.
pub(super) const SETTLING: u32 = 10;

/// When counts are reported, and whether an instance that came back still takes requests.
pub(super) const PERIOD: u32 = 1000;

thread_local! {
    /// The shortest time that a feed waits for, in milliseconds: anyone who sets a timer for something else must not make the feed wait.
    static FASTEST: Cell<u32> = const { Cell::new(u32::MAX) };
}

/// The period of a timer that fires in so many milliseconds, at least one.
pub(super) fn period(milliseconds: u64) -> u32 {
    u32::try_from(milliseconds)
        .unwrap_or(PERIOD)
        .clamp(1, PERIOD)
}

/// A feed wants its next tick then.
pub(super) fn set_fastest(milliseconds: u64) {
    FASTEST.set(period(milliseconds));
}

/// Has the root context of this call ticked, a second from now at the latest.
pub(super) fn wake() {
    abi::set_tick_period(PERIOD.min(FASTEST.get()));
}
