//! A gateway for every row of the catalogue, and the keys for requests to it.

pub mod ask;
pub mod walk;
