//! Runs all measurements in order, and writes the results.

use std::fs;
use std::path::PathBuf;

use crate::machine::{Cores, describe};
use crate::pushes::{self, Form, Pushed};
use crate::rounds::{self, Plan};
use crate::support::{Host, find};
use crate::{bounds, decisions, memory, page, plot};

pub fn run() {
    let is_quick = std::env::var("QUICK").is_ok_and(|value| !value.is_empty());
    let only = std::env::var("ONLY").unwrap_or_default();
    let cores = Cores::part();
    if cores.count == 1 {
        eprintln!("bench: there is one core for Envoy and its client; no figure means much");
    }
    let machine = describe(&cores, find::envoy());
    // `ONLY=requests`, `pushes`, `native-pushes` or `memory` runs a part.
    let runs = |part: &str| only.is_empty() || only == part;
    let costs = match runs("requests") {
        true => rounds::measure(plan(is_quick), &cores),
        false => Vec::new(),
    };
    let mut pushed = match runs("pushes") {
        true => all_pushes(is_quick, &cores),
        false => Vec::new(),
    };
    if runs("native-pushes") {
        pushed.extend(native_pushes(is_quick, &cores));
    }
    let memory = match runs("memory") {
        true => memory::measure(if is_quick { 100_000 } else { 1_000_000 }, &[1, 8]),
        false => Vec::new(),
    };
    let decisions = decisions::read(&folder().join("costs.tsv"));
    let bounds = bounds::all(&costs, &decisions, &pushed, &memory);
    let page = page::write(&page::Report {
        machine: &machine,
        bounds: &bounds,
        others: &page::other_bounds(&folder()),
        costs: &costs,
        most: plan(is_quick).most,
        pushed: &pushed,
        memory: &memory,
        decisions: &decisions,
    });
    // A short run, or a part, is not published.
    let is_part = is_quick || !only.is_empty() || std::env::var_os("VARIANTS").is_some();
    let docs = if is_part {
        folder()
    } else {
        find::root().join("docs")
    };
    fs::create_dir_all(folder()).unwrap();
    fs::write(folder().join("gateway.tsv"), bounds::lines(&bounds)).unwrap();
    fs::write(docs.join("benchmarks.md"), page).unwrap();
    fs::write(
        docs.join("benchmarks-decisions.svg"),
        plot::decisions(&decisions),
    )
    .unwrap();
    fs::write(docs.join("benchmarks-pushes.svg"), plot::pushes(&pushed)).unwrap();
    eprintln!("bench: {} is written", docs.join("benchmarks.md").display());
}

/// Returns the folder for the figures of the parts of `make bench`.
fn folder() -> PathBuf {
    find::root().join("target/bench")
}

fn plan(is_quick: bool) -> Plan {
    // Builds of the filter are compared only by their time.
    if std::env::var_os("VARIANTS").is_some() {
        Plan {
            sessions: 1,
            rounds: 9,
            requests: 10_000,
            calm: 10,
            warm_up: 40_000,
            most: 1_000,
        }
    } else if is_quick {
        Plan {
            sessions: 1,
            rounds: 3,
            requests: 4_000,
            calm: 200,
            warm_up: 20_000,
            most: 100_000,
        }
    } else {
        Plan {
            sessions: 2,
            rounds: 8,
            requests: 20_000,
            calm: 1_000,
            warm_up: 40_000,
            most: 1_000_000,
        }
    }
}

fn all_pushes(is_quick: bool, cores: &Cores) -> Vec<Pushed> {
    let sizes: &[u32] = if is_quick {
        &[1, 10_000]
    } else {
        &[1, 1_000, 10_000, 100_000, 1_000_000]
    };
    let pushes = if is_quick { 4 } else { 10 };
    let forms = [Form::Json, Form::Packed];
    let each = sizes
        .iter()
        .flat_map(|keys| forms.map(|form| (form, *keys)));
    each.map(|(form, keys)| pushes::measure(Host::Wasm, form, keys, pushes, cores))
        .collect()
}

/// Makes ten pushes. Every other one revokes, so this is a median of five.
fn native_pushes(is_quick: bool, cores: &Cores) -> Vec<Pushed> {
    let (sizes, pushes): (&[u32], _) = if is_quick {
        (&[10_000], 4)
    } else {
        (&[10_000, 1_000_000], 10)
    };
    let each = sizes.iter();
    each.map(|keys| pushes::measure(Host::Native, Form::Packed, *keys, pushes, cores))
        .collect()
}
