//! What is counted of a request: in the metrics, and among its key's. Each request comes here once, when it is known what became of it.

use super::metrics;
use super::tenure::Tenure;
use crate::judge::{Entry, Outcome};

pub(super) fn count(tenure: Option<&Tenure>, entry: &Entry<'_>) {
    metrics::count(entry.outcome());
    let Some(tenure) = tenure else {
        return;
    };
    match (entry.event(), entry.outcome()) {
        (Some((key, event)), _) => tenure.usage().count(tenure.plugin(), key, event),
        // The time of the answer must not say that a key is known.
        (None, Outcome::NotVerified(_)) => tenure.usage().count_nothing(),
        (None, Outcome::Allowed(_) | Outcome::Denied(_) | Outcome::Verified) => {}
    }
}
