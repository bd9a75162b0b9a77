//! The case corpus of `tests/cases`: what a gateway promises. Each runner decides how it sends the
//! requests.

pub mod corpus;
pub mod outcome;
pub mod sent;
pub mod translate;
mod words;
