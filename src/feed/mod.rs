//! Following a signed feed of snapshots. `docs/feed.md` describes the format byte by byte.

pub mod head;

pub use head::{BaseEntry, DeltaEntry, Head, HeadFault, Way};

pub use crate::signify;
