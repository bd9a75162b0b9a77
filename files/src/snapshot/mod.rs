//! Snapshots as people and programs handle them outside a gateway: read and checked, and compared.

mod checked;
pub mod diff;

pub use checked::Checked;
