//! Counts requests: in the counters, and for their keys. Each request is counted here once, when
//! its outcome is known.

use super::counter::{Counter, Slot};
use super::host::Host;
use crate::judge::{Entry, Outcome};

/// Counts a request that was carried out.
pub(super) fn record<H: Host>(host: &mut H, entry: &Entry) {
    host.count(Counter::Requests(Slot::of(entry.outcome())));
    match (entry.event(), entry.outcome()) {
        (Some((key, event)), _) => host.count_key(key, event),
        // The response time must not reveal whether a key is known.
        (None, Outcome::NotVerified(_)) => host.count_no_key(),
        (None, Outcome::Allowed(_) | Outcome::Denied(_) | Outcome::Verified) => {}
    }
}

/// Counts a request with a key in its query that is not public, whatever its outcome.
pub(super) fn count_exposed_secret<H: Host>(host: &mut H) {
    host.count(Counter::SecretKeysInQuery);
}
