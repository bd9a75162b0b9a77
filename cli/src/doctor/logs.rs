//! Checks access logs: whether they contain what no log should, and whether they contain keyward's
//! verdict.

use std::collections::BTreeSet;

use serde_json::Value;

use super::dump::{Manager, at, collect, is_of, items};
use super::format;
use super::headers::fold;
use super::instance::Plugin;
use super::operators;
use super::report::{Check, Level, Report};
use super::shown::{Known, Shown};

const CHECK: Check = Check::AccessLog;

/// The logged values that a client can choose.
#[derive(Clone, Copy, Debug)]
struct Forgeable {
    original_path: bool,
    request_id: bool,
}

impl Forgeable {
    /// Finds these values. Envoy removes `x-envoy-original-path` from external requests if
    /// `use_remote_address` shows it where they come from. Since 1.33, an address counts as
    /// internal only if it is configured.
    fn of(manager: &Value) -> Self {
        let mut removed = Vec::new();
        let mut wanted = |value: &Value| {
            let name = at(value, "/remove").as_str();
            name.is_some_and(|name| fold(name) == "x-envoy-original-path")
        };
        collect(
            at(manager, "/early_header_mutation_extensions"),
            &mut wanted,
            &mut removed,
        );
        Self {
            original_path: removed.is_empty()
                && (at(manager, "/internal_address_config").is_object()
                    || at(manager, "/use_remote_address") != true),
            request_id: at(manager, "/preserve_external_request_id") == true,
        }
    }
}

