//! A real Prometheus checks the shipped alert rules and dashboard against the metrics of a real
//! Envoy.

mod files;
mod native;
pub mod tool;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::feed::{following, logged};
use crate::support::bootstrap::{at, hcm};
use crate::support::feed::{self, Feed};
use crate::support::find::root;
use crate::support::http::NO_HEADERS;
use crate::support::process::Folder;
use crate::support::upstream::Reply;
use crate::support::{BOUND, Envoy, eventually};
use files::yaml;
use tool::{Prometheus, Tools};
use world::{DELETED, FULL, LIMITED, VERIFY, configuration};

/// Sends some requests for every verdict. Returns the number for each decision and reason.
fn mixed_load(envoy: &Envoy) -> BTreeMap<(&'static str, &'static str), u64> {
    let mut sent = BTreeMap::new();
    for (path, key, times, status, decision, reason) in [
        ("/v1/balance", FULL, 11, 200, "allow", "key"),
        ("/v1/customers", LIMITED, 7, 200, "allow", "key"),
        (
            "/v1/charges",
            LIMITED,
            5,
            200,
            "would_deny",
            "insufficient_permission",
        ),
        ("/v1/balance", DELETED, 3, 401, "deny", "deleted_key"),
        (
            "/v1/balance",
            "sk_test_FAKE-nobody-00001",
            13,
            401,
            "deny",
            "unknown_key",
        ),
        (VERIFY, FULL, 2, 200, "verify", "key"),
        // A secret key in a query, next to the one in the header.
        (
            "/v1/balance?key=sk_test_FAKE-leaked-0001",
            FULL,
            4,
            401,
            "deny",
            "malformed_credential",
        ),
    ] {
        for _ in 0..times {
            let answer = envoy.get(path, &[("authorization", format!("Bearer {key}"))]);
            assert_eq!(answer.status, status, "{path} {key}");
        }
        *sent.entry((decision, reason)).or_insert(0) += times;
    }
    sent
}

/// Returns an Envoy that has seen everything that the shipped metrics count, except faults that
/// would break it.
fn busy() -> (Envoy, BTreeMap<(&'static str, &'static str), u64>) {
    let (envoy, _) = started();
    let sent = mixed_load(&envoy);
    (envoy, sent)
}

/// An Envoy that was led to its snapshot by a feed, after one attempt that failed.
fn started() -> (Envoy, Feed) {
    let pushed: Value = serde_json::from_str(&configuration(7)).unwrap();
    let snapshot = &pushed["snapshot"];
    let feed = Feed::start(snapshot);
    let issued_at = snapshot["issued_at"].as_u64().unwrap();
    feed.alter(|head| head.issued_at = issued_at);
    feed.manner(Some(Arc::new(|_, reply| Reply {
        status: 503,
        ..reply
    })));
    let mut settings = feed::configuration();
    for (name, value) in pushed.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings.as_object_mut().unwrap().remove("snapshot");
    settings["max_snapshot_age"] = json!(3_000_000_000_u64);
    let envoy = following(&feed, &settings).concurrency(2).start();
    logged(&envoy, "the head was answered with status 503");
    feed.manner(None);
    eventually("every VM follows", BOUND, || {
        let loads = envoy.stats("keyward_feed_loads_total$");
        loads.values().any(|count| *count == 3).then_some(())
    });
    (envoy, feed)
}

/// Every expression of the rules and the dashboard, with its place.
fn expressions() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for group in rules()["groups"].as_array().unwrap() {
        for rule in group["rules"].as_array().unwrap() {
            let name = rule["alert"].as_str().unwrap().to_owned();
            all.push((name, rule["expr"].as_str().unwrap().to_owned()));
        }
    }
    for (title, panel) in panels() {
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            // As Grafana fills them in.
            let filled = expression
                .replace("$__rate_interval", "1m")
                .replace("$job", ".*")
                .replace("$instance", ".*");
            assert!(!filled.contains('$'), "{title}: {expression}");
            all.push((title.clone(), filled));
        }
    }
    all
}

fn rules() -> Value {
    yaml("rules.yaml")
}

fn dashboard() -> Value {
    board("keyward.json")
}

