//! What is promised of the server's publishing: from an end to the head that has it, and to the proof that every worker of four Envoys has it. Lines of `what`, `bound`,
//! `measured` and whether it holds, as `scripts/bench/table.py` reads them. `QUICK=1` leaves the million keys out.

#![allow(
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark may fail loudly"
)]

#[path = "../store/entry.rs"]
mod entry;
#[path = "../store/fill.rs"]
#[expect(dead_code, reason = "what the store's benchmark looks for")]
mod fill;
mod served;

use std::fmt::Write;
use std::time::{Duration, Instant};

use served::{Served, gateway};

/// How often an end is measured.
const ENDS: usize = 100;

/// How many Envoys follow, of how many workers each.
const GATEWAYS: usize = 4;
const WORKERS: u32 = 2;

fn main() {
    let is_quick = std::env::var_os("QUICK").is_some();
    // Bounds of control-plane publishing: the head in 50 and 200 ms, every worker in 200 and 500.
    let mut sizes = vec![(10_000, 50, 200)];
    if !is_quick {
        sizes.push((1_000_000, 200, 500));
    }
    let mut lines = String::new();
    for (keys, head, everywhere) in sizes {
        let begun = Instant::now();
        let served = Served::start(keys);
        let start = begun.elapsed();
        line(
            &mut lines,
            &format!("an end to the head that has it, p50, {keys} keys"),
            head,
            quantile(&mut ends(&served, ENDS), 0.5),
        );
        println!("{keys} keys: served after {start:.1?}");
        let gateways: Vec<_> = (0..GATEWAYS).map(|_| gateway(&served, WORKERS)).collect();
        // Each worker has a VM, and so has the main thread.
        served.comes_to(GATEWAYS * (WORKERS as usize + 1));
        let mut times = ends(&served, ENDS);
        let what = format!(
            "an end to the proof that every worker has it, {GATEWAYS} Envoys of {WORKERS} workers, p99, {keys} keys"
        );
        line(&mut lines, &what, everywhere, quantile(&mut times, 0.99));
        println!(
            "{keys} keys: everywhere p50 {:.1?}",
            quantile(&mut times, 0.5)
        );
        drop(gateways);
    }
    print!("{lines}");
    if let Some(path) = std::env::var_os("KEYWARD_BENCH_OUT") {
        std::fs::write(path, lines).unwrap();
    }
}

/// Makes keys and ends them, and returns how long each end took until it was everywhere.
fn ends(served: &Served, rounds: usize) -> Vec<Duration> {
    (0..rounds)
        .map(|_| {
            let id = served.key();
            served.settles();
            let begun = Instant::now();
            served.end(&id);
            begun.elapsed()
        })
        .collect()
}

fn quantile(times: &mut [Duration], part: f64) -> Duration {
    times.sort_unstable();
    let index = (times.len() as f64 * part) as usize;
    times[index.min(times.len() - 1)]
}

fn line(lines: &mut String, what: &str, most: u64, measured: Duration) {
    let holds = if measured <= Duration::from_millis(most) {
        "yes"
    } else {
        "no"
    };
    writeln!(lines, "server: {what}\t{most} ms\t{measured:.1?}\t{holds}").unwrap();
}
