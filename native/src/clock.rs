//! The clock of the machine.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix time in seconds, if there is a clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the host is where the core's time comes from"
)]
pub(crate) fn now() -> Option<u64> {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(time.as_secs())
}
