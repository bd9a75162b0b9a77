//! A gateway for every row of the catalogue, and the keys for testing it.

pub mod ask;
pub mod walk;
