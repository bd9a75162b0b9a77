//! Following a signed feed of snapshots: what is published, and a follower without I/O. `docs/feed.md` describes the format byte by byte.
//!
//! The way of a change: an answer comes in (`answer`), a head is held to what is known (`floor`), its objects are fetched in pieces and hashed (`download`), put
//! together (`build`), and a snapshot comes out. `follower` has the order of it.

mod answer;
mod backoff;
mod build;
mod download;
mod floor;
pub mod follower;
pub mod head;
mod request;
mod surroundings;
mod trouble;

pub use answer::{Answer, Body};
pub use floor::Floor;
pub use follower::{Follower, Output};
pub use head::{BaseEntry, DeltaEntry, Head, HeadFault, Way};
pub use request::{Call, CallId, Object, Wanted};
pub use surroundings::Surroundings;
pub use trouble::Trouble;

pub use crate::signify;
