//! The published page: the bounds, then the tables, then the machine.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::bounds::{Bound, milliseconds};
use crate::candidates;
use crate::decisions::Decision;
use crate::figures::Figure;
use crate::memory::Memory;
use crate::pushes::{self, Pushed, Taken};
use crate::rounds::{Cost, RATE};

/// The content of the page.
pub struct Report<'a> {
    pub machine: &'a [(&'static str, String)],
    pub bounds: &'a [Bound],
    /// Bounds that other parts of `make bench` have measured.
    pub others: &'a [Bound],
    pub costs: &'a [Cost],
    /// The number of keys in the largest table of a gateway.
    pub most: u32,
    pub pushed: &'a [Pushed],
    pub memory: &'a [Memory],
    pub decisions: &'a [Decision],
}

/// Reads the lines that other parts wrote for `scripts/bench/table.py`.
pub fn other_bounds(folder: &Path) -> Vec<Bound> {
    let files = [
        "decision.tsv",
        "catalogue-size.tsv",
        "edit.tsv",
        "store.tsv",
        "publish.tsv",
        "serve.tsv",
    ];
    let texts = files.map(|file| fs::read_to_string(folder.join(file)).unwrap_or_default());
    let lines = texts.iter().flat_map(|text| text.lines());
    lines
        .filter_map(|line| {
            let row: Vec<&str> = line.split('\t').collect();
            let (what, bound, measured, holds, goal) = match row[..] {
                [what, bound, measured, holds] => (what, bound, measured, holds, None),
                [what, bound, measured, holds, goal, reached] => {
                    let goal = (goal.to_owned(), reached == "yes");
                    (what, bound, measured, holds, Some(goal))
                }
                _ => return None,
            };
            Some(Bound {
                what: what.to_owned(),
                bound: bound.to_owned(),
                measured: measured.to_owned(),
                holds: holds == "yes",
                goal,
            })
        })
        .collect()
}

pub fn write(report: &Report<'_>) -> String {
    let mut page = "# Benchmarks\n\n`make bench` writes this page, and anyone can run it. Times depend on the machine, so compare ratios.\n".to_owned();
    table(
        &mut page,
        &["", ""],
        report
            .machine
            .iter()
            .map(|(name, value)| vec![(*name).to_owned(), value.clone()]),
    );
    let bounds: Vec<&Bound> = report.bounds.iter().chain(report.others).collect();
    let (good, broken): (Vec<_>, Vec<_>) = bounds.into_iter().partition(|bound| bound.holds);
    held(
        &mut page,
        "Bounds that hold",
        "A change that breaks one of these bounds is not released.",
        &good,
    );
    held(
        &mut page,
        "Bounds that did not hold in this run",
        "`make bench` failed on these bounds, on the machine and the day above.",
        &broken,
    );
    goals(&mut page, report.bounds.iter().chain(report.others));
    if !report.costs.is_empty() {
        requests(&mut page, report.costs, report.most);
    }
    if !report.decisions.is_empty() {
        decided(&mut page, report.decisions);
    }
    if !report.pushed.is_empty() {
        pushed(&mut page, report.pushed);
    }
    if !report.memory.is_empty() {
        memory(&mut page, report.memory);
    }
    page.push_str(ENDING);
    page
}

const ENDING: &str = "
## Where to go next

[design.md](design.md#the-request-path) has the choices behind these figures, and [native.md](native.md) compares the two ways
to run keyward.
";

/// Writes bounds under a heading, if there are any.
fn held(page: &mut String, heading: &str, about: &str, bounds: &[&Bound]) {
    if bounds.is_empty() {
        return;
    }
    write!(page, "\n## {heading}\n\n{about}\n").unwrap();
    let rows = bounds
        .iter()
        .map(|bound| [&bound.what, &bound.bound, &bound.measured].map(Clone::clone));
    table(page, &["what", "bound", "measured"], rows.map(Vec::from));
}

/// What is not promised yet.
fn goals<'b>(page: &mut String, bounds: impl Iterator<Item = &'b Bound>) {
    let aimed = bounds.filter_map(|bound| Some((bound, bound.goal.as_ref()?)));
    let rows: Vec<Vec<String>> = aimed
        .map(|(bound, (goal, is_reached))| {
            let reached = if *is_reached { "reached" } else { "not yet" };
            let [what, measured] = [&bound.what, &bound.measured].map(Clone::clone);
            vec![what, goal.clone(), measured, reached.to_owned()]
        })
        .collect();
    if !rows.is_empty() {
        page.push_str("\n## Goals\n\nThe aims of later versions. Do not rely on them yet.\n");
        table(page, &["what", "goal", "measured", ""], rows.into_iter());
    }
}

