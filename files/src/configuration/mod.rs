//! A plugin configuration as JSON: as it is written, and taken apart to be packed.

pub mod pack;
pub mod written;

pub use written::Written;
