//! What a running Envoy has counted: denials of the interlock, refused pushes, workers that stayed behind, VMs that trapped.

use super::report::{Level, Report};

/// A counter that should be zero: how its name begins and ends, and what follows from it.
struct Zero {
    start: &'static str,
    end: &'static str,
    level: Level,
    what: &'static str,
    mend: &'static str,
}

const ZEROES: [Zero; 6] = [
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
        what: "times a worker's VM had trapped and was made anew",
        mend: "look for `wasm` in Envoy's log, and report it",
    },
    Zero {
        start: "wasmcustom.",
        end: "reason=.=host_failure;.;keyward_requests_total",
        level: Level::Warn,
        what: "requests were denied because Envoy refused a call of keyward's",
        mend: "report it",
    },
];

/// `page` is Envoy's `/stats`.
pub(super) fn check(page: &str, report: &mut Report) {
    report.made("stats");
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
                    "stats",
                    &format!("`{name}`"),
                    format!("{count} {}", zero.what),
                    zero.mend,
                );
            }
        }
    }
}
