//! A gateway for every row of the catalogue, and the keys with which to test it.

pub mod ask;
pub mod walk;