fn board(name: &str) -> Value {
    let text = fs::read_to_string(root().join("envoy/grafana").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Returns every panel that is not a row, with its title.
fn panels() -> Vec<(String, Value)> {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    panels
        .filter(|panel| panel["type"] != "row")
        .map(|panel| (panel["title"].as_str().unwrap().to_owned(), panel.clone()))
        .collect()
}

/// Returns the names of metrics in an expression.
fn names(expression: &str) -> BTreeSet<&str> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    expression
        .split(|c| !word(c))
        .filter(|name| name.starts_with("keyward_") || name.starts_with("envoy_"))
        // Values and names of labels.
        .filter(|name| {
            let other = [
                "keyward_interlock",
                "envoy_rbac_http_prefix",
                "envoy_cluster_name",
                // `(envoy_)?keyward_…`: the metrics of a native module.
                "envoy_",
            ];
            !other.contains(name)
        })
        .collect()
}

#[test]
fn the_rules_pass_promtools_checks_and_their_own_cases() {
    let Some(tools) = Tools::find("promtool check and test rules") else {
        return;
    };
    let folder = root().join("envoy/prometheus");
    // The same cases, with the names of a native module's metrics.
    let native = Folder::new("rules");
    fs::copy(folder.join("rules.yaml"), native.path().join("rules.yaml")).unwrap();
    let cases = fs::read_to_string(folder.join("tests.yaml")).unwrap();
    let cases = cases
        .replace("series: 'keyward_", "series: 'envoy_keyward_")
        .replace("series: 'envoy_keyward_push_", "series: 'keyward_push_")
        .replace(
            "series: 'envoy_keyward_publish_",
            "series: 'keyward_publish_",
        );
    assert!(cases.matches("'envoy_keyward_").count() > 10);
    fs::write(native.path().join("tests.yaml"), cases).unwrap();
    for (folder, arguments) in [
        (&*folder, ["check", "rules", "rules.yaml"]),
        (&*folder, ["test", "rules", "tests.yaml"]),
        (&*folder, ["check", "rules", "server.yaml"]),
        (&*folder, ["test", "rules", "server-tests.yaml"]),
        (native.path(), ["test", "rules", "tests.yaml"]),
    ] {
        let output = Command::new(tools.promtool())
            .args(arguments)
            .current_dir(folder)
            .output()
            .unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(
            output.status.success() && text.contains("SUCCESS"),
            "{text}"
        );
    }
}

#[test]
fn every_metric_that_is_asked_for_is_one_that_envoy_has_or_a_watcher() {
    let (envoy, _) = busy();
    let page = envoy.prometheus() + &crate::push::held::page() + &crate::publish::metrics_page();
    let there: BTreeSet<&str> = page
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split('{').next())
        .collect();
    for (place, expression) in expressions() {
        let names = names(&expression);
        assert!(!names.is_empty(), "{place}: {expression}");
        for name in names {
            assert!(there.contains(name), "{place}: nothing has `{name}`");
        }
    }
    // The documentation lists these metrics as well.
    let documented = fs::read_to_string(root().join("docs/monitoring.md")).unwrap();
    for name in there.iter().filter(|name| name.starts_with("keyward_")) {
        assert!(
            documented.contains(&format!("`{name}")),
            "`{name}` is not in docs/monitoring.md"
        );
    }
}

#[test]
fn promtool_finds_nothing_wrong_with_our_metrics() {
    let Some(tools) = Tools::find("promtool check metrics") else {
        return;
    };
    let (envoy, _) = busy();
    let ours: String = envoy
        .prometheus()
        .lines()
        .filter(|line| line.contains("keyward_") && !line.contains("envoy_"))
        .map(|line| format!("{line}\n"))
        .collect();
    let text = tools.check_metrics(&ours);
    // Envoy writes no help texts.
    let faults: Vec<&str> = text
        .lines()
        .filter(|line| !line.is_empty() && !line.ends_with("no help text"))
        .collect();
    // A rename would break the dashboards that use these names today.
    let sum = |name: &str| {
        format!("{name} non-histogram and non-summary metrics should not have \"_sum\" suffix")
    };
    let expected = [
        // Envoy's counters are integers.
        "keyward_feed_load_milliseconds_total use base unit \"seconds\" instead of \"milliseconds\"".to_owned(),
        "keyward_snapshot_rollbacks counter metrics should have \"_total\" suffix".to_owned(),
        sum("keyward_snapshot_vms_fingerprint_sum"),
        sum("keyward_snapshot_vms_revision_sum"),
    ];
    assert_eq!(faults, expected);
}

