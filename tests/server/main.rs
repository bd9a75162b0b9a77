//! keyward-server with a real Envoy and the released filter in front of it, set up from an empty
//! folder.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test may fail loudly"
)]

mod attacks;
mod browser;
mod command;
mod console;
mod description;
mod disk;
mod feed;
mod health;
mod kills;
mod local;
mod matrix;
mod minted;
mod own_api;
mod packed;
mod pages;
mod portal;
mod refused;
mod released;
mod restored;
mod rules;
mod sdk;
mod serving;
mod slice;
mod world;
