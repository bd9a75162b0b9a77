//! The trail: a chain that records what was done, and by whom. A row's digest is SHA-256 over the
//! digest of the row before it and the row as JSON, so a changed or removed row is detected. The
//! chain does not prevent the owner of the file from making a new one: to detect that, note a
//! [`super::Head`] elsewhere.

mod row;
mod verify;

pub use row::{Actor, Entry, Recorded, Row};
pub use verify::{Broken, Verified, verify_lines};

pub(super) use row::{append, rows};
pub(super) use verify::verify_store;
