//! Snapshots outside a gateway, for people and programs: built, read and checked, packed, and
//! compared.

mod built;
mod checked;
pub mod diff;
mod reissue;
pub mod unpack;

pub use crate::configuration::{Written, pack, written};
pub use built::Built;
pub use checked::Checked;
pub use reissue::reissue;
