//! The machine's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns the Unix time in seconds, if there is a clock.
pub(crate) fn now() -> Option<u64> {
    since_epoch().map(|time| time.as_secs())
}

/// Returns the Unix time in milliseconds, if there is a clock.
pub(crate) fn milliseconds() -> Option<u64> {
    since_epoch().and_then(|time| u64::try_from(time.as_millis()).ok())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the host is where the core's time comes from"
)]
fn since_epoch() -> Option<Duration> {
    SystemTime::now().duration_since(UNIX_EPOCH).ok()
}
