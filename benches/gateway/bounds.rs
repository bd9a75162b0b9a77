//! What was promised, beside what was measured.

use std::fmt::Write;
use std::time::Duration;

use crate::candidates::{
    EXT_AUTHZ, NATIVE_RESTRICTED, PROBE, RESTRICTED, RESTRICTED_MOST, RESTRICTED_ONE,
};
use crate::pushes::{Form, Pushed, Taken};
use crate::rounds::{Cost, ratio};
use crate::support::find;

/// A promise.
pub struct Bound {
    pub what: String,
    pub bound: String,
    pub measured: String,
    pub holds: bool,
}

/// Every bound that these measurements tell of.
pub fn all(costs: &[Cost], pushed: &[Pushed]) -> Vec<Bound> {
    let mut all = Vec::new();
    if !costs.is_empty() {
        of_requests(costs, &mut all);
    }
    of_pushes(pushed, &mut all);
    let size = std::fs::metadata(find::wasm()).unwrap().len();
    all.push(Bound {
        what: "size of the released .wasm".to_owned(),
        bound: "700 KiB".to_owned(),
        measured: format!("{:.0} KiB", size as f64 / 1024.0),
        holds: size <= 700 << 10,
    });
    all
}

/// For `scripts/bench/table.py`: one line each, separated by tabs.
pub fn lines(bounds: &[Bound]) -> String {
    let mut lines = String::new();
    for Bound {
        what,
        bound,
        measured,
        holds,
    } in bounds
    {
        let holds = if *holds { "yes" } else { "no" };
        writeln!(lines, "{what}\t{bound}\t{measured}\t{holds}").unwrap();
    }
    lines
}

fn of_requests(costs: &[Cost], all: &mut Vec<Bound>) {
    let named = |name| costs.iter().find(|cost| cost.name == name);
    let mut part = |what: &str, of, to, bound: f64| {
        let (Some(of), Some(to)) = (named(of), named(to)) else {
            return;
        };
        let figure = ratio(of, to);
        all.push(Bound {
            what: what.to_owned(),
            bound: bound.to_string(),
            measured: figure.to_string(),
            holds: figure.median <= bound,
        });
    };
    part(
        "CPU per request that a restricted key adds, as a multiple of what a filter adds that makes the same host calls and decides nothing",
        RESTRICTED,
        PROBE,
        1.5,
    );
    part(
        "CPU per request that a restricted key adds natively, as a part of what it adds in wasm",
        NATIVE_RESTRICTED,
        RESTRICTED,
        0.55,
    );
    part(
        "CPU per request that a restricted key adds natively, as a part of what ext_authz adds",
        NATIVE_RESTRICTED,
        EXT_AUTHZ,
        0.142,
    );
    part(
        "CPU per request that a restricted key adds, as a part of what ext_authz adds",
        RESTRICTED,
        EXT_AUTHZ,
        0.2,
    );
    part(
        "what a restricted key adds among the most keys, 65,536 in turn, as a multiple of what it adds alone (in Envoy)",
        RESTRICTED_MOST,
        RESTRICTED_ONE,
        1.25,
    );
}

fn of_pushes(pushed: &[Pushed], all: &mut Vec<Bound>) {
    let mut time =
        |form: Form, keys: u32, what: &str, bound: Duration, of: fn(&Taken) -> Option<Duration>| {
            let Some(pushed) = pushed
                .iter()
                .find(|pushed| pushed.form == form && pushed.keys == keys)
            else {
                return;
            };
            let measured = pushed.taken.as_ref().and_then(of);
            all.push(Bound {
                what: format!("{what}: {keys} keys, {}", form.name()),
                bound: format!("{} ms", bound.as_millis()),
                measured: measured.map_or_else(
                    || "not taken".to_owned(),
                    |time| format!("{:.1} ms", milliseconds(time)),
                ),
                holds: measured.is_some_and(|time| time <= bound),
            });
        };
    // The worst, not the median: a promise to those who revoke a key.
    let revoked = |taken: &Taken| taken.revoked.iter().max().copied();
    let pause = |taken: &Taken| taken.pauses.iter().max().copied();
    let last = "from the rename to the last request let through with a revoked key, at most";
    time(
        Form::Json,
        10_000,
        last,
        Duration::from_millis(250),
        revoked,
    );
    time(
        Form::Packed,
        1_000_000,
        last,
        Duration::from_secs(1),
        revoked,
    );
    time(
        Form::Packed,
        1_000_000,
        "the longest that a worker answers nobody during a push",
        Duration::from_millis(50),
        pause,
    );
    let million = pushed
        .iter()
        .find(|pushed| pushed.form == Form::Packed && pushed.keys == 1_000_000);
    if let Some(taken) = million.and_then(|million| million.taken.as_ref()) {
        let [two, _] = taken.linear;
        all.push(Bound {
            what: "linear memory of a VM after two snapshots in turn: 1000000 keys, packed"
                .to_owned(),
            bound: "128 MiB".to_owned(),
            measured: format!("{:.0} MiB", two as f64 / 1048576.0),
            holds: two > 0 && two <= 128 << 20,
        });
    }
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
