//! The number of an account in a forest.

/// An account in an [`AccountForest`](super::AccountForest).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountIndex(pub(crate) u32);
