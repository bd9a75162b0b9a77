//! Waits for a condition, never for a time.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Long enough for anything except a hang, on a machine that is also doing other things.
pub const BOUND: Duration = Duration::from_secs(30);

/// Long enough for a configuration of hundreds of megabytes.
pub const LONG: Duration = Duration::from_secs(180);

/// Polls until `probe` returns a value, and panics with `what` once `bound` has passed. It polls at
/// least twice, even if one call takes long.
#[track_caller]
pub fn eventually<T>(what: &str, bound: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        let last = start.elapsed() >= bound;
        if let Some(answer) = probe() {
            return answer;
        }
        assert!(!last, "within {bound:?}, this did not happen: {what}");
        sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}
