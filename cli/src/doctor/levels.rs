//! The levels of Envoy's own log. At `debug` and `trace`, several of its loggers write each
//! request's headers, including the key.

use super::report::{Check, Level, Report};

const CHECK: Check = Check::LogLevel;
const MEND: &str =
    "set the level to `info`, by `--log-level` or by POST to `/logging` of the admin interface";

/// With Envoy 1.40, `http`, `router` and `rbac` were observed to print a key. The codecs of HTTP/2
/// and HTTP/3 print what they read.
const WITH_HEADERS: [&str; 6] = ["http", "http2", "quic", "quic_stream", "rbac", "router"];

/// Checks the levels. `page` is Envoy's answer to POST `/logging`, which changes nothing without a
/// parameter: a line such as `  http: info` for each logger.
pub(super) fn check(page: Option<&str>, report: &mut Report) {
    report.made(CHECK);
    let lines = page.map_or_else(Vec::new, levels);
    if lines.is_empty() {
        report.found(
            Level::Warn,
            CHECK,
            "the admin interface",
            "it does not say at which levels Envoy logs, and `debug` writes keys",
            "let it answer POST `/logging`",
        );
    }
    let loud: Vec<_> = lines
        .into_iter()
        .filter(|(_, level)| matches!(*level, "debug" | "trace"))
        .collect();
    let (bad, other): (Vec<_>, Vec<_>) = loud
        .into_iter()
        .partition(|(name, _)| WITH_HEADERS.contains(name));
    for (level, what, loggers) in [
        (
            Level::Fail,
            "they write the headers of requests, with their keys",
            bad,
        ),
        (
            Level::Warn,
            "what they write of a request cannot be judged",
            other,
        ),
    ] {
        if !loggers.is_empty() {
            let names: Vec<&str> = loggers.iter().map(|(name, _)| *name).collect();
            let place = format!("`{}` at `debug` or `trace`", names.join("`, `"));
            report.found(level, CHECK, &place, what, MEND);
        }
    }
}

/// Returns the loggers with their levels. Fine-grained loggers have the names of files.
fn levels(page: &str) -> Vec<(&str, &str)> {
    let lines = page
        .lines()
        .filter_map(|line| line.trim().rsplit_once(": "));
    lines.collect()
}
