//! keyward-server behind a real Envoy with the released filter, from an empty folder.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test may fail loudly"
)]

mod command;
mod description;
mod matrix;
mod refused;
mod released;
mod rules;
mod sdk;
mod slice;
mod world;
