//! A gateway for every row of the catalogue, and the keys to ask it with.

pub mod ask;
pub mod walk;
