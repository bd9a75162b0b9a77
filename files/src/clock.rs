//! The clock. Code that needs the time takes it as an argument if possible.

use std::time::UNIX_EPOCH;

/// Returns the present time in Unix seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where files and the command read the clock"
)]
#[must_use]
pub fn now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}
