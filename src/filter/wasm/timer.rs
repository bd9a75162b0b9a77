//! When the timer of a root context fires, in milliseconds. Tests need not wait for it: src/filter
//! reads no clock.

use std::cell::Cell;

use super::abi;

/// When a configuration counts as loaded, after its load. Any positive time is enough: Envoy ends a
/// trial before it checks timers.
pub(super) const SETTLING: u32 = 10;

/// The period after which counts are reported, and after which an instance that came back is
/// checked for further requests.
pub(super) const PERIOD: u32 = 1000;

thread_local! {
    /// The shortest time that a feed waits for, in milliseconds. Code that sets a timer for another
    /// purpose must not delay the feed.
    static FASTEST: Cell<u32> = const { Cell::new(u32::MAX) };
}

/// Returns the period of a timer that fires in this many milliseconds, at least one.
pub(super) fn period(milliseconds: u64) -> u32 {
    u32::try_from(milliseconds)
        .unwrap_or(PERIOD)
        .clamp(1, PERIOD)
}

/// Sets when a feed needs its next tick.
pub(super) fn set_fastest(milliseconds: u64) {
    FASTEST.set(period(milliseconds));
}

/// Schedules a tick of the root context of this call, in a second at the latest.
pub(super) fn wake() {
    abi::set_tick_period(PERIOD.min(FASTEST.get()));
}
