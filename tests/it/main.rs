//! All integration tests, in one binary.
// `json!` of a whole configuration.
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

mod agreement;
mod audit;
mod browser;
mod cases;
mod catalogue;
mod command;
mod conformance;
mod docs;
mod doctor;
mod egress;
mod explain;
mod fail_closed;
mod fuzz_corpora;
mod gateway;
mod hostile;
mod image;
mod key_file;
mod keys;
mod layers;
mod mesh;
mod monitoring;
mod packed;
mod pipes;
mod push;
mod pushes;
mod rate_limit;
mod replay;
mod rollout;
mod schema;
mod sdk;
mod soak;
mod unsafety;
mod upstreams;
mod verification;
mod wait;

use keyward_harness as support;
use keyward_reference::model as reference;
