//! Waits for a condition, never for a time.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Longer than anything here takes, on a machine that is also doing other things.
pub(crate) const BOUND: Duration = Duration::from_secs(15);

/// Polls until `probe` returns a value. The error states what did not happen.
pub(crate) fn eventually<T>(what: &str, mut probe: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = probe()? {
            return Ok(answer);
        }
        if start.elapsed() > BOUND {
            bail!("within {} s, this did not happen: {what}", BOUND.as_secs());
        }
        sleep(Duration::from_millis(5));
    }
}
