//! A plugin configuration as JSON: how it is written, and how it is split for packing.

pub mod pack;
pub mod written;

pub use written::Written;
