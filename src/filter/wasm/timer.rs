//! When the timer of a root context fires, in milliseconds. Tests of what happens then need not wait: src/filter has no time of its own.

/// When a configuration counts as loaded, after its load. Any time will do: Envoy ends a trial before it looks at a timer.
pub(super) const SETTLING: u32 = 10;

/// When what was counted is told, and whether an instance that came back still takes requests.
pub(super) const PERIOD: u32 = 1000;
