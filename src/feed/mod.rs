//! Follows a signed feed of snapshots: the published format, and a follower without I/O.
//! `docs/feed.md` describes the format byte by byte.
//!
//! The path of a change: an answer arrives (`answer`), the head is compared with what is known
//! (`floor`), its objects are fetched in pieces and hashed (`download`) and applied (`build`), and
//! a snapshot comes out. `follower` controls the order.

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
