//! Every logger that keyward ships prints the same members and chooses its lines by the same
//! expression, whatever the names and format.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::evidence::HIDDEN;
use crate::mesh::{gateway_settings, istio_loggers};
use crate::support::bootstrap::{GATEWAY, at, hcm, read};

/// A logger: the expression that chooses its lines, and what it prints under each name.
type Logger = (String, BTreeMap<String, String>);

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Reads `{name: operator, …}`.
fn by_name(labels: &Value) -> BTreeMap<String, String> {
    let labels = labels.as_object().unwrap().iter();
    labels
        .map(|(name, operator)| (name.clone(), text(operator)))
        .collect()
}

/// Reads a list of entries.
fn listed(list: &Value, name: &str, operator: &[&str]) -> BTreeMap<String, String> {
    let entries = list.as_array().unwrap().iter();
    entries
        .map(|entry| {
            let operator = operator
                .iter()
                .find_map(|place| entry.pointer(place))
                .unwrap();
            (text(&entry[name]), text(operator))
        })
        .collect()
}

/// Reads one of Envoy's own loggers.
fn logger(logger: &Value) -> Logger {
    let typed = &logger["typed_config"];
    let printed = if let Some(labels) = typed.pointer("/log_format/json_format") {
        by_name(labels)
    } else if let Some(values) = typed.pointer("/attributes/values") {
        listed(values, "key", &["/value/string_value"])
    } else {
        listed(
            &typed["common_config"]["custom_tags"],
            "tag",
            &["/value", "/literal/value"],
        )
    };
    (
        text(&logger["filter"]["extension_filter"]["typed_config"]["expression"]),
        printed,
    )
}

/// Returns every pair of loggers with its file.
fn shipped() -> Vec<(&'static str, Vec<Logger>)> {
    let of = |loggers: &Value| loggers.as_array().unwrap().iter().map(logger).collect();
    let mut all: Vec<(&str, Vec<Logger>)> = Vec::new();
    for file in [
        "envoy/bootstrap.yaml",
        "envoy/control.yaml",
        "envoy/egress.yaml",
        "envoy/ratelimit.yaml",
    ] {
        let mut bootstrap = read(file);
        all.push((file, of(at(hcm(&mut bootstrap), "/access_log"))));
    }
    for file in [
        "envoy/access-log/file.yaml",
        "envoy/access-log/open-telemetry.yaml",
        "envoy/access-log/grpc.yaml",
    ] {
        all.push((file, of(&read(file)["access_log"])));
    }
    let settings = gateway_settings().into_iter();
    let settings = settings.map(|setting| {
        (
            text(&setting["matches"][0]),
            by_name(&setting["format"]["json"]),
        )
    });
    all.push(("envoy/gateway", settings.collect()));
    let loggers = istio_loggers().into_iter();
    all.push((
        "envoy/istio",
        loggers
            .map(|(expression, labels)| (expression, by_name(&labels)))
            .collect(),
    ));
    all
}

#[test]
fn every_logger_prints_alike_and_each_request_is_for_one_of_a_pair() {
    let all = shipped();
    let model = all[0].1.clone();
    for (file, loggers) in all {
        let [(first, whole), (second, without)] = loggers.as_slice() else {
            panic!("{file} has {} loggers", loggers.len())
        };
        assert_eq!(*first, format!("!({second})"), "{file}");
        assert_eq!(*second, model[1].0, "{file}");
        assert_eq!(whole["path"], "%PATH(NQ:ORIG_OR_PATH)%", "{file}");
        assert_eq!(without["path"], HIDDEN, "{file}");
        assert!(whole.contains_key("keyward"), "{file}");
        assert!(whole.keys().eq(without.keys()), "{file}");
        for printed in [whole, without] {
            for (name, operator) in printed.iter().filter(|(name, _)| *name != "path") {
                // In an egress gateway, Stripe's id has another name.
                let name = if name == "stripe_request_id" {
                    "response_request_id"
                } else {
                    name
                };
                assert_eq!(Some(operator), model[0].1.get(name), "{file}: {name}");
            }
        }
    }
}

/// Each removes the client's header that `path` would print and, if Envoy's API allows it, ignores
/// an offer of TLS.
#[test]
fn every_connection_manager_removes_the_header_that_the_loggers_print() {
    let mut model = read(GATEWAY);
    let model = hcm(&mut model).clone();
    let removal = &model["early_header_mutation_extensions"];
    assert_eq!(
        removal.pointer("/0/typed_config/mutations"),
        Some(&json!([{"remove": "x-envoy-original-path"}]))
    );
    for file in ["envoy/egress.yaml", "envoy/ratelimit.yaml"] {
        let mut bootstrap = read(file);
        for member in ["early_header_mutation_extensions", "http_protocol_options"] {
            assert_eq!(hcm(&mut bootstrap)[member], model[member], "{file}");
        }
    }
    let istio = read("envoy/istio/base/connection-manager.yaml");
    let istio = &istio["spec"]["configPatches"][0]["patch"]["value"]["typed_config"];
    for member in ["early_header_mutation_extensions", "http_protocol_options"] {
        assert_eq!(istio[member], model[member], "envoy/istio: {member}");
    }
    let gateway = read("envoy/gateway/base/interlock.yaml");
    let gateway = &gateway["spec"]["jsonPatches"][1]["operation"];
    assert_eq!(gateway["path"], "/early_header_mutation_extensions");
    assert_eq!(gateway["value"], *removal, "envoy/gateway");
}
