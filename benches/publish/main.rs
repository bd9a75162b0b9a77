//! Publishing to a feed of a million keys, with the released command, and what a fleet and a real Envoy see of it. Writes the bounds that hold, or do not, as lines for `scripts/bench/table.py`.
#![allow(
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark may fail loudly"
)]

mod command;
mod fleet;
#[cfg(target_os = "linux")]
mod gateway;
#[cfg(target_os = "linux")]
mod requests;

use std::fmt::Write;
use std::time::Duration;

#[cfg(target_os = "linux")]
use keyward_harness as support;

/// A promise, what is aimed at beyond it, and what was measured.
struct Bound {
    what: String,
    most: f64,
    goal: f64,
    measured: f64,
    unit: &'static str,
    /// What else is to be known of it.
    more: String,
}

impl Bound {
    /// A time, in milliseconds.
    fn time(what: String, [most, goal]: [u64; 2], measured: Duration) -> Self {
        let milliseconds = |time: u64| Duration::from_millis(time).as_secs_f64() * 1e3;
        Self {
            what,
            most: milliseconds(most),
            goal: milliseconds(goal),
            measured: measured.as_secs_f64() * 1e3,
            unit: "ms",
            more: String::new(),
        }
    }
}

fn median<T: Clone + PartialOrd>(all: &[T]) -> T {
    let mut all = all.to_vec();
    all.sort_by(|one, other| one.partial_cmp(other).unwrap());
    all[all.len() / 2].clone()
}

fn main() {
    let is_quick = std::env::var_os("QUICK").is_some();
    // `ONLY=command`, `fleet` or `gateway`: a part of it.
    let only = std::env::var("ONLY").unwrap_or_default();
    let runs = |part: &str| only.is_empty() || only == part;
    let (keys, gateways) = match is_quick {
        true => (100_000, 100),
        false => (1_000_000, 1_000),
    };
    let mut bounds = Vec::new();
    if runs("command") {
        bounds.extend(command::measure(keys));
    }
    if runs("fleet") {
        bounds.extend(fleet::measure(gateways));
    }
    #[cfg(target_os = "linux")]
    if runs("gateway") {
        bounds.extend(gateway::measure(keys));
    }
    let mut lines = String::new();
    for bound in &bounds {
        let Bound {
            what,
            most,
            goal,
            measured,
            unit,
            more,
        } = bound;
        let holds = |limit: &f64| if measured <= limit { "yes" } else { "no" };
        writeln!(
            lines,
            "{what}\t{most:.0} {unit}\t{measured:.1} {unit}{more}\t{}\t{goal:.0} {unit}\t{}",
            holds(most),
            holds(goal),
        )
        .unwrap();
    }
    print!("{lines}");
    if let Some(path) = std::env::var_os("KEYWARD_BENCH_OUT") {
        std::fs::write(path, lines).unwrap();
    }
}
