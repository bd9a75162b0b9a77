//! What is counted for each key, over all workers, and where it is reported.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::json;

use super::*;
use crate::fail_closed::plugin::Plugin;
use crate::support::builder::Builder;
use crate::support::command::command;
use crate::support::find::root;
use crate::support::http::{NO_HEADERS, request};

/// Adds the listener that keyward ships for the report.
pub(super) fn with_report(builder: Builder) -> Builder {
    builder.edit(|bootstrap| {
        let text = std::fs::read_to_string(root().join("envoy/usage-listener.yaml")).unwrap();
        let mut listeners: Value = serde_norway::from_str(&text).unwrap();
        let listener = listeners[0].take();
        let mut listener = listener;
        *listener.pointer_mut("/address/socket_address/port_value").unwrap() = json!(0);
        let code = "/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config/vm_config/code/local/filename";
        *listener.pointer_mut(code).unwrap() = json!(crate::support::find::wasm());
        let all = bootstrap.pointer_mut("/static_resources/listeners").unwrap();
        all.as_array_mut().unwrap().push(listener);
    })
}

/// Returns the address of a listener.
pub(super) fn address_of(envoy: &Envoy, name: &str) -> SocketAddr {
    let page = envoy.admin("GET", "/listeners?format=json").json();
    let listeners = page["listener_statuses"].as_array().unwrap().clone();
    let listener = listeners.iter().find(|one| one["name"] == name).unwrap();
    let address = &listener["local_address"]["socket_address"];
    format!(
        "{}:{}",
        address["address"].as_str().unwrap(),
        address["port_value"]
    )
    .parse()
    .unwrap()
}

