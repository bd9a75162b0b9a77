//! Helpers for tests with and without an Envoy: folders and processes that end with the test, the
//! command, key files, and the case corpus. The code that starts an Envoy is in `keyward-harness`.
// For `json!` of a whole configuration.
#![recursion_limit = "256"]
#![allow(
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    reason = "a test may fail loudly"
)]

pub mod bootstrap;
pub mod cases;
pub mod catalogue;
pub mod clock;
pub mod command;
pub mod find;
pub mod key_file;
pub mod keys;
pub mod moto;
pub mod process;
#[cfg(target_os = "linux")]
pub mod pty;
pub mod publishing;
pub mod pushing;
pub mod replay;
pub mod restricted;
pub mod sample;
pub mod wait;
pub mod world;

pub use keyward_reference::packed::packed;

pub use self::wait::{BOUND, LONG, eventually};
