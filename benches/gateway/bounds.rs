//! Compares the promises with the measurements.

use std::fmt::Write;
use std::time::Duration;

use crate::candidates::{
    EXT_AUTHZ, NATIVE_RESTRICTED, PROBE, RESTRICTED, RESTRICTED_MOST, RESTRICTED_ONE,
};
use crate::decisions::Decision;
use crate::memory::Memory;
use crate::pushes::{self, Form, Pushed, Taken};
use crate::rounds::{Cost, ratio};
use crate::support::{Host, find};

/// A promise, and the goal beyond it.
pub struct Bound {
    pub what: String,
    pub bound: String,
    pub measured: String,
    pub holds: bool,
    /// The goal, and whether it is reached.
    pub goal: Option<(String, bool)>,
}

/// The limits for a number.
#[derive(Clone, Copy)]
struct Limits {
    bound: f64,
    goal: Option<f64>,
}

impl Limits {
    fn bound(bound: f64) -> Self {
        Self { bound, goal: None }
    }

    fn goal(self, goal: f64) -> Self {
        Self {
            goal: Some(goal),
            ..self
        }
    }

    /// Returns the promise about this value, in this unit.
    fn on(
        self,
        what: &str,
        value: Option<f64>,
        shown: String,
        show: impl Fn(f64) -> String,
    ) -> Bound {
        let within = |limit: f64| value.is_some_and(|value| value <= limit);
        Bound {
            what: what.to_owned(),
            bound: show(self.bound),
            measured: value.map_or_else(|| "not taken".to_owned(), |_| shown),
            holds: within(self.bound),
            goal: self.goal.map(|goal| (show(goal), within(goal))),
        }
    }
}

/// Returns every bound that these measurements check.
pub fn all(
    costs: &[Cost],
    decisions: &[Decision],
    pushed: &[Pushed],
    memory: &[Memory],
) -> Vec<Bound> {
    let mut all = Vec::new();
    if !costs.is_empty() {
        of_requests(costs, &mut all);
    }
    of_decisions(decisions, &mut all);
    of_memory(memory, &mut all);
    of_pushes(pushed, &mut all);
    let size = std::fs::metadata(find::wasm()).unwrap().len() as f64 / 1024.0;
    let kibibytes = |size: f64| format!("{size:.0} KiB");
    all.push(Limits::bound(700.0).on(
        "size of the released .wasm",
        Some(size),
        kibibytes(size),
        kibibytes,
    ));
    all
}

/// Formats the bounds for `scripts/bench/table.py`: one line each, separated by tabs.
pub fn lines(bounds: &[Bound]) -> String {
    let mut lines = String::new();
    for bound in bounds {
        let holds = if bound.holds { "yes" } else { "no" };
        let Bound {
            what,
            bound,
            measured,
            ..
        } = bound;
        writeln!(lines, "{what}\t{bound}\t{measured}\t{holds}").unwrap();
    }
    lines
}

fn of_requests(costs: &[Cost], all: &mut Vec<Bound>) {
    let named = |name| costs.iter().find(|cost| cost.name == name);
    let mut part = |what: &str, of, to, limits: Limits| {
        let (Some(of), Some(to)) = (named(of), named(to)) else {
            return;
        };
        let figure = ratio(of, to);
        let show = |part: f64| part.to_string();
        all.push(limits.on(what, Some(figure.median), figure.to_string(), show));
    };
    part(
        "CPU per request that a restricted key adds natively, as a part of what it adds in wasm",
        NATIVE_RESTRICTED,
        RESTRICTED,
        Limits::bound(0.55).goal(0.4),
    );
    part(
        "CPU per request that a restricted key adds natively, as a part of what ext_authz adds",
        NATIVE_RESTRICTED,
        EXT_AUTHZ,
        Limits::bound(0.142).goal(0.1),
    );
    part(
        "CPU per request that a restricted key adds in wasm, as a multiple of what a filter in wasm adds that makes the same host calls and decides nothing",
        RESTRICTED,
        PROBE,
        Limits::bound(1.5).goal(1.25),
    );
    part(
        "CPU per request that a restricted key adds in wasm, as a part of what ext_authz adds",
        RESTRICTED,
        EXT_AUTHZ,
        Limits::bound(0.2),
    );
    part(
        "CPU per request that a restricted key adds among the most keys, 65,536 in turn, as a multiple of what it adds as the only key in use (in wasm)",
        RESTRICTED_MOST,
        RESTRICTED_ONE,
        Limits::bound(1.25),
    );
}

