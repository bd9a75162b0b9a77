//! What a log or a span shows through Envoy's operators. Operators that show nothing from a client
//! are listed here. Every other one is judged by its argument, or cannot be judged.

use serde_json::Value;

use super::expression;
use super::format::{self, Operator};
use super::headers::fold;
use super::shown::{Known, Shown};

/// Operators of Envoy 1.40 that show no header, no query, and nothing that a filter wrote.
const PLAIN: &[&str] = &[
    "ACCESS_LOG_TYPE",
    "CLUSTER_METADATA",
    "COMMON_DURATION",
    "CUSTOM_FLAGS",
    "DURATION",
    "EMIT_TIME",
    "EMIT_TIME_LOCAL",
    "ENVIRONMENT",
    "FILTER_CHAIN_NAME",
    "GRPC_STATUS",
    "GRPC_STATUS_NUMBER",
    "HOSTNAME",
    "LISTENER_NAME",
    "LOCAL_REPLY_BODY",
    "PROTOCOL",
    "REQUESTED_SERVER_NAME",
    "RESP",
    "RESPONSE_HEADER",
    "RESPONSE_TRAILER",
    "ROUNDTRIP_DURATION",
    "ROUTE_NAME",
    "ROUTE_RESOLUTION_COUNT",
    "ROUTE_RESOLUTION_TIME_US",
    "SPAN_ID",
    "START_TIME",
    "START_TIME_LOCAL",
    "TLS_JA3_FINGERPRINT",
    "TLS_JA4_FINGERPRINT",
    "TRACE_ID",
    "TRAILER",
    "UNIQUE_ID",
    "UPSTREAM_METADATA",
    "VIRTUAL_CLUSTER_NAME",
    "XFCC_VALUE",
];

/// Prefixes of families of such operators.
const FAMILIES: [&str; 7] = [
    "BYTES_",
    "CONNECTION_",
    "DOWNSTREAM_",
    "PACKETS_",
    "REQUEST_",
    "RESPONSE_",
    "UPSTREAM_",
];

/// Returns everything that a format shows.
pub(super) fn shown_by(text: &str, known: &Known) -> Vec<Shown> {
    match format::parse(text) {
        Some(operators) => operators
            .iter()
            .flat_map(|it| shown_by_one(*it, known))
            .collect(),
        None => vec![Shown::Unjudged(text.to_owned())],
    }
}

fn shown_by_one(operator: Operator<'_>, known: &Known) -> Vec<Shown> {
    let argument = operator.argument.unwrap_or("");
    let whole = || match operator.argument {
        Some(argument) => format!("%{}({argument})%", operator.name),
        None => format!("%{}%", operator.name),
    };
    let by_headers = |names: &str| -> Vec<Shown> {
        names
            .split('?')
            .filter_map(|name| known.by_header(name))
            .collect()
    };
    match operator.name {
        "REQ" | "REQUEST_HEADER" | "STREAM_INFO_REQ" => by_headers(argument),
        "REQ_WITHOUT_QUERY" => {
            let shown = by_headers(argument);
            let without = |shown| match shown {
                Shown::Query(name) if fold(&name) == "x-envoy-original-path" => {
                    Some(Shown::OriginalPath)
                }
                Shown::Query(_) => None,
                other @ (Shown::Credential(_)
                | Shown::Secretive(_)
                | Shown::OriginalPath
                | Shown::RequestId
                | Shown::Unjudged(_)) => Some(other),
            };
            shown.into_iter().filter_map(without).collect()
        }
        "PATH" => by_path(argument, whole()),
        "QUERY_PARAM" | "QUERY_PARAMS" => vec![Shown::Query(whole())],
        "CEL" | "TYPED_CEL" => match expression::shown_by(argument, known) {
            Some(shown) => shown,
            None => vec![Shown::Unjudged(whole())],
        },
        "COALESCE" => {
            by_first_of(argument, known).unwrap_or_else(|| vec![Shown::Unjudged(whole())])
        }
        "SECRET" => vec![Shown::Credential(whole())],
        "STREAM_ID" => vec![Shown::RequestId],
        "FILTER_STATE" | "UPSTREAM_FILTER_STATE" => {
            let key = argument.split(':').next().unwrap_or("");
            if known.is_state(key) {
                Vec::new()
            } else {
                vec![Shown::Unjudged(whole())]
            }
        }
        // Filters write the metadata of requests. All other metadata is in the configuration.
        "METADATA" if !argument.starts_with("DYNAMIC") => Vec::new(),
        name if PLAIN.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family)) => {
            Vec::new()
        }
        _ => vec![Shown::Unjudged(whole())],
    }
}

/// Judges `%PATH(X:Y)%`: it contains the query unless X is `NQ`, and comes from
/// `x-envoy-original-path` if that exists, unless Y is `PATH`.
fn by_path(argument: &str, whole: String) -> Vec<Shown> {
    let (query, source) = argument.split_once(':').unwrap_or((argument, ""));
    let mut shown = Vec::new();
    if query != "NQ" {
        shown.push(Shown::Query(whole));
    }
    if source != "PATH" {
        shown.push(Shown::OriginalPath);
    }
    shown
}

/// Judges `%COALESCE({"operators": ["A", {"command": "REQ", "param": "x"}]})%`, which shows any of
/// these.
fn by_first_of(json: &str, known: &Known) -> Option<Vec<Shown>> {
    let value: Value = serde_json::from_str(json).ok()?;
    let mut shown = Vec::new();
    for operator in value.get("operators")?.as_array()? {
        let name = operator
            .as_str()
            .or(operator.get("command").and_then(Value::as_str))?;
        let argument = operator.get("param").and_then(Value::as_str);
        shown.extend(shown_by_one(Operator { name, argument }, known));
    }
    Some(shown)
}
