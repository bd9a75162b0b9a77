//! The cost of keyward in a real Envoy, compared with the alternatives: the time of a request, and
//! the effects of a push. `make bench` runs this. The figures go into `target/bench`,
//! `docs/benchmarks.md` and the plots next to it. With `QUICK` set, it runs for a few minutes and
//! writes nothing to `docs`.
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
    reason = "a benchmark may fail loudly"
)]

#[cfg(target_os = "linux")]
mod authz;
#[cfg(target_os = "linux")]
mod bootstraps;
#[cfg(target_os = "linux")]
mod bounds;
#[cfg(target_os = "linux")]
mod candidates;
#[cfg(target_os = "linux")]
mod client;
#[cfg(target_os = "linux")]
mod decisions;
#[cfg(target_os = "linux")]
mod figures;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod page;
#[cfg(target_os = "linux")]
mod plot;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod pushes;
#[cfg(target_os = "linux")]
mod rounds;
#[cfg(target_os = "linux")]
mod run;

#[cfg(target_os = "linux")]
use keyward_benches as world;
#[cfg(target_os = "linux")]
use keyward_harness as support;

fn main() {
    // `cargo test --benches` runs this as well, but should measure nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    #[cfg(target_os = "linux")]
    run::run();
    #[cfg(not(target_os = "linux"))]
    println!("bench: a worker's time is read from Linux's /proc; nothing is measured here");
}
