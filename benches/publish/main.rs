//! Publishes to a feed of a million keys, with the released command, and measures how a fleet
//! receives it. Writes which bounds hold, as lines for `scripts/bench/table.py`.
#![allow(
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark may fail loudly"
)]

mod command;
mod fleet;

use std::fmt::Write;
use std::time::Duration;

/// A promise, and the measured value.
struct Bound {
    what: String,
    most: Duration,
    measured: Duration,
}

fn main() {
    let is_quick = std::env::var_os("QUICK").is_some();
    let (keys, gateways) = match is_quick {
        true => (100_000, 100),
        false => (1_000_000, 1_000),
    };
    let mut bounds = command::measure(keys);
    bounds.extend(fleet::measure(gateways));
    let mut lines = String::new();
    for Bound {
        what,
        most,
        measured,
    } in &bounds
    {
        let holds = if measured <= most { "yes" } else { "no" };
        writeln!(
            lines,
            "{what}\t{} ms\t{} ms\t{holds}",
            most.as_millis(),
            measured.as_millis()
        )
        .unwrap();
    }
    print!("{lines}");
    if let Some(path) = std::env::var_os("KEYWARD_BENCH_OUT") {
        std::fs::write(path, lines).unwrap();
    }
}