#[test]
fn a_real_prometheus_answers_every_expression_and_its_numbers_are_what_was_sent() {
    let Some(tools) = Tools::find("Prometheus before a real Envoy") else {
        return;
    };
    let (envoy, _feed) = started();
    let prometheus = Prometheus::start(&tools, envoy.admin_address(), &rules_file());
    prometheus.wait_for("up", "1");
    let sent = mixed_load(&envoy);
    for ((decision, reason), count) in &sent {
        let one =
            format!("sum(keyward_requests_total{{decision=\"{decision}\",reason=\"{reason}\"}})");
        prometheus.wait_for(&one, &count.to_string());
    }
    let total: u64 = sent.values().sum();
    prometheus.wait_for("sum(keyward_requests_total)", &total.to_string());
    prometheus.wait_for("keyward_secret_keys_in_query_total", "4");
    prometheus.wait_for("keyward_snapshot_vms", "3");
    prometheus.wait_for("keyward_snapshot_revision", "7");
    // More load, because a rate needs two samples.
    mixed_load(&envoy);
    prometheus.wait_for("sum(keyward_requests_total)", &(2 * total).to_string());
    for (title, panel) in panels() {
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            let filled = expression
                .replace("$__rate_interval", "5m")
                .replace("$job", ".*")
                .replace("$instance", ".*");
            eventually(&format!("{title} shows something"), BOUND, || {
                (!prometheus.query(&filled).is_empty()).then_some(())
            });
        }
    }
    // The rules load, each can be evaluated, and they fire for this Envoy's faults: its snapshot is
    // old and a key leaked.
    let alerts = eventually("every rule was evaluated", BOUND, || prometheus.evaluated());
    assert_eq!(alerts.len(), expressions().len() - panel_targets());
    for (name, health) in &alerts {
        assert_eq!(health, "ok", "{name}");
    }
    let old = prometheus.query("time() - keyward_snapshot_issued_at > 43200");
    assert_eq!(old.len(), 1);
}

/// Both filters are disabled on one route: the interlock does not report it, and only this rule
/// does.
#[test]
fn a_request_without_a_verdict_raises_an_alert() {
    let Some(tools) = Tools::find("the alert on requests without a verdict") else {
        return;
    };
    let envoy = Envoy::builder()
        .config(configuration(7))
        .edit(|all| {
            let off = json!({"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true});
            let open = json!({"match": {"prefix": "/open"}, "route": {"cluster": "upstream"},
                "typed_per_filter_config": {"keyward": off.clone(), "keyward.interlock": off}});
            let routes = at(hcm(all), "/route_config/virtual_hosts/0/routes");
            routes.as_array_mut().unwrap().insert(0, open);
        })
        .start();
    let rules = rules();
    let all = rules["groups"][0]["rules"].as_array().unwrap();
    let rule = |rule: &&Value| rule["alert"] == "KeywardRequestsWithoutVerdict";
    let expression = all.iter().find(rule).unwrap()["expr"].as_str().unwrap();
    let prometheus = Prometheus::start(&tools, envoy.admin_address(), &rules_file());
    prometheus.wait_for("up", "1");
    let sent = mixed_load(&envoy);
    let passed: u64 = sent
        .iter()
        .filter(|((decision, _), _)| ["allow", "would_deny"].contains(decision))
        .map(|(_, count)| count)
        .sum();
    let upstream = "sum(envoy_cluster_upstream_rq_total{envoy_cluster_name=\"upstream\"})";
    prometheus.wait_for(upstream, &passed.to_string());
    prometheus.wait_for(
        "sum(keyward_requests_total)",
        &sent.values().sum::<u64>().to_string(),
    );
    assert_eq!(prometheus.query(expression), [""; 0]);
    // As many as passed before, so that neither rounding nor the size of the window hides them.
    for _ in 0..passed {
        assert_eq!(envoy.get("/open", NO_HEADERS).status, 200);
    }
    eventually("the alert fires", BOUND, || {
        (!prometheus.query(expression).is_empty()).then_some(())
    });
    // What docs/monitoring.md states about the log.
    let line = envoy.logged("a line without a verdict", |line| line["path"] == "/open");
    assert_eq!(
        (&line["response_code"], &line["keyward"]),
        (&json!(200), &Value::Null)
    );
}

fn panel_targets() -> usize {
    panels()
        .iter()
        .map(|(_, panel)| panel["targets"].as_array().unwrap().len())
        .sum()
}

fn rules_file() -> std::path::PathBuf {
    Path::new(root()).join("envoy/prometheus/rules.yaml")
}
