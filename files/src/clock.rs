//! The clock. Code that needs the time takes it as an argument if possible.

use std::time::{Duration, UNIX_EPOCH};

/// Returns the present time in Unix seconds.
#[must_use]
pub fn now() -> u64 {
    since_epoch().as_secs()
}

/// Returns the time since the beginning of 1970, UTC.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where files and the command read the clock"
)]
#[must_use]
pub fn since_epoch() -> Duration {
    std::time::SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
