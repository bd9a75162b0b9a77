//! The cost of a request: in each round every candidate has its turn, in a changing order, and is
//! compared only with the others of this round. If another program uses the machine for a second,
//! it spoils one round, and the median is not affected.

use std::time::Duration;

use crate::authz;
use crate::candidates::{self, BARE, Candidate, NOOP};
use crate::client::{Answer, Pace};
use crate::figures::Figure;
use crate::machine::Cores;
use crate::process;

/// The amount of measurements.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Each session uses new processes, because the layout of memory is part of the noise.
    pub sessions: usize,
    pub rounds: usize,
    pub requests: usize,
    /// The number of requests whose latency is measured.
    pub calm: usize,
    /// The number of requests until V8 has recompiled frequent functions with its slower,
    /// optimizing compiler.
    pub warm_up: usize,
    /// The number of keys in the largest table.
    pub most: u32,
}

/// The rate of requests for measuring latency. It is far below what any candidate can handle.
pub const RATE: u32 = 1_000;

/// A candidate's figures.
#[derive(Debug)]
pub struct Cost {
    pub name: &'static str,
    /// The worker's time for a request, in µs.
    pub time: Figure,
    /// What it adds to a bare Envoy, in µs.
    pub added: Figure,
    /// The same as a multiple of what the no-op filter adds.
    pub of_noop: Figure,
    /// Latencies in µs, over all rounds.
    pub median: f64,
    pub p99: f64,
    /// The process's memory at the end, in bytes.
    pub resident: u64,
    /// What each round added, for ratios with other candidates.
    pub each: Vec<f64>,
    /// The service's time for a request, in µs.
    pub service: f64,
}

#[derive(Default)]
struct Series {
    times: Vec<f64>,
    latencies: Vec<Duration>,
    resident: u64,
    service: Vec<f64>,
}

pub fn measure(plan: Plan, cores: &Cores) -> Vec<Cost> {
    let mut names = Vec::new();
    let mut series: Vec<Series> = Vec::new();
    for session in 0..plan.sessions {
        eprintln!(
            "bench: requests, session {} of {}: starting every candidate's Envoy",
            session + 1,
            plan.sessions
        );
        let mut all = candidates::start(cores, plan.most);
        names = all.iter().map(|candidate| candidate.name).collect();
        series.resize_with(all.len(), Series::default);
        for candidate in &mut all {
            expect(
                candidate.expected,
                &candidate.client.send(Pace::Flood, plan.warm_up),
            );
        }
        for round in 0..plan.rounds {
            let mut turns = vec![Vec::new(); all.len()];
            let places = places(all.len());
            for place in order(places.len(), session * plan.rounds + round) {
                let place = places[place];
                turns[place].push(turn(plan, &mut all[place], &mut series[place]));
            }
            for (series, turns) in series.iter_mut().zip(turns) {
                series.add(&turns);
            }
        }
        for (candidate, series) in all.iter().zip(&mut series) {
            series.resident = process::resident(candidate.envoy.process_id());
        }
    }
    costs(&names, series)
}

/// Returns which candidate has its turn in a round, and how often. The candidates that all others
/// are compared with have several turns, because their noise is in every ratio.
fn places(count: usize) -> Vec<usize> {
    const COMPARED_WITH: usize = 2;
    let often = (0..COMPARED_WITH).flat_map(|place| [place; 3]);
    often.chain(COMPARED_WITH..count).collect()
}

/// Steps by a number that has no factor in common with the number of turns, from another start
/// every time.
fn order(count: usize, round: usize) -> impl Iterator<Item = usize> {
    let steps: Vec<usize> = (1..count).filter(|step| gcd(*step, count) == 1).collect();
    let step = steps[round % steps.len()];
    let start = round * 5;
    (0..count).map(move |turn| (start + turn * step) % count)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The microseconds for a request: the worker's, and those of a service.
type Turn = [f64; 2];

fn turn(plan: Plan, candidate: &mut Candidate, series: &mut Series) -> Turn {
    let process = candidate.envoy.process_id();
    // Other candidates have used the caches since its last turn.
    candidate.client.send(Pace::Flood, plan.requests / 20);
    let before = (
        process::ran(process, candidate.worker),
        process::ran_here(authz::THREADS),
    );
    let answers = candidate.client.send(Pace::Flood, plan.requests);
    let after = (
        process::ran(process, candidate.worker),
        process::ran_here(authz::THREADS),
    );
    expect(candidate.expected, &answers);
    let each = |nanoseconds: u64| nanoseconds as f64 / 1e3 / answers.len() as f64;
    let calm = candidate.client.send(Pace::Steady(RATE), plan.calm);
    series
        .latencies
        .extend(calm.iter().map(|answer| answer.latency));
    [each(after.0 - before.0), each(after.1 - before.1)]
}

impl Series {
    /// Adds a round: the mean of its turns.
    fn add(&mut self, turns: &[Turn]) {
        let mean = |of: usize| turns.iter().map(|turn| turn[of]).sum::<f64>() / turns.len() as f64;
        self.times.push(mean(0));
        self.service.push(mean(1));
    }
}

#[track_caller]
fn expect(status: u16, answers: &[Answer]) {
    let other = answers.iter().find(|answer| answer.status != status);
    assert!(other.is_none(), "expected {status}: {other:?}");
}

fn costs(names: &[&'static str], series: Vec<Series>) -> Vec<Cost> {
    let of = |name| names.iter().position(|other| *other == name).unwrap();
    let bare = series[of(BARE)].times.clone();
    let added = |times: &[f64]| {
        times
            .iter()
            .zip(&bare)
            .map(|(time, bare)| time - bare)
            .collect::<Vec<f64>>()
    };
    let noop = added(&series[of(NOOP)].times);
    let named = names.iter().zip(series);
    named
        .map(|(name, mut series)| {
            let each = added(&series.times);
            let of_noop = each
                .iter()
                .zip(&noop)
                .map(|(each, noop)| each / noop)
                .collect();
            series.latencies.sort_unstable();
            let percentile = |part: usize| {
                let at = series.latencies[(series.latencies.len() - 1) * part / 100];
                at.as_secs_f64() * 1e6
            };
            Cost {
                name,
                time: Figure::of(series.times),
                added: Figure::of(each.clone()),
                of_noop: Figure::of(of_noop),
                median: percentile(50),
                p99: percentile(99),
                resident: series.resident,
                each,
                service: Figure::of(series.service).median,
            }
        })
        .collect()
}

/// Returns the ratio of what two candidates add, within rounds.
pub fn ratio(of: &Cost, to: &Cost) -> Figure {
    Figure::of(
        of.each
            .iter()
            .zip(&to.each)
            .map(|(of, to)| of / to)
            .collect(),
    )
}
