//! How long it takes to find an endpoint and to load a snapshot, natively. divan shows the spread; then come the bounds, one line each, which `make bench` puts into its table.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark may fail loudly"
)]

mod bounds;
mod keys;
mod operations;

use divan::{Bencher, black_box};
use keyward::endpoint::EndpointCatalogue;
use keyward::profile::Profile;
use keyward::snapshot::Snapshot;

use operations::{Operation, operations};

/// A snapshot without keys: what is left is the catalogue's part of loading.
const EMPTY: &str = r#"{"format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1795194529, "keys": [], "empty": true}"#;

fn main() {
    divan::main();
    // As a test, this runs everything once and times nothing.
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

/// All operations, one after the other: divide by their number.
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
