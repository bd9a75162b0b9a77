//! The case corpus of `tests/cases` against the library.

pub mod library;
mod plain;

use crate::support::cases::{corpus, outcome, sent, translate};