fn requests(page: &mut String, costs: &[Cost], most: u32) {
    write!(
        page,
        "\n## A request\n\n\
         One worker, alone on its core; a client with 8 connections on another. Every request is what Stripe's Python SDK sends to list customers, with all its headers; Envoy answers it\n\
         itself, without an access log. CPU time is that of the worker's thread, as the kernel counts it, while requests come as fast as they are answered; latency is at {RATE} requests a second.\n\
         Candidates take turns in rounds, in an order that changes, and what one adds is compared within a round: the median of all rounds, and the quartiles in brackets. Tables\n\
         hold {} keys, of which 100 are used in turn; *the most keys* are {most}, of which 65,536 are.\n",
        candidates::KEYS
    )
    .unwrap();
    let short = |figure: Figure| figure.to_string();
    table(
        page,
        &[
            "",
            "CPU, µs",
            "added, µs",
            "of the no-op's",
            "median, µs",
            "p99, µs",
            "memory, MiB",
        ],
        costs.iter().map(|cost| {
            vec![
                cost.name.to_owned(),
                short(cost.time),
                short(cost.added),
                short(cost.of_noop),
                format!("{:.0}", cost.median),
                format!("{:.0}", cost.p99),
                mebibytes(cost.resident),
            ]
        }),
    );
    if let Some(cost) = costs.iter().find(|cost| cost.name == candidates::EXT_AUTHZ) {
        writeln!(page, "\nThe service behind `ext_authz` takes {:.1} µs of CPU for each of its requests besides, on another core.", cost.service).unwrap();
    }
}

fn decided(page: &mut String, decisions: &[Decision]) {
    page.push_str(
        "\n## The decision\n\n\
         Natively, without Envoy and its VM: from the bytes of the headers to those of the identity header and the filter state, or of the reply. \
         With a million keys, 65,536 of the restricted ones are used in turn, which no cache holds; of the other kinds, 100.\n\n\
         ![the decision's time against the number of keys](benchmarks-decisions.svg)\n",
    );
    table(
        page,
        &["keys", "kind", "outcome", "ns", "instructions"],
        decisions.iter().map(|decision| {
            let instructions = decision
                .instructions
                .map_or_else(|| "–".to_owned(), |count| count.to_string());
            vec![
                decision.keys.to_string(),
                decision.kind.clone(),
                decision.outcome.clone(),
                format!("{:.0}", decision.nanoseconds),
                instructions,
            ]
        }),
    );
}

fn pushed(page: &mut String, pushed: &[Pushed]) {
    page.push_str(
        "\n## A push\n\n\
         A file is renamed into the folder that Envoy watches; a client sends 1,000 requests a second with a key that every second push revokes. *Last passed*: from the rename to the last\n\
         answer with 200. *Pause*: the longest that an answer took, *calm* in as long a time without a push. Median and worst. *Linear memory* is that of the worker's VM, after two pushes and\n\
         after the last; a native module has no VM.\n\n\
         ![the time of a push against the number of keys](benchmarks-pushes.svg)\n",
    );
    table(
        page,
        &[
            "keys",
            "form",
            "filter",
            "size, MiB",
            "last passed, ms",
            "pause, ms",
            "calm, ms",
            "memory before, after 1, after all, MiB",
            "linear memory, MiB",
        ],
        pushed.iter().map(|pushed| {
            let mut row = vec![
                pushed.keys.to_string(),
                pushed.form.name().to_owned(),
                pushes::name(pushed.host).to_owned(),
                mebibytes(pushed.size as u64),
            ];
            match &pushed.taken {
                Some(taken) => row.extend(of_push(taken)),
                None => row.extend(["refused", "–", "–", "–", "–"].map(String::from)),
            }
            row
        }),
    );
}

fn of_push(taken: &Taken) -> [String; 5] {
    let times = |times: &[Duration]| {
        let all: Vec<f64> = times.iter().map(|time| milliseconds(*time)).collect();
        let worst = all.iter().copied().fold(0.0, f64::max);
        format!("{:.1}, {worst:.1}", Figure::of(all).median)
    };
    let [before, one, all] = taken.resident.map(mebibytes);
    let [two, last] = taken.linear.map(mebibytes);
    [
        times(&taken.revoked),
        times(&taken.pauses),
        times(&taken.calm),
        format!("{before}, {one}, {all} ({})", taken.pushes),
        format!("{two}, {last}"),
    ]
}

fn memory(page: &mut String, memory: &[Memory]) {
    page.push_str(
        "\n## Memory\n\n\
         What Envoy has resident with the native module, five seconds after every worker has decided: without a snapshot, and after one push of a `.pb` file.\n",
    );
    table(
        page,
        &["keys", "workers", "without, MiB", "with, MiB"],
        memory.iter().map(|memory| {
            vec![
                memory.keys.to_string(),
                memory.workers.to_string(),
                mebibytes(memory.without),
                mebibytes(memory.with),
            ]
        }),
    );
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1_048_576.0)
}

fn table(page: &mut String, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    writeln!(
        page,
        "\n| {} |\n|{}",
        head.join(" | "),
        "---|".repeat(head.len())
    )
    .unwrap();
    for row in rows {
        writeln!(page, "| {} |", row.join(" | ")).unwrap();
    }
}
