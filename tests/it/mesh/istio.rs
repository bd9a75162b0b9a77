//! What Istio makes of our manifests, run: who passes, and who does not when the plugin, its module or its configuration is missing.

use serde_json::{Value, json};

use super::istiod::{Class, Pod, extension, proxy};
use super::proxy::{Discovery, Proxy, discovered};
use super::tools::kustomized;
use super::{merged, of_kind, the};
use crate::audit::evidence::{assert_nothing_is_forged, with_internal_clients, with_routes};
use crate::cases::envoy::keeps_every_promise_of;
use crate::fail_closed::{ALICE, BOB, STRANGER, ask, configuration, status};
use crate::support::builder::Builder;
use crate::support::cases::corpus;
use crate::support::http::{Connection, NO_HEADERS};
use crate::support::{BOUND, Envoy, eventually};

pub const GATEWAY: Pod<'_> = Pod {
    namespace: "istio-ingress",
    labels: &[("istio", "ingressgateway")],
    class: Class::Gateway,
};

const SIDECAR: Pod<'_> = Pod {
    namespace: "api",
    labels: &[("app", "api")],
    class: Class::SidecarInbound,
};

/// `envoy/istio/mesh-config.yaml`.
pub fn mesh_config() -> Value {
    merged("envoy/istio/mesh-config.yaml")
}

pub fn with_configuration(manifests: &mut [Value], configuration: &Value) {
    the(manifests, "WasmPlugin")["spec"]["pluginConfig"] = configuration.clone();
}

fn without(manifests: &[Value], kind: &str, name: &str) -> Vec<Value> {
    let is_it =
        |manifest: &&Value| manifest["kind"] == kind && manifest["metadata"]["name"] == name;
    assert_eq!(manifests.iter().filter(is_it).count(), 1, "{kind} {name}");
    manifests
        .iter()
        .filter(|manifest| !is_it(manifest))
        .cloned()
        .collect()
}

/// Those of an overlay, with a snapshot that knows Alice.
fn manifests(overlay: &str) -> Option<Vec<Value>> {
    let mut manifests = kustomized(overlay)?;
    with_configuration(&mut manifests, &configuration(1, &[ALICE]));
    Some(manifests)
}

fn started(proxy: &Proxy) -> Envoy {
    proxy.builder(&Discovery::new()).start()
}

#[test]
fn every_promise_of_the_corpus_holds_for_what_istiod_makes_of_the_plugin() {
    let Some(manifests) = kustomized("istio/gateway") else {
        return;
    };
    let with = |text: String| -> Builder {
        let mut manifests = manifests.clone();
        with_configuration(&mut manifests, &serde_json::from_str(&text).unwrap());
        proxy(&manifests, &mesh_config(), GATEWAY).builder(&Discovery::new())
    };
    keeps_every_promise_of(&corpus::load(), &with);
}

#[test]
fn a_plugin_that_is_deleted_leaves_the_interlock_and_nothing_passes() {
    let Some(manifests) = manifests("istio/gateway") else {
        return;
    };
    let mesh = mesh_config();
    let discovery = Discovery::new();
    let envoy = discovered(
        proxy(&manifests, &mesh, GATEWAY).builder(&discovery),
        &discovery,
    )
    .start();
    assert_eq!(
        (status(&envoy, ALICE), status(&envoy, STRANGER)),
        (200, 401)
    );

    let deleted = without(&manifests, "WasmPlugin", "keyward");
    discovery.push_listener(&proxy(&deleted, &mesh, GATEWAY));
    eventually("the plugin is gone", BOUND, || {
        (status(&envoy, STRANGER) == 403).then_some(())
    });
    assert_eq!(status(&envoy, ALICE), 403);
    assert_eq!(
        ask(&mut Connection::open(envoy.address()), ALICE).text(),
        "RBAC: access denied"
    );

    // What the interlock is for: without it the same pods are open.
    let open = without(&deleted, "EnvoyFilter", "keyward.interlock");
    discovery.push_listener(&proxy(&open, &mesh, GATEWAY));
    eventually("everybody passes", BOUND, || {
        (status(&envoy, STRANGER) == 200).then_some(())
    });

    discovery.push_listener(&proxy(&manifests, &mesh, GATEWAY));
    eventually("the plugin is back", BOUND, || {
        (status(&envoy, STRANGER) == 401).then_some(())
    });
    assert_eq!(status(&envoy, ALICE), 200);
}

