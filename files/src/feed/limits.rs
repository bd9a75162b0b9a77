//! What gateways take, and how a publisher stays within it.

/// The most bytes of a delta.
pub(super) const LARGEST_DELTA: u64 = 4 << 20;

/// The most records that a gateway keeps over its base.
pub(super) const MOST_RECORDS: u64 = 100_000;
