//! A signed feed of snapshots: publishing to it, and serving it. Gateways follow it by the core's `feed`; `docs/feed.md` describes both sides.

pub mod garbage;
pub mod key_source;
mod limits;
pub mod listing;
pub mod serve;
pub mod signing_key;
pub mod store;

pub use key_source::KeySource;
pub use signing_key::SigningKey;
