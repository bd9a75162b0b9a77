//! Measures how long it takes to decide, to find an endpoint and to load a snapshot, natively.
//! divan shows the spread. After it come the bounds, one line each, which `make bench` puts into
//! its table.
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark may fail loudly"
)]

mod bounds;
mod costs;
mod keys;
mod operations;
mod overlay;

use divan::{Bencher, black_box};
use keyward::endpoint::EndpointCatalogue;
use keyward::profile::Profile;
use keyward::snapshot::Snapshot;
use keyward_benches as world;

use costs::{Case, cases};
use operations::{Operation, operations};

/// A snapshot without keys, to measure how much of a load is for the catalogue.
const EMPTY: &str = r#"{"format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1795194529, "keys": [], "empty": true}"#;

fn main() {
    // Only the one case whose decisions Valgrind counts, or the names of all cases.
    if let Ok(name) = std::env::var("KEYWARD_BENCH_COUNT") {
        return match name.as_str() {
            "" => all_cases().iter().for_each(|case| println!("{case}")),
            name => costs::count(name, all_cases()),
        };
    }
    divan::main();
    // As a test, this runs everything once and measures nothing.
    if std::env::args().any(|argument| argument == "--bench") {
        bounds::print();
    }
}

fn load() -> Snapshot {
    Snapshot::from_json(black_box(EMPTY.as_bytes()), &Profile::stripe()).unwrap()
}

fn find_each(catalogue: &EndpointCatalogue, operations: &[Operation]) -> usize {
    let found = operations
        .iter()
        .filter(|operation| operation.find(black_box(catalogue)).is_some());
    found.count()
}

/// Runs all operations in sequence: divide the time by their number.
#[divan::bench]
fn find_each_operation(bencher: Bencher<'_, '_>) {
    let (catalogue, operations) = (EndpointCatalogue::stripe(), operations());
    bencher
        .counter(divan::counter::ItemsCount::new(operations.len()))
        .bench_local(|| find_each(&catalogue, &operations));
}

#[divan::bench]
fn read_each_path(bencher: Bencher<'_, '_>) {
    let operations = operations();
    bencher
        .counter(divan::counter::ItemsCount::new(operations.len()))
        .bench_local(|| {
            let plain = operations
                .iter()
                .filter(|operation| operation.path().is_some());
            plain.count()
        });
}

#[divan::bench]
fn load_an_empty_snapshot() -> Snapshot {
    load()
}

/// Returns the sizes of snapshots. With `QUICK` set, without the largest.
fn sizes() -> Vec<u32> {
    let is_quick = std::env::var_os("QUICK").is_some_and(|value| !value.is_empty());
    let all = [1, 1_000, 100_000, 1_000_000];
    let last = all.len() - usize::from(is_quick);
    all[..last].to_vec()
}

fn all_cases() -> Vec<Case> {
    sizes().into_iter().flat_map(cases).collect()
}

/// Makes decisions in sequence.
#[divan::bench(args = all_cases(), sample_count = 50)]
fn decide_on_a_request(bencher: Bencher<'_, '_>, case: &Case) {
    let mut ready = case.ready();
    bencher.bench_local(|| ready.decide());
}
