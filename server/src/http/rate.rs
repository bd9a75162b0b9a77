//! How many requests a principal may make: token buckets, in the memory of this process.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::failure::{Code, Failure};

/// What a request is counted among.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// It makes a value.
    Creation,
    /// It asks whose a digest is.
    Lookup,
    /// It uses a link, or asks what a link is for.
    SignIn,
    /// It was refused, which is a row of the trail.
    Refusal,
    /// Any other; ends are never counted.
    Other,
}

/// So many a second, and so many at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    pub(crate) burst: f64,
}

/// How many buckets are kept. Of more the fullest go, which are those that have not been used for longest.
const MOST: usize = 100_000;

#[derive(Default)]
pub(crate) struct Buckets(Mutex<HashMap<(String, Class), Bucket>>);

struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Buckets {
    /// Takes a token, or says when there is one.
    pub(crate) fn take(
        &self,
        principal: &str,
        class: Class,
        rate: Rate,
        now: Instant,
    ) -> Result<(), Failure> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (principal.to_owned(), class);
        if buckets.len() >= MOST && !buckets.contains_key(&key) {
            let is_full = |bucket: &Bucket| filled(bucket, rate, now) >= rate.burst;
            buckets.retain(|_, bucket| !is_full(bucket));
        }
        let bucket = buckets.entry(key).or_insert(Bucket {
            tokens: rate.burst,
            at: now,
        });
        bucket.tokens = filled(bucket, rate, now);
        bucket.at = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        Err(Failure::new(
            Code::RateLimited,
            "Too many requests with this API key. Please slow down.",
        )
        .retry_after(1))
    }
}

fn filled(bucket: &Bucket, rate: Rate, now: Instant) -> f64 {
    let since = now.saturating_duration_since(bucket.at).as_secs_f64();
    (bucket.tokens + since * rate.per_second).min(rate.burst)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_fills_again() {
        let buckets = Buckets::default();
        let rate = Rate {
            per_second: 2.0,
            burst: 3.0,
        };
        let start = Instant::now();
        let take = |principal: &str, after: u64| {
            let now = start + Duration::from_millis(after);
            buckets.take(principal, Class::Creation, rate, now).is_ok()
        };
        assert!((0..3).all(|_| take("mk_1", 0)));
        assert!(!take("mk_1", 0));
        assert!(take("mk_2", 0), "another principal has its own");
        assert!(!take("mk_1", 400));
        assert!(take("mk_1", 600));
        assert!(!take("mk_1", 600));
    }
}