#[test]
fn the_manifests_as_they_stand_let_nobody_pass() {
    for (overlay, pod) in [("istio/gateway", GATEWAY), ("istio/sidecar", SIDECAR)] {
        let Some(manifests) = kustomized(overlay) else {
            return;
        };
        let envoy = started(&proxy(&manifests, &mesh_config(), pod));
        assert_eq!(status(&envoy, ALICE), 503, "{overlay}");
    }
}

/// istiod sends no configuration for an empty object, and Envoy then hands on none.
#[test]
fn an_empty_plugin_config_lets_nobody_pass() {
    let Some(mut manifests) = kustomized("istio/gateway") else {
        return;
    };
    with_configuration(&mut manifests, &json!({}));
    let proxy = proxy(&manifests, &mesh_config(), GATEWAY);
    let sent = &proxy.extensions[0].1["typed_config"]["config"];
    assert!(sent.get("configuration").is_none(), "{sent}");
    assert_eq!(status(&started(&proxy), ALICE), 503);
}

/// Where the agent cannot fetch the module it sends Envoy an RBAC filter that denies everything, under the plugin's name.
#[test]
fn a_module_that_cannot_be_fetched_lets_nobody_pass_until_it_can() {
    let Some(mut manifests) = manifests("istio/gateway") else {
        return;
    };
    let mesh = mesh_config();
    let discovery = Discovery::new();
    let envoy = proxy(&manifests, &mesh, GATEWAY)
        .builder(&discovery)
        .start();
    assert_eq!(status(&envoy, ALICE), 200);
    let (name, mut resource) = extension(of_kind(&manifests, "WasmPlugin")[0]);
    resource["typed_config"] = json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        "rules": {}, "rules_stat_prefix": "wasm-default-deny"});
    discovery.push(&(name, resource));
    eventually("nobody passes", BOUND, || {
        (status(&envoy, ALICE) == 403).then_some(())
    });
    with_configuration(&mut manifests, &configuration(2, &[BOB]));
    discovery.push(&extension(of_kind(&manifests, "WasmPlugin")[0]));
    eventually("Bob passes", BOUND, || {
        (status(&envoy, BOB) == 200).then_some(())
    });
    assert_eq!(status(&envoy, ALICE), 401);
}

#[test]
fn a_refused_push_leaves_the_last_good_snapshot() {
    let Some(mut manifests) = manifests("istio/gateway") else {
        return;
    };
    let discovery = Discovery::new();
    let envoy = proxy(&manifests, &mesh_config(), GATEWAY)
        .builder(&discovery)
        .start();
    with_configuration(
        &mut manifests,
        &json!({"snapshot": {"format": "keyward.snapshot/v1", "revision": 2}}),
    );
    discovery.push(&extension(of_kind(&manifests, "WasmPlugin")[0]));
    eventually("Envoy refuses it", BOUND, || {
        let refused = envoy.stats("^extension_config_discovery\\..*update_rejected$");
        (refused.values().sum::<u64>() == 1).then_some(())
    });
    assert_eq!(
        (status(&envoy, ALICE), status(&envoy, STRANGER)),
        (200, 401)
    );
}