/// Returns the counts of each key: allowed, would_deny, denied, verified.
fn report(address: SocketAddr) -> BTreeMap<String, [u64; 4]> {
    let answer = request(address, "GET", "/usage", NO_HEADERS, b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let report = answer.json();
    assert_eq!(report["next"], Value::Null);
    let plugins = report["plugins"].as_array().unwrap();
    let keys = plugins.iter().flat_map(|plugin| {
        assert_eq!(
            (&plugin["plugin"], &plugin["lost"]),
            (&json!("keyward"), &json!(0))
        );
        plugin["keys"].as_array().unwrap()
    });
    keys.map(|key| {
        let counts = ["allowed", "would_deny", "denied", "verified"];
        let counts = counts.map(|name| key[name].as_u64().unwrap());
        (key["key"].as_str().unwrap().to_owned(), counts)
    })
    .collect()
}

#[test]
fn every_request_is_counted_once_on_whatever_worker_it_was() {
    let mut configuration = configuration(json!({}));
    for key in configuration["snapshot"]["keys"].as_array_mut().unwrap() {
        if key["id"] == "mk_limited" {
            key["enforcement"] = json!("shadow");
        }
    }
    let envoy = with_report(Envoy::builder().concurrency(3))
        .config(configuration.to_string())
        .start();
    let mut expected: BTreeMap<String, [u64; 4]> = BTreeMap::new();
    let mut count =
        |key: &str, place: usize| expected.entry(key.to_owned()).or_default()[place] += 1;
    // All workers write the same pages at the same time.
    for round in 0..40 {
        for connection in &mut envoy.worker_connections() {
            let mut ask =
                |path: &str, key: &str| connection.request("GET", path, &bearer(key), b"").status;
            assert_eq!(ask("/v1/balance", FULL), 200);
            count("mk_full", 0);
            assert_eq!(ask("/v1/charges", LIMITED), 200);
            count("mk_limited", 1);
            assert_eq!(ask("/v1/customers", LIMITED), 200);
            count("mk_limited", 0);
            assert_eq!(ask("/v1/balance", DELETED), 401);
            count("mk_deleted", 2);
            assert_eq!(ask(PATH, FULL), 200);
            count("mk_full", 3);
            assert_eq!(ask(PATH, EXPIRED), 401);
            count("mk_expired", 2);
            assert_eq!(ask("/v1/balance", STRANGER), 401);
        }
        if round % 10 == 9 {
            // A push loses no counts.
            envoy.push_and_wait(
                &configuration
                    .to_string()
                    .replace("\"revision\":7", &format!("\"revision\":{}", 8 + round)),
            );
        }
    }
    let usage = address_of(&envoy, "keyward_usage");
    eventually("every request is in the report", BOUND, || {
        (report(usage) == expected).then_some(())
    });
    // Verification reports the same.
    let [allowed, _, _, verified] = expected["mk_full"];
    let answer = verify(&envoy, FULL).json();
    assert_eq!(answer["verification_count"], allowed + verified);
    let last = answer["last_verified_on"].as_str().unwrap();
    assert!(
        last.starts_with("20") && last.ends_with('Z') && last.len() == 20,
        "{last}"
    );
    // So do the metrics.
    let total = |decision, reason| envoy.requests_total(decision, reason);
    let sum = |place: usize| expected.values().map(|counts| counts[place]).sum::<u64>();
    assert_eq!(total("allow", "key"), sum(0));
    assert_eq!(total("would_deny", "insufficient_permission"), sum(1));
    assert_eq!(
        total("deny", "deleted_key") + total("deny", "expired_key"),
        sum(2)
    );
    assert_eq!(total("verify", "key"), sum(3) + 1);
}

/// Returns what `keyward audit` finds in the access log.
fn audit(envoy: &Envoy, configuration: &Value) -> Value {
    let source = envoy.directory().join("audited.json");
    std::fs::write(&source, configuration.to_string()).unwrap();
    let output = command()
        .args(["audit", "--json", "-c"])
        .arg(&source)
        .arg(envoy.directory().join("access.log"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"))
}

#[test]
fn usage_audit_and_metrics_agree() {
    let configuration = configuration(json!({}));
    let envoy = with_report(Envoy::builder().concurrency(2))
        .config(configuration.to_string())
        .start();
    for (path, key, times) in [
        ("/v1/balance", FULL, 9),
        ("/v1/customers", LIMITED, 4),
        ("/v1/charges", LIMITED, 6),
        (PATH, FULL, 3),
        (PATH, DELETED, 2),
        ("/v1/balance", LIVE, 5),
        ("/v1/balance", STRANGER, 7),
    ] {
        for _ in 0..times {
            envoy.get(path, &bearer(key));
        }
    }
    eventually("every line is there", BOUND, || {
        (envoy.access_log().len() == 36).then_some(())
    });
    let audit = audit(&envoy, &configuration);
    let requests = &audit["requests"];
    let of = |name: &str| requests[name].as_u64().unwrap();
    assert_eq!(
        [of("total"), of("allowed"), of("verify"), of("denied")],
        [36, 13, 3, 20]
    );
    assert_eq!(envoy.requests_total("allow", "key"), 13);
    assert_eq!(envoy.requests_total("verify", "key"), 3);
    let denials = [
        "insufficient_permission",
        "deleted_key",
        "livemode_mismatch",
        "unknown_key",
    ];
    let denied = denials.map(|reason| envoy.requests_total("deny", reason));
    assert_eq!(denied, [6, 2, 5, 7]);
    let usage = address_of(&envoy, "keyward_usage");
    let expected = BTreeMap::from([
        ("mk_deleted".to_owned(), [0, 0, 2, 0]),
        ("mk_full".to_owned(), [9, 0, 0, 3]),
        ("mk_limited".to_owned(), [4, 0, 6, 0]),
        ("mk_live".to_owned(), [0, 0, 5, 0]),
    ]);
    eventually("every request is in the report", BOUND, || {
        (report(usage) == expected).then_some(())
    });
    for key in audit["keys"].as_array().unwrap() {
        let counts = expected.get(key["id"].as_str().unwrap());
        let [allowed, shadow, denied, verified] = counts.copied().unwrap_or_default();
        let told = ["calls", "shadow", "denied"].map(|name| key[name].as_u64().unwrap());
        assert_eq!(
            told,
            [allowed + shadow + denied + verified, shadow, denied],
            "{key}"
        );
    }
}

#[test]
fn a_verdict_that_cannot_be_carried_out_is_counted_once_as_a_denial() {
    for call in ["proxy_set_property", "proxy_add_header_map_value"] {
        let mut plugin = Plugin::new("keyward", "keyward", "keyward");
        plugin.vm_id = "keyward";
        plugin.forbidden = vec![call];
        let mut configuration = configuration(json!({}));
        for key in configuration["snapshot"]["keys"].as_array_mut().unwrap() {
            if key["id"] == "mk_limited" {
                key["enforcement"] = json!("shadow");
            }
        }
        plugin.push(&configuration.to_string());
        let envoy = with_report(plugin.in_place_of_keyward(Envoy::builder())).start();
        for (path, key, status) in [
            ("/v1/balance", FULL, 503),
            ("/v1/balance", FULL, 503),
            // In shadow.
            ("/v1/charges", LIMITED, 503),
            ("/v1/balance", DELETED, 401),
        ] {
            assert_eq!(envoy.get(path, &bearer(key)).status, status, "{call}");
        }
        let totals = [
            ("allow", "key", 0),
            ("would_deny", "insufficient_permission", 0),
            ("deny", "host_failure", 3),
            ("deny", "deleted_key", 1),
        ];
        for (decision, reason, count) in totals {
            let total = envoy.requests_total(decision, reason);
            assert_eq!(total, count, "{call}: {decision} {reason}");
        }
        let expected = BTreeMap::from([
            ("mk_deleted".to_owned(), [0, 0, 1, 0]),
            ("mk_full".to_owned(), [0, 0, 2, 0]),
            ("mk_limited".to_owned(), [0, 0, 1, 0]),
        ]);
        let usage = address_of(&envoy, "keyward_usage");
        eventually("every request is in the report", BOUND, || {
            (report(usage) == expected).then_some(())
        });
    }
}

/// A report serves no snapshot, so `wait` does not wait for it.
#[test]
fn wait_returns_beside_a_report() {
    let configuration = configuration(json!({}));
    let revision = configuration["snapshot"]["revision"].as_u64().unwrap();
    let envoy = with_report(Envoy::builder().config(configuration.to_string())).start();
    crate::wait::serves(&envoy, revision);
    let of_report = envoy.stats("keyward-usage.*keyward_snapshot");
    assert!(of_report.is_empty(), "{of_report:?}");
}
