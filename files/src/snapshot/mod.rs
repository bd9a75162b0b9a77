//! Snapshots as people and programs handle them outside a gateway: built, read and checked, packed,
//! and compared.

mod built;
mod checked;
pub mod diff;
pub mod pack;
mod reissue;
pub mod unpack;

pub use built::Built;
pub use checked::Checked;
pub use reissue::reissue;