#[test]
fn the_metrics_keep_their_tags_and_a_push_can_be_waited_for() {
    let Some(manifests) = manifests("istio/gateway") else {
        return;
    };
    let envoy = started(&proxy(&manifests, &mesh_config(), GATEWAY));
    assert_eq!(
        (status(&envoy, ALICE), status(&envoy, STRANGER)),
        (200, 401)
    );
    let page = envoy.prometheus();
    for line in [
        r#"keyward_requests_total{decision="allow",reason="key"} 1"#,
        r#"keyward_requests_total{decision="deny",reason="unknown_key"} 1"#,
    ] {
        assert!(
            page.lines().any(|seen| seen.ends_with(line)),
            "{line}\n{page}"
        );
    }
    assert!(page.contains("rbac_keyward_interlock_denied"), "{page}");
    let url = format!("http://{}/stats/prometheus", envoy.admin_address());
    let said = crate::support::command::keyward(&["wait", "--revision", "1", "--prometheus", &url]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}

#[test]
fn the_log_has_the_verdict_and_no_key_that_stands_in_a_path() {
    let Some(manifests) = manifests("istio/gateway") else {
        return;
    };
    let envoy = started(&proxy(&manifests, &mesh_config(), GATEWAY));
    assert_eq!(status(&envoy, ALICE), 200);
    envoy.get("/v1/charges/sk_test_FAKE-in-a-path?x=1", NO_HEADERS);
    envoy.get("/v1/charges?key=sk_test_FAKE-in-a-query", NO_HEADERS);
    let line = envoy.logged_path("/v1/balance");
    assert!(
        line["keyward"]
            .as_str()
            .unwrap()
            .starts_with("allow key=\"mk_0\""),
        "{line}"
    );
    let line = envoy.logged("the line without the path", |line| {
        line["path"] == "a key stands in it"
    });
    assert!(
        line["keyward"]
            .as_str()
            .unwrap()
            .starts_with("deny missing_credential"),
        "{line}"
    );
    eventually("all three are logged", BOUND, || {
        (envoy.access_log().len() == 3).then_some(())
    });
    let log = format!("{:?}", envoy.access_log());
    assert!(!log.contains("FAKE"), "{log}");
}

/// Istio takes the mesh's own networks for internal.
#[test]
fn a_client_writes_its_own_path_into_a_line_and_nothing_else() {
    for (overlay, pod) in [("istio/gateway", GATEWAY), ("istio/sidecar", SIDECAR)] {
        let Some(manifests) = manifests(overlay) else {
            return;
        };
        let proxy = proxy(&manifests, &mesh_config(), pod);
        let builder = with_routes(proxy.builder(&Discovery::new()));
        assert_nothing_is_forged(&with_internal_clients(builder).start(), true);
    }
}

/// The ids of a gateway before it, so that one request has one id.
#[test]
fn a_sidecar_keeps_the_ids_of_its_callers() {
    let Some(manifests) = manifests("istio/sidecar") else {
        return;
    };
    let envoy = started(&proxy(&manifests, &mesh_config(), SIDECAR));
    let id = "6a0e1b9c-0000-4000-8000-0123456789ab";
    envoy.get("/v1/balance", &[("x-request-id", id)]);
    assert_eq!(envoy.logged_path("/v1/balance")["request_id"], id);
}

/// Apache HttpClient 5.4 offers TLS with every plain request, and takes the answer without.
#[test]
fn an_offer_of_tls_is_ignored() {
    for (overlay, pod) in [("istio/gateway", GATEWAY), ("istio/sidecar", SIDECAR)] {
        let Some(manifests) = manifests(overlay) else {
            return;
        };
        let envoy = started(&proxy(&manifests, &mesh_config(), pod));
        let key = format!("Bearer {ALICE}");
        let headers = [
            ("authorization", key.as_str()),
            ("upgrade", "TLS/1.2"),
            ("connection", "Upgrade"),
        ];
        assert_eq!(envoy.get("/v1/balance", &headers).status, 200, "{overlay}");
    }
}

/// A key that may be used from one address only, and a client that claims it.
fn claims_an_address(manifests: &mut [Value], pod: Pod<'_>) -> u16 {
    let mut bound = configuration(1, &[ALICE]);
    bound["snapshot"]["keys"][0]["allowed_ips"] = json!(["203.0.113.7"]);
    with_configuration(manifests, &bound);
    let envoy = started(&proxy(manifests, &mesh_config(), pod));
    let key = format!("Bearer {ALICE}");
    let headers = [
        ("authorization", key.as_str()),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    envoy.get("/v1/balance", &headers).status
}

#[test]
fn a_sidecar_believes_no_address_that_a_caller_claims() {
    let Some(mut manifests) = kustomized("istio/sidecar") else {
        return;
    };
    assert_eq!(claims_an_address(&mut manifests, SIDECAR), 401);
    let mut open = without(&manifests, "EnvoyFilter", "keyward.connection-manager");
    assert_eq!(claims_an_address(&mut open, SIDECAR), 200);
}

#[test]
fn headers_with_underscores_are_refused() {
    for (overlay, pod) in [("istio/gateway", GATEWAY), ("istio/sidecar", SIDECAR)] {
        let Some(manifests) = manifests(overlay) else {
            return;
        };
        let ask = |manifests: &[Value]| {
            let envoy = started(&proxy(manifests, &mesh_config(), pod));
            let key = format!("Bearer {ALICE}");
            envoy
                .get(
                    "/v1/balance",
                    &[("authorization", key.as_str()), ("x_tenant", "1")],
                )
                .status
        };
        assert_eq!(ask(&manifests), 400, "{overlay}");
        let open = without(&manifests, "EnvoyFilter", "keyward.connection-manager");
        assert_eq!(ask(&open), 200, "{overlay}");
    }
}

/// Another team's filter with the same anchor, and a lower priority, as every one has that does not name a priority.
#[test]
fn nothing_stands_between_the_interlock_and_the_router() {
    let Some(mut manifests) = manifests("istio/gateway") else {
        return;
    };
    let mut other = manifests
        .iter()
        .find(|it| it["metadata"]["name"] == "keyward.interlock")
        .unwrap()
        .clone();
    other["metadata"]["name"] = json!("a-team");
    other["spec"]
        .as_object_mut()
        .unwrap()
        .remove("priority")
        .unwrap();
    other["spec"]["configPatches"][0]["patch"]["value"] =
        json!({"name": "envoy.filters.http.buffer"});
    manifests.push(other);
    let filters = proxy(&manifests, &mesh_config(), GATEWAY).http_filters;
    let names: Vec<_> = filters
        .iter()
        .map(|filter| filter["name"].as_str().unwrap())
        .collect();
    let last = &names[names.len() - 3..];
    assert_eq!(
        last,
        [
            "envoy.filters.http.buffer",
            "keyward.interlock",
            "envoy.filters.http.router"
        ]
    );
    assert!(names[0].contains("keyward"), "{names:?}");
}

#[test]
fn a_canary_serves_its_own_snapshot_to_its_own_pods() {
    let Some(mut manifests) = kustomized("istio/canary") else {
        return;
    };
    for (name, snapshot) in [
        ("keyward", configuration(1, &[ALICE])),
        ("keyward-canary", configuration(2, &[BOB])),
    ] {
        let plugin = manifests
            .iter_mut()
            .find(|it| it["kind"] == "WasmPlugin" && it["metadata"]["name"] == name);
        plugin.unwrap()["spec"]["pluginConfig"] = snapshot;
    }
    let serves = |track: &[(&'static str, &'static str)]| {
        let labels = [GATEWAY.labels, track].concat();
        let pod = Pod {
            labels: &labels,
            ..GATEWAY
        };
        let envoy = started(&proxy(&manifests, &mesh_config(), pod));
        (status(&envoy, ALICE), status(&envoy, BOB))
    };
    assert_eq!(serves(&[("keyward-track", "stable")]), (200, 401));
    assert_eq!(serves(&[("keyward-track", "canary")]), (401, 200));
    // Neither label: no plugin, and the interlock stands.
    assert_eq!(serves(&[]), (403, 403));
}

#[test]
fn the_doctor_finds_nothing_in_a_gateway() {
    let Some(manifests) = manifests("istio/gateway") else {
        return;
    };
    let envoy = started(&proxy(&manifests, &mesh_config(), GATEWAY));
    let url = format!("http://{}", envoy.admin_address());
    let said = crate::support::command::keyward(&["doctor", "--admin", &url]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    // It looks for the interlock behind every plugin, by whatever name it came.
    let open = without(&manifests, "EnvoyFilter", "keyward.interlock");
    let envoy = started(&proxy(&open, &mesh_config(), GATEWAY));
    let url = format!("http://{}", envoy.admin_address());
    let said = crate::support::command::keyward(&["doctor", "--admin", &url]);
    assert_ne!(said.code, Some(0), "{}{}", said.out, said.err);
}

/// What two plugins share in one VM is told apart.
pub fn two_plugins(manifests: &[Value]) -> Vec<Value> {
    let mut manifests = manifests.to_vec();
    let mut second = the(&mut manifests, "WasmPlugin").clone();
    second["metadata"]["name"] = json!("second");
    second["spec"]["pluginConfig"] =
        json!({"filter_state": "second", "snapshot": configuration(1, &[ALICE, BOB])["snapshot"]});
    manifests.push(second);
    manifests
}

#[test]
fn of_two_plugins_for_one_pod_both_have_to_let_a_request_pass() {
    let Some(manifests) = manifests("istio/gateway") else {
        return;
    };
    let proxy = proxy(&two_plugins(&manifests), &mesh_config(), GATEWAY);
    assert_eq!(proxy.extensions.len(), 2);
    let envoy = started(&proxy);
    assert_eq!((status(&envoy, ALICE), status(&envoy, BOB)), (200, 401));
}
