//! All measurements, in their order, and where they are written.

use std::fs;
use std::path::PathBuf;

use crate::machine::{Cores, describe};
use crate::pushes::{self, Form, Pushed};
use crate::rounds::{self, Plan};
use crate::support::find;
use crate::{bounds, page, plot};

pub fn run() {
    let is_quick = std::env::var("QUICK").is_ok_and(|value| !value.is_empty());
    let only = std::env::var("ONLY").unwrap_or_default();
    let cores = Cores::part();
    if cores.count == 1 {
        eprintln!("bench: there is one core for Envoy and its client; no figure means much");
    }
    let machine = describe(&cores, find::envoy());
    let costs = match only.as_str() {
        "pushes" => Vec::new(),
        _ => rounds::measure(plan(is_quick), &cores),
    };
    let pushed = match only.as_str() {
        "requests" => Vec::new(),
        _ => all_pushes(is_quick, &cores),
    };
    let bounds = bounds::all(&costs, &pushed);
    let decisions = page::decisions(&folder().join("costs.tsv"));
    let page = page::write(&page::Report {
        machine: &machine,
        bounds: &bounds,
        others: &page::other_bounds(&folder()),
        costs: &costs,
        most: plan(is_quick).most,
        pushed: &pushed,
        decisions: &decisions,
    });
    // A short run, or a part, is for looking at.
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

/// Where the parts of `make bench` leave their figures.
fn folder() -> PathBuf {
    find::root().join("target/bench")
}

fn plan(is_quick: bool) -> Plan {
    // Builds of the filter are compared by their time alone.
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
    each.map(|(form, keys)| pushes::measure(form, keys, pushes, cores))
        .collect()
}
