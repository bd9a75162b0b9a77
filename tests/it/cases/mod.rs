//! The case corpus of `tests/cases`, and what runs it. The corpus says what a gateway promises; how it is asked is the runner's matter.

pub mod corpus;
pub mod envoy;
pub mod library;
pub mod outcome;
mod plain;
pub mod translate;
