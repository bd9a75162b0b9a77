//! The case corpus of `tests/cases`: what a gateway promises. How it is asked is the runner's matter.

pub mod corpus;
pub mod outcome;
pub mod sent;
pub mod translate;
mod words;
