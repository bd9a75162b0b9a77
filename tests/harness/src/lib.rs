//! The base of the tests against a real Envoy: an Envoy started from the bootstrap that keyward
//! ships, clients that send any bytes, and an upstream that records what it received. Everything
//! runs on loopback and is bounded by time-outs.
#![allow(
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    reason = "a test may fail loudly"
)]

pub mod builder;
pub mod envoy;
pub mod feed;
pub mod find;
pub mod h2;
pub mod host;
pub mod http;
pub mod observe;
pub mod pb;
pub mod pool;
pub mod push;
pub mod relay;
pub mod upstream;

#[cfg(target_os = "linux")]
pub use keyward_support::pty;
pub use keyward_support::{
    BOUND, LONG, bootstrap, cases, catalogue, clock, command, eventually, key_file, keys, moto,
    packed, process, publishing, pushing, replay, restricted, sample, wait, world,
};

pub use self::{
    builder::Ecds, envoy::Envoy, feed::Feed, host::Host, pb::Wrapper, push::Push, relay::Relay,
    upstream::Upstream,
};
