//! The case corpus of `tests/cases` against a real Envoy.

pub mod envoy;

use crate::support::cases::{corpus, outcome, translate};
