//! The trail: what was done, by whom, in a chain. A row's digest is SHA-256 over the digest of the
//! row before it and the row as JSON, so that a row that was changed or taken out shows. It does
//! not keep the owner of the file from making a new chain: for that a [`super::Head`] is noted
//! elsewhere.

mod row;
mod verify;

pub use row::{Actor, Entry, Recorded, Row};
pub use verify::{Broken, Verified, verify_lines};

pub(super) use row::{append, rows};
pub(super) use verify::verify_store;