pub(super) fn check(manager: &Manager<'_>, plugins: &[Plugin<'_>], report: &mut Report) {
    report.made(CHECK);
    let known = Known::of(plugins);
    let forgeable = Forgeable::of(manager.value);
    let router = manager.filters().last().unwrap_or(&Value::Null);
    let loggers: Vec<&Value> = [
        at(manager.value, "/access_log"),
        at(manager.listener, "/access_log"),
        at(router, "/typed_config/upstream_log"),
    ]
    .into_iter()
    .flat_map(items)
    .collect();
    for logger in &loggers {
        check_logger(logger, &known, forgeable, &manager.place, report);
    }
    for plugin in plugins.iter().filter(|plugin| !plugin.only_reports()) {
        let state = plugin.state();
        if !loggers.iter().any(|logger| shows_state(logger, &state)) {
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

fn shows_state(logger: &Value, state: &str) -> bool {
    let is_state = |operator: &format::Operator<'_>| {
        let key = operator.argument.and_then(|it| it.split(':').next());
        operator.name == "FILTER_STATE" && key == Some(state)
    };
    let by_format = |text: &&str| format::parse(text).is_some_and(|all| all.iter().any(is_state));
    let objects = items(at(
        logger,
        "/typed_config/common_config/filter_state_objects_to_log",
    ));
    objects.iter().any(|name| name == state) || formats(logger).iter().any(by_format)
}

fn check_logger(
    logger: &Value,
    known: &Known,
    forgeable: Forgeable,
    place: &str,
    report: &mut Report,
) {
    let name = at(logger, "/name").as_str().unwrap_or("");
    let typed = at(logger, "/typed_config");
    let mut shown: BTreeSet<Shown> = BTreeSet::new();
    for text in formats(logger) {
        shown.extend(operators::shown_by(text, known));
    }
    shown.extend(by_tags(typed, known));
    match kind(typed) {
        // Without a format, Envoy uses its own, which contains the path with its query.
        Kind::Text if !has_format(typed) => {
            shown.insert(Shown::Query("Envoy's own format".to_owned()));
        }
        Kind::Text | Kind::Records => {}
        Kind::Service => {
            shown.insert(Shown::Query("every path".to_owned()));
        }
        Kind::Unknown => {
            shown.insert(Shown::Unjudged(format!("the logger `{name}`")));
        }
    }
    for one in shown {
        report_one(&one, forgeable, &format!("{place}, `{name}`"), report);
    }
}

/// Reports what a log or a span shows.
fn report_one(shown: &Shown, forgeable: Forgeable, place: &str, report: &mut Report) {
    const PATH: &str = "log `%PATH(NQ:ORIG_OR_PATH)%`";
    const VERDICT: &str = "log `%FILTER_STATE(wasm.keyward:PLAIN)%`, which names the key by its id";
    let (level, what, mend) = match shown {
        Shown::Credential(what) => (Level::Fail, format!("it logs `{what}`: every key ends up in the log"), VERDICT),
        Shown::Secretive(what) => (Level::Warn, format!("it logs `{what}`, which holds credentials"), VERDICT),
        Shown::Query(what) => (
            Level::Warn,
            format!("it logs paths with their queries, which hold names, addresses and sometimes keys (`{what}`)"),
            PATH,
        ),
        Shown::OriginalPath if forgeable.original_path => (
            Level::Warn,
            "it logs `x-envoy-original-path`, which clients write as they like where `internal_address_config` names them or `use_remote_address` is off: a forged path, or a key".to_owned(),
            "take the header off by `early_header_mutation_extensions`",
        ),
        Shown::RequestId if forgeable.request_id => (
            Level::Warn,
            "it logs `x-request-id`, which clients write as they like under `preserve_external_request_id`: any text, or a key".to_owned(),
            "take `preserve_external_request_id` away, or log no request id",
        ),
        Shown::OriginalPath | Shown::RequestId => return,
        Shown::Unjudged(what) => (
            Level::Warn,
            format!("what `{what}` shows cannot be judged: it may be a key or a query"),
            VERDICT,
        ),
    };
    report.found(level, CHECK, place, what, mend);
}

/// The kind of logger.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Writes lines in a given format or in Envoy's default format.
    Text,
    /// Writes only what its formats and tags name.
    Records,
    /// Sends records to the access log service for HTTP.
    Service,
    Unknown,
}

fn kind(typed: &Value) -> Kind {
    let is_any = |kinds: &[&str]| kinds.iter().any(|kind| is_of(typed, kind));
    if is_any(&["FileAccessLog", "StdoutAccessLog", "StderrAccessLog"]) {
        Kind::Text
    } else if is_of(typed, ".HttpGrpcAccessLogConfig") {
        Kind::Service
    } else if is_any(&[
        ".TcpGrpcAccessLogConfig",
        ".OpenTelemetryAccessLogConfig",
        ".FluentdAccessLogConfig",
        "access_loggers.stats.v3.Config",
    ]) {
        Kind::Records
    } else {
        Kind::Unknown
    }
}

fn has_format(typed: &Value) -> bool {
    let members = ["log_format", "format", "json_format", "typed_json_format"];
    members.iter().any(|member| typed.get(member).is_some())
}

/// Returns every text in a logger that Envoy reads as a format. A format in a file or a variable is
/// missing, because its text is not in the dump.
fn formats(logger: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    let typed = at(logger, "/typed_config");
    let members = typed.as_object().into_iter().flatten();
    // A file's name is not a format.
    for (_, member) in members.filter(|(name, _)| *name != "path") {
        collect(member, &mut Value::is_string, &mut found);
    }
    let texts = found.into_iter().filter_map(Value::as_str);
    texts.filter(|text| text.contains('%')).collect()
}

/// Returns what a logger takes from a request without an operator.
fn by_tags(typed: &Value, known: &Known) -> Vec<Shown> {
    let mut shown = Vec::new();
    let mut tags = Vec::new();
    collect(
        typed,
        &mut |value| value.get("request_header").is_some(),
        &mut tags,
    );
    let names = tags
        .into_iter()
        .filter_map(|tag| at(tag, "/request_header/name").as_str());
    let listed = items(at(typed, "/additional_request_headers_to_log"));
    let listed = listed.iter().filter_map(Value::as_str);
    shown.extend(names.chain(listed).filter_map(|name| known.by_header(name)));
    let mut elsewhere = Vec::new();
    let source = "text_format_source";
    collect(
        typed,
        &mut |value| value.get(source).is_some(),
        &mut elsewhere,
    );
    for format in elsewhere
        .into_iter()
        .map(|owner| at(owner, &format!("/{source}")))
    {
        if at(format, "/inline_string").is_null() {
            shown.push(Shown::Unjudged(
                "a format that is not in the dump".to_owned(),
            ));
        }
    }
    let mut metadata = Vec::new();
    collect(
        typed,
        &mut |value| at(value, "/metadata/kind/request").is_object(),
        &mut metadata,
    );
    shown.extend(
        metadata
            .iter()
            .map(|_| Shown::Unjudged("metadata of requests".to_owned())),
    );
    shown
}
