//! Tests that need no Envoy, no browser and no SDK: the core, the data files, and the command.
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

mod agreement;
mod audit;
mod builds;
mod cases;
mod catalogue;
mod command;
mod conformance;
mod cost;
mod docs;
mod explain;
mod feed;
mod fuzz_corpora;
mod imports;
mod key_file;
mod keys;
mod management;
mod packed;
mod pipes;
mod publish;
mod push;
mod replay;
mod schema;
mod terminal;
mod unit_file;
mod unsafety;
mod verification;

use keyward_reference::model as reference;
use keyward_support as support;
