//! The same rules and dashboard for the metrics of a native module, whose names Envoy prefixes with
//! its own.

use super::*;
use crate::support::Host;

/// Returns one of keyward's metrics as the rules and the dashboard name it.
fn either(name: &str) -> String {
    format!("{{__name__=~\"(envoy_)?{name}\"}}")
}

fn native() -> Envoy {
    Envoy::builder()
        .host(Host::Native)
        .concurrency(2)
        .config(configuration(7))
        .start()
}

/// Every expression uses both names of each of keyward's metrics, and a real Envoy with the module
/// has the metric.
#[test]
fn every_metric_of_ours_is_asked_for_by_both_names_and_the_module_has_it() {
    let envoy = native();
    mixed_load(&envoy);
    envoy.requests();
    let page = envoy.prometheus();
    let has = |name: &str| {
        let mut lines = page.lines().filter(|line| !line.starts_with('#'));
        lines.any(|line| line.split(['{', ' ']).next() == Some(name))
    };
    let mut asked = BTreeSet::new();
    for (place, expression) in expressions() {
        for name in names(&expression) {
            // Metrics of `keyward push --watch` and `keyward publish --watch`, and Envoy's own.
            let others = ["keyward_push_", "keyward_publish_", "envoy_"];
            if others.iter().any(|other| name.starts_with(other)) {
                continue;
            }
            let both = format!("(envoy_)?{name}");
            assert!(expression.contains(&both), "{place}: {expression}");
            assert!(has(&format!("envoy_{name}")), "{place}: no `envoy_{name}`");
            asked.insert(name.to_owned());
        }
    }
    assert!(asked.len() > 5, "{asked:?}");
}

#[test]
fn a_real_prometheus_answers_every_expression_about_a_native_module() {
    let Some(tools) = Tools::find("Prometheus before an Envoy with the native module") else {
        return;
    };
    let envoy = native();
    let prometheus = Prometheus::start(&tools, envoy.admin_address(), &rules_file());
    prometheus.wait_for("up", "1");
    let sent = mixed_load(&envoy);
    let requests = either("keyward_requests_total");
    for ((decision, reason), count) in &sent {
        let labels = format!(",decision=\"{decision}\",reason=\"{reason}\"}}");
        let one = format!("sum({})", requests.replace('}', &labels));
        prometheus.wait_for(&one, &count.to_string());
    }
    let total: u64 = sent.values().sum();
    prometheus.wait_for(&format!("sum({requests})"), &total.to_string());
    for (name, value) in [
        ("keyward_secret_keys_in_query_total", "4"),
        ("keyward_snapshot_vms", "3"),
        ("keyward_snapshot_revision", "7"),
    ] {
        prometheus.wait_for(&either(name), value);
    }
    mixed_load(&envoy);
    prometheus.wait_for(&format!("sum({requests})"), &(2 * total).to_string());
    for (title, panel) in panels() {
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            // A module has no VM that could be reloaded.
            if expression.contains("envoy_wasm_keyward_vm_reload") {
                continue;
            }
            let filled = expression
                .replace("$__rate_interval", "5m")
                .replace("$job", ".*")
                .replace("$instance", ".*");
            eventually(&format!("{title} shows something"), BOUND, || {
                (!prometheus.query(&filled).is_empty()).then_some(())
            });
        }
    }
    let alerts = eventually("every rule was evaluated", BOUND, || prometheus.evaluated());
    assert_eq!(alerts.len(), expressions().len() - panel_targets());
    for (name, health) in &alerts {
        assert_eq!(health, "ok", "{name}");
    }
}
