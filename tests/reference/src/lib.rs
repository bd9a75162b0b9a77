//! What keyward is compared with: a naive model of the decision, a reader of the catalogue's files,
//! and generators of configurations and requests. It shares no code with `src/`, and is written
//! from the documents only. `management` is the exception: it runs commands on stores and uses the
//! core's own rules.
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    reason = "a test may fail loudly"
)]

pub mod asking;
pub mod catalogue;
pub mod management;
pub mod model;
pub mod packed;
pub mod worlds;

/// Returns the SHA-256 in hexadecimal digits, as a snapshot writes it.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
