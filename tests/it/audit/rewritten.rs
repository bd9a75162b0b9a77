//! A log whose paths are not the ones that keyward decided on: a route rewrites them, and the
//! router does not pass on the original path. Neither command reads such a path as the client's.

use std::fs;

use serde_json::{Value, json};

use super::world::{KEYS, desk, gateway};
use crate::support::bootstrap::{at, hcm, http_filter};
use crate::support::key_file::Folder;
use crate::support::{BOUND, eventually};

/// Sends five requests through a route that replaces `/v1` with `/internal`. Returns the desk and
/// the log.
fn played(name: &str, suppresses: bool) -> (Folder, String) {
    let desk = desk(name);
    let envoy = gateway(&desk, |builder| {
        builder.edit(move |bootstrap| {
            let routes = at(hcm(bootstrap), "/route_config/virtual_hosts/0/routes");
            routes[0]["match"] = json!({"prefix": "/v1/"});
            routes[0]["route"]["prefix_rewrite"] = json!("/internal/");
            let router = http_filter(bootstrap, "envoy.filters.http.router");
            router["typed_config"]["suppress_envoy_headers"] = json!(suppresses);
        })
    });
    for (id, path) in [
        ("mk_admin", "/v1/charges"),
        ("mk_admin", "/v1/customers"),
        ("mk_admin", "/v1/customers/cus_1"),
        ("mk_billing", "/v1/customers"),
        ("mk_billing", "/v1/charges"),
    ] {
        let (_, key) = KEYS.iter().find(|(known, _)| *known == id).unwrap();
        let reply = envoy.get(path, &[("authorization", format!("Bearer {key}"))]);
        assert_eq!(reply.status, 200, "{path}");
    }
    eventually("every request is in the access log", BOUND, || {
        (envoy.access_log().len() == 5).then_some(())
    });
    let log = desk.path.join("rewritten.log");
    fs::copy(envoy.directory().join("access.log"), &log).unwrap();
    (desk, log.display().to_string())
}

fn report(desk: &Folder, log: &str) -> Value {
    serde_json::from_str(&desk.good(&["audit", "--json", log])).unwrap()
}

#[test]
fn the_audit_counts_what_a_full_key_called_and_no_log_explains() {
    let (desk, log) = played("rewritten", true);
    let report = report(&desk, &log);
    assert_eq!(report["requests"]["unexplained"], 3);
    assert_eq!(report["requests"]["elsewhere"], 2);
    let findings = report["findings"].as_array().unwrap();
    let finding = findings
        .iter()
        .find(|one| one["finding"] == "unexplained")
        .unwrap();
    assert_eq!(finding["key"], "mk_admin");
    assert_eq!(
        finding["text"],
        "3 of its 3 calls went to paths that are not in the catalogue, and no permission is logged: what it needs is not known"
    );
    // The table and the page say the same.
    let text = desk.good(&["audit", "--html", "page.html", &log]);
    let page = fs::read_to_string(desk.path.join("page.html")).unwrap();
    for shown in [&text, &page] {
        for part in [
            "3 of its 3 calls",
            "No proposal covers 3 requests of keys with every permission",
            "2 requests passed by a permission that their path does not ask for",
            "suppress_envoy_headers",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }
}

#[test]
fn the_audit_explains_them_where_the_router_tells_the_first_path() {
    let (desk, log) = played("kept", false);
    let report = report(&desk, &log);
    assert_eq!(report["requests"]["unexplained"], 0);
    assert_eq!(report["requests"]["elsewhere"], 0);
    let text = desk.good(&["audit", &log]);
    assert!(text.contains("its calls needed 2 permissions"), "{text}");
    assert!(!text.contains("suppress_envoy_headers"), "{text}");
}

#[test]
fn replay_compares_no_request_by_a_path_that_asks_for_another_permission() {
    let (desk, log) = played("replayed", true);
    let served = desk.path.join("served.json");
    fs::write(
        &served,
        desk.good(&["snapshot", "build", "--configuration"]),
    )
    .unwrap();
    let served = served.display().to_string();
    let told = desk.good(&["replay", "--json", "--old", &served, "--new", &served, &log]);
    let told: Value = serde_json::from_str(&told).unwrap();
    // For a key with every permission nothing contradicts the path, because its lines name no
    // permission.
    assert_eq!(
        (&told["requests"], &told["compared"]),
        (&json!(5), &json!(3))
    );
    assert_eq!(told["not_compared"][0]["count"], 2);
    let why = told["not_compared"][0]["why"].as_str().unwrap();
    assert!(
        why.starts_with("the permission that decided is not one that the logged path asks for"),
        "{why}"
    );
}
