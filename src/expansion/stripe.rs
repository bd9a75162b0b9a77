//! Stripe's graph, which the build creates from `catalogue/expansions.tsv` and the files next to
//! it.

use super::graph::{Edge, Graph, Target, Way};
use crate::permission::Permission;

include!(concat!(env!("OUT_DIR"), "/expansions.rs"));

/// Returns what the built-in endpoint at that place returns on success, or nothing if that is
/// unknown.
#[must_use]
pub fn returned(row: u16) -> &'static [Target] {
    RETURNS
        .get(usize::from(row))
        .and_then(|set| RETURNED.get(usize::from(*set)))
        .copied()
        .unwrap_or(&[])
}