/// Adds the bounds for a restricted key that reads, with one key and with a million. Of the
/// million, 65,536 are used in turn.
fn of_decisions(decisions: &[Decision], all: &mut Vec<Bound>) {
    let named = |keys, wanted| {
        decisions.iter().find(|decision| {
            let Decision { kind, outcome, .. } = decision;
            decision.keys == keys && kind == "restricted" && outcome == wanted
        })
    };
    let of = |keys| named(keys, "allowed, many in turn");
    let (Some(one), Some(million)) = (of(1), of(1_000_000)) else {
        return;
    };
    let overlaid = named(1_000_000, "allowed, many in turn, 10000 in an overlay");
    if let (Some(none), Some(some)) = (
        million.instructions,
        overlaid.and_then(|decision| decision.instructions),
    ) {
        let more = (some as f64 / none as f64 - 1.0) * 100.0;
        let percent = |more: f64| format!("{more:+.1} %");
        all.push(Limits::bound(5.0).goal(2.0).on(
            "instructions per decision among 1,000,000 keys: an overlay of 10,000 compared with none",
            Some(more),
            format!("{} ({none}, {some})", percent(more)),
            percent,
        ));
    }
    if let (Some(few), Some(many)) = (one.instructions, million.instructions) {
        let more = (many as f64 / few as f64 - 1.0) * 100.0;
        let percent = |more: f64| format!("{more:+.1} %");
        all.push(Limits::bound(5.0).goal(2.0).on(
            "instructions per decision: 1,000,000 keys compared with 1 key",
            Some(more),
            format!("{} ({few}, {many})", percent(more)),
            percent,
        ));
    }
    let more = million.nanoseconds - one.nanoseconds;
    let nanoseconds = |more: f64| format!("{more:.0} ns");
    all.push(Limits::bound(120.0).goal(60.0).on(
        "time per decision: what 1,000,000 keys, 65,536 of them in turn, add to 1 key",
        Some(more),
        nanoseconds(more),
        nanoseconds,
    ));
}

fn of_memory(memory: &[Memory], all: &mut Vec<Bound>) {
    let of = |workers| memory.iter().find(|memory| memory.workers == workers);
    let (Some(one), Some(eight)) = (of(1), of(8)) else {
        return;
    };
    let keys = one.keys;
    let more = (eight.with as f64 / one.with as f64 - 1.0) * 100.0;
    let percent = |more: f64| format!("{more:+.1} %");
    let mebibytes = |bytes: f64| format!("{bytes:.0} MiB");
    let in_mebibytes = |bytes: u64| mebibytes(bytes as f64 / 1_048_576.0);
    all.push(Limits::bound(5.0).goal(2.0).on(
        &format!("memory of Envoy with {keys} packed keys, native: 8 workers compared with 1"),
        Some(more),
        format!(
            "{} ({}, {})",
            percent(more),
            in_mebibytes(one.with),
            in_mebibytes(eight.with)
        ),
        percent,
    ));
    let keys_take = eight.with.saturating_sub(eight.without) as f64 / 1_048_576.0;
    all.push(Limits::bound(200.0).goal(130.0).on(
        &format!(
            "memory of {keys} packed keys, native, 8 workers: what they add to the same Envoy without keys"
        ),
        Some(keys_take),
        format!(
            "{} ({} without)",
            mebibytes(keys_take),
            in_mebibytes(eight.without)
        ),
        mebibytes,
    ));
}

fn of_pushes(pushed: &[Pushed], all: &mut Vec<Bound>) {
    let find = |(host, form, keys): (Host, Form, u32)| {
        let mut all = pushed.iter();
        all.find(|pushed| (pushed.host, pushed.form, pushed.keys) == (host, form, keys))
    };
    let mut time =
        |of: (Host, Form, u32), what: &str, limits: Limits, value: fn(&Taken) -> Option<f64>| {
            let Some(pushed) = find(of) else {
                return;
            };
            let (host, form, keys) = of;
            let value = pushed.taken.as_ref().and_then(value);
            let show = |time: f64| format!("{time:.0} ms");
            all.push(limits.on(
                &format!(
                    "{what}: {keys} keys, {}, {}",
                    form.name(),
                    pushes::name(host)
                ),
                value,
                format!("{:.1} ms", value.unwrap_or_default()),
                show,
            ));
        };
    // The worst value and not the median, because it is a promise to people who revoke a key.
    let revoked: fn(&Taken) -> Option<f64> = |taken| worst(&taken.revoked);
    let pause: fn(&Taken) -> Option<f64> = |taken| worst(&taken.pauses);
    let last = "time from the rename of a push to the last request that passes with a revoked key, at most";
    time(
        (Host::Wasm, Form::Json, 10_000),
        last,
        Limits::bound(250.0),
        revoked,
    );
    time(
        (Host::Wasm, Form::Packed, MILLION),
        last,
        Limits::bound(1_000.0),
        revoked,
    );
    time(
        (Host::Native, Form::Packed, MILLION),
        last,
        Limits::bound(400.0).goal(200.0),
        revoked,
    );
    time(
        (Host::Wasm, Form::Packed, MILLION),
        "the longest time that a worker answers no request during a push",
        Limits::bound(50.0),
        pause,
    );
    time(
        (Host::Native, Form::Packed, MILLION),
        "what a push adds to the longest wait of a request, median",
        Limits::bound(5.0).goal(1.0),
        |taken| Some(taken.wait()).filter(|_| !taken.pauses.is_empty()),
    );
    let million = find((Host::Wasm, Form::Packed, MILLION));
    if let Some(taken) = million.and_then(|million| million.taken.as_ref()) {
        let [two, _] = taken.linear.map(|bytes| bytes as f64 / 1_048_576.0);
        let show = |size: f64| format!("{size:.0} MiB");
        all.push(Limits::bound(128.0).on(
            "linear memory of a VM after two snapshots in turn: 1000000 packed keys",
            Some(two).filter(|two| *two > 0.0),
            show(two),
            show,
        ));
    }
}

const MILLION: u32 = 1_000_000;

fn worst(times: &[Duration]) -> Option<f64> {
    times.iter().max().map(|time| milliseconds(*time))
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
