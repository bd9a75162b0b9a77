//! Measures the promises: writes lines of `what`, `bound`, `measured` and whether the bound holds,
//! separated by tabs. They go to the file that `KEYWARD_BENCH_OUT` names, or else to standard
//! output.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use divan::black_box;
use keyward::endpoint::EndpointCatalogue;

use crate::costs::Case;
use crate::operations::{Operation, operations};
use crate::{all_cases, find_each, load};

/// The number of look-ups of one operation per measurement, so large that the cost of reading the
/// clock does not matter.
const LOOKUPS: u32 = 2_000;

/// The number of measurements of one operation. The fastest one counts, because nothing else ran at
/// the same time.
const ROUNDS: usize = 9;

pub(crate) fn print() {
    let mut lines = String::new();
    let mut line = |what: &str, bound: String, measured: String, holds: bool| {
        let holds = if holds { "yes" } else { "no" };
        writeln!(lines, "{what}\t{bound}\t{measured}\t{holds}").unwrap();
    };
    let (catalogue, operations) = (EndpointCatalogue::stripe(), operations());
    assert_eq!(find_each(&catalogue, &operations), operations.len());

    let mut times: Vec<Duration> = operations
        .iter()
        .map(|operation| time_of(&catalogue, operation))
        .collect();
    times.sort_unstable();
    let median = times.get(times.len() / 2).unwrap();
    let worst = times.last().unwrap();
    line(
        &format!(
            "finding the endpoint, median over {} operations",
            times.len()
        ),
        "200 ns".to_owned(),
        format!(
            "{} ns (slowest: {} ns)",
            median.as_nanos(),
            worst.as_nanos()
        ),
        *median <= Duration::from_nanos(200),
    );

    let allocations = measure(|| {
        black_box(find_each(&catalogue, &operations));
    });
    line(
        "allocations in all those look-ups",
        "0".to_owned(),
        allocations.count_total.to_string(),
        allocations.count_total == 0,
    );

    let empty = quickest(|| {
        black_box(load());
    });
    line(
        "loading a snapshot without keys, the catalogue included",
        "1 ms".to_owned(),
        format!("{:.1} µs", empty.as_secs_f64() * 1e6),
        empty < Duration::from_millis(1),
    );

    crate::keys::bounds(&mut line);

    let costs = decisions();
    match std::env::var_os("KEYWARD_BENCH_OUT") {
        Some(file) => {
            // Also write what each decision costs, for the page.
            let rows = costs.iter().map(|(case, nanoseconds)| {
                let (keys, kind, outcome) = (case.keys, case.kind.name(), case.outcome);
                format!("{keys}\t{kind}\t{outcome}\t{nanoseconds:.1}\n")
            });
            std::fs::write(
                Path::new(&file).with_file_name("costs.tsv"),
                rows.collect::<String>(),
            )
            .unwrap();
            std::fs::write(file, lines).unwrap();
        }
        None => print!("{lines}"),
    }
}

/// Returns every case, and the nanoseconds that it takes.
fn decisions() -> Vec<(Case, f64)> {
    let time = |case: Case| {
        let mut ready = case.ready();
        // Every key is used in every measurement.
        let turns = ready.turns().max(LOOKUPS as usize);
        let time = quickest(|| {
            for _ in 0..turns {
                black_box(ready.decide());
            }
        });
        (case, time.as_secs_f64() * 1e9 / turns as f64)
    };
    all_cases().into_iter().map(time).collect()
}

fn time_of(catalogue: &EndpointCatalogue, operation: &Operation) -> Duration {
    quickest(|| {
        for _ in 0..LOOKUPS {
            black_box(operation.find(black_box(catalogue)));
        }
    }) / LOOKUPS
}

fn quickest(mut work: impl FnMut()) -> Duration {
    let rounds = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed()
    });
    rounds.min().unwrap_or(Duration::MAX)
}
