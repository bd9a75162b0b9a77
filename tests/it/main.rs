//! Tests against a real Envoy and the programs around it: browsers, SDKs, upstreams, registries,
//! kubectl.
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
    unreachable_pub,
    reason = "tests may fail loudly"
)]

mod audit;
mod browser;
mod cases;
mod catalogue;
mod command;
mod conformance;
mod docs;
mod doctor;
mod egress;
mod fail_closed;
mod feed;
mod gateway;
mod hostile;
mod image;
mod keys;
mod mesh;
mod monitoring;
mod native;
mod own_api;
mod packed;
mod publish;
mod push;
mod pushes;
mod rate_limit;
mod replay;
mod rollout;
mod sdk;
mod soak;
mod upstreams;
mod verification;
mod wait;

use keyward_harness as support;
