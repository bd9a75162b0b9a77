//! Limits how many requests a principal may make: token buckets, in this process's memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::failure::{Code, Failure};

/// The class of a request, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// It makes a value.
    Creation,
    /// It asks whose key has a digest.
    Lookup,
    /// It uses a link, or asks what a link is for.
    SignIn,
    /// It was rejected, which adds a row to the trail.
    Refusal,
    /// Any other request. Ends are never counted.
    Other,
}

/// The requests per second, and the size of the bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    pub(crate) burst: f64,
}

/// The rate of most requests.
const USUAL: Rate = Rate {
    per_second: 100.0,
    burst: 100.0,
};

/// The maximum number of buckets. Beyond that the fullest ones are dropped, which have not been
/// used for the longest time.
const MOST: usize = 100_000;

#[derive(Default)]
pub(crate) struct Buckets(Mutex<HashMap<(String, Class), Bucket>>);

struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Buckets {
    /// Takes a token for a request like most.
    pub(crate) fn take_usual(&self, principal: &str) -> Result<(), Failure> {
        self.take(principal, Class::Other, USUAL, Instant::now())
    }

    /// Takes a token, or returns when one will be available.
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

    /// Gives tokens back for requests that turned out to be good.
    pub(crate) fn give_back(&self, principal: &str, class: Class, tokens: f64, rate: Rate) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(&(principal.to_owned(), class)) {
            bucket.tokens = (bucket.tokens + tokens).min(rate.burst);
        }
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
        buckets.give_back("mk_1", Class::Creation, 9.0, rate);
        assert!((0..3).all(|_| take("mk_1", 600)), "at most a full bucket");
        assert!(!take("mk_1", 600));
    }
}
