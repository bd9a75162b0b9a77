//! Access logs: whether they hold what no log should, and keyward's verdict, which they should.

use serde_json::Value;

use super::dump::{Manager, Plugin, at, collect, is_of, items};
use super::report::{Level, Report};

/// What prints a path with its query, upper-cased.
const WITH_QUERY: [&str; 4] = [
    "%REQ(:PATH)",
    "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)",
    "%PATH(WQ",
    "%PATH%",
];

/// What prints a credential.
const CREDENTIAL: &str = "%REQ(AUTHORIZATION";

pub(super) fn check(manager: &Manager<'_>, plugins: &[Plugin<'_>], report: &mut Report) {
    const CHECK: &str = "access-log";
    report.made(CHECK);
    let loggers: Vec<&Value> = [
        at(manager.value, "/access_log"),
        at(manager.listener, "/access_log"),
    ]
    .into_iter()
    .flat_map(items)
    .collect();
    for logger in &loggers {
        check_logger(logger, &manager.place, report);
    }
    for plugin in plugins {
        let shown = format!("%FILTER_STATE({}:", plugin.state());
        let is_shown = loggers
            .iter()
            .any(|logger| texts(logger).iter().any(|text| text.contains(&shown)));
        if !is_shown {
            report.found(
                Level::Note,
                CHECK,
                &manager.place,
                format!("no log shows the verdict of `{}`", plugin.name),
                "log `%FILTER_STATE(wasm.keyward:PLAIN)%`",
            );
        }
    }
}

fn check_logger(logger: &Value, place: &str, report: &mut Report) {
    let name = at(logger, "/name").as_str().unwrap_or("");
    let texts = texts(logger);
    let upper: Vec<String> = texts.iter().map(|text| text.to_uppercase()).collect();
    let has = |part: &str| upper.iter().any(|text| text.contains(part));
    let lists = |header: &str| upper.iter().any(|text| text == header);
    // Both of the access log service name headers to be sent; the one for connections sends no path unless it is named.
    let is_sent = is_of(at(logger, "/typed_config"), "GrpcAccessLogConfig");
    let is_http = is_of(at(logger, "/typed_config"), "HttpGrpcAccessLogConfig");
    let lists_credential = is_sent && lists("AUTHORIZATION");
    let sends_path = is_http || (is_sent && lists(":PATH"));
    if has(CREDENTIAL) || lists_credential {
        report.found(
            Level::Fail,
            "access-log",
            place,
            format!("`{name}` logs `Authorization`: every key ends up in the log"),
            "log `%FILTER_STATE(wasm.keyward:PLAIN)%`, which names the key by its id",
        );
    }
    let typed = at(logger, "/typed_config");
    // Without a format, Envoy's own: it has the path with its query.
    let is_usual = ["log_format", "format", "json_format", "typed_json_format"]
        .iter()
        .all(|member| typed.get(member).is_none())
        && ["FileAccessLog", "StdoutAccessLog", "StderrAccessLog"]
            .iter()
            .any(|kind| is_of(typed, kind));
    if is_usual || sends_path || WITH_QUERY.iter().any(|operator| has(operator)) {
        report.found(
            Level::Warn,
            "access-log",
            place,
            format!("`{name}` logs paths with their queries, which hold names, addresses and sometimes keys"),
            "log `%PATH(NQ:ORIG_OR_PATH)%`",
        );
    }
}

/// Every text in a logger, but for the filter that chooses its lines.
fn texts(logger: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    collect(
        at(logger, "/typed_config"),
        &mut Value::is_string,
        &mut found,
    );
    found.into_iter().filter_map(Value::as_str).collect()
}
