//! A signed feed of snapshots: publishing it and serving it. Gateways follow it with the core's
//! `feed` module; `docs/feed.md` describes both sides.

pub mod content;
pub mod garbage;
pub mod key_source;
pub mod mirror;
pub mod mirrors;
pub mod present;
pub mod publisher;
pub mod serve;
pub mod signing_key;
pub mod store;

pub use content::Content;
pub use key_source::KeySource;
pub use mirror::{Mirror, Mirrored};
pub use mirrors::{Mirrors, Original};
pub use present::{Present, Reader};
pub use publisher::{
    Ahead, Changed, MissingAccounts, Note, Numbering, Published, Publisher, Request, Settings,
    Step, Taken, When,
};
pub use signing_key::SigningKey;
pub use store::{FeedStore, Folder, StorePlace};
