//! Checks the counters of a running Envoy: denials by the interlock, rejected pushes, workers with
//! an old snapshot, VMs that trapped.

use super::instance::Plugin;
use super::report::{Check, Level, Report};
use crate::wait::page::Page;

/// A counter that should be zero: the start and end of its name, and the consequence.
struct Zero {
    start: &'static str,
    end: &'static str,
    level: Level,
    what: &'static str,
    mend: &'static str,
}

const ZEROES: [Zero; 9] = [
    Zero {
        start: "http.",
        end: "keyward_interlock.denied",
        level: Level::Fail,
        what: "requests reached the interlock without a verdict of keyward's; it denied them",
        mend: "restart this Envoy, and look in its log for why it skips the filter",
    },
    Zero {
        start: "extension_config_discovery.http_filter.",
        end: ".update_rejected",
        level: Level::Warn,
        what: "pushes were refused",
        mend: "look for `configuration refused` in Envoy's log",
    },
    Zero {
        start: "extension_config_discovery.http_filter.",
        end: ".update_failure",
        level: Level::Warn,
        what: "files could not be read",
        mend: "replace the file by a rename, as `keyward push` does",
    },
    Zero {
        start: "wasmcustom.keyward_snapshot_workers_behind",
        end: "",
        level: Level::Warn,
        what: "VMs serve an older snapshot than was pushed",
        mend: "look for `configuration not loaded` in Envoy's log",
    },
    Zero {
        start: "wasm.",
        end: ".vm_reload",
        level: Level::Warn,
        what: "times a worker's VM trapped and was restarted",
        mend: "look for `wasm` in Envoy's log, and report it",
    },
    Zero {
        start: "dynamic_modules.module_load_error.",
        end: "",
        level: Level::Warn,
        what: "times a module could not be loaded",
        mend: "look for `dynamic_modules` in Envoy's log: the file may be missing, or be another version's",
    },
    Zero {
        start: "dynamic_modules.config_init_error.",
        end: "",
        level: Level::Warn,
        what: "times a module refused its configuration",
        mend: "look for `configuration refused` in Envoy's log",
    },
    Zero {
        start: "",
        end: ".requests_total.decision.deny.reason.host_failure",
        level: Level::Warn,
        what: "requests were denied because Envoy refused a call of keyward's, or keyward failed",
        mend: "look for `keyward` in Envoy's log, and report it",
    },
    Zero {
        start: "wasmcustom.",
        end: "reason=.=host_failure;.;keyward_requests_total",
        level: Level::Warn,
        what: "requests were denied because Envoy refused a call of keyward's",
        mend: "report it",
    },
];

/// Checks the counters. `page` is Envoy's `/stats`.
pub(super) fn check(page: &str, report: &mut Report) {
    report.made(Check::Stats);
    for line in page.lines() {
        let Some((name, value)) = line.rsplit_once(": ") else {
            continue;
        };
        let Ok(count @ 1..) = value.parse::<u64>() else {
            continue;
        };
        for zero in &ZEROES {
            if name.starts_with(zero.start) && name.ends_with(zero.end) {
                report.found(
                    zero.level,
                    Check::Stats,
                    &format!("`{name}`"),
                    format!("{count} {}", zero.what),
                    zero.mend,
                );
            }
        }
    }
}

/// In the name of a metric, a plugin's name is cut to this length.
const LONGEST_NAME: usize = 64;

/// Returns how many VMs of each gateway's plugin are missing: the main thread and every worker
/// should have one. `None` if the page does not contain the number of workers.
pub(super) fn missing(page: &str, plugins: &[Plugin<'_>]) -> Option<Vec<(String, u64)>> {
    let page = Page::of_stats(page);
    let threads = page.concurrency?.saturating_add(1);
    let vms = |plugin: &Plugin<'_>| {
        let name = plugin.label().unwrap_or(plugin.name);
        // In a metric's name, some characters become `_`, a long name is cut, and root id and
        // direction may follow it.
        let spelled = name.replace(
            |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')),
            "_",
        );
        let of = page.plugins.iter().filter(|(label, _)| {
            let first = label.split('/').next().unwrap_or("");
            first == spelled || (first.len() >= LONGEST_NAME && spelled.starts_with(first))
        });
        let count = of.map(|(_, counted)| counted.vms).max().unwrap_or(0);
        (name.to_owned(), threads.saturating_sub(count))
    };
    let gateways = plugins.iter().filter(|plugin| !plugin.only_reports());
    Some(
        gateways
            .map(vms)
            .filter(|(_, missing)| *missing > 0)
            .collect(),
    )
}

/// Returns the number of workers, if the page contains it.
pub(super) fn workers(page: &str) -> Option<u64> {
    Page::of_stats(page).concurrency
}

pub(super) fn check_workers(missing: Option<Vec<(String, u64)>>, report: &mut Report) {
    const CHECK: Check = Check::Workers;
    report.made(CHECK);
    let Some(missing) = missing else {
        report.found(
            Level::Warn,
            CHECK,
            "`/stats`",
            "it does not say `server.concurrency`, so a worker may be without keyward",
            "let Envoy's stats matcher pass it",
        );
        return;
    };
    for (name, count) in missing {
        report.found(
            Level::Fail,
            CHECK,
            &format!("`{name}`"),
            format!("{count} threads have no VM of it: a worker without one answers 503, or 403 by the interlock"),
            "look for `wasm` or `keyward` in Envoy's log; each VM needs some 9 GB of address space (`ulimit -v`)",
        );
    }
}
