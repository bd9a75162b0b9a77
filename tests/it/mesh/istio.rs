//! Runs what Istio makes of keyward's manifests: who passes, and who does not if the plugin, its
//! module or its configuration is missing.

use std::cell::RefCell;

use serde_json::{Value, json};

use super::doctor;
use super::proxy::{Discovery, Proxy};
use crate::audit::evidence::{assert_nothing_is_forged, with_internal_clients, with_routes};
use crate::cases::envoy::keeps_every_promise_of;
use crate::fail_closed::{ALICE, BOB, STRANGER, ask, configuration, status};
use crate::support::cases::corpus;
use crate::support::command::keyward;
use crate::support::http::{Connection, NO_HEADERS};
use crate::support::pool::{Lent, Pool};
use crate::support::{BOUND, Envoy, eventually};

/// The entries of `tests/mesh/istio.yaml`.
const BOTH: [&str; 2] = ["gateway", "sidecar"];

/// Returns the proxy of an overlay, with a snapshot that knows Alice.
fn proxy(overlay: &str) -> Proxy {
    Proxy::read("istio", overlay).with_configuration(&configuration(1, &[ALICE]))
}

/// Returns its Envoy for a test that only sends requests.
fn lent(overlay: &str) -> Lent<Envoy> {
    static POOL: Pool<Envoy> = Pool::new();
    let envoy = POOL.take(overlay.to_owned(), || proxy(overlay).started());
    if envoy.is_used() {
        envoy.turn_the_page();
    }
    envoy
}

fn with_key(header: (&'static str, &'static str)) -> [(&'static str, String); 2] {
    [
        ("authorization", format!("Bearer {ALICE}")),
        (header.0, header.1.to_owned()),
    ]
}

#[test]
fn every_promise_of_the_corpus_holds_for_what_istiod_makes_of_the_plugin() {
    let gateway = Proxy::read("istio", "gateway");
    // The plugin has the same name everywhere, so each needs its own folder.
    let folders = RefCell::new(Vec::new());
    let entry = |_, text: String| {
        let configuration: Value = serde_json::from_str(&text).unwrap();
        let gateway = gateway.clone().with_configuration(&configuration);
        let discovery = Discovery::new();
        let entry = gateway.plugin(&discovery);
        folders.borrow_mut().push(discovery);
        entry
    };
    let builder = gateway.builder(&Discovery::new());
    keeps_every_promise_of(&corpus::load(), builder, &entry);
}

#[test]
fn a_plugin_that_is_deleted_leaves_the_interlock_and_nothing_passes() {
    let discovery = Discovery::new();
    let whole = proxy("gateway");
    let envoy = whole.started_with(&discovery);
    assert_eq!(
        (status(&envoy, ALICE), status(&envoy, STRANGER)),
        (200, 401)
    );

    let deleted = whole.clone().without_plugin();
    discovery.push_listener(&deleted);
    eventually("the plugin is gone", BOUND, || {
        (status(&envoy, STRANGER) == 403).then_some(())
    });
    assert_eq!(status(&envoy, ALICE), 403);
    assert_eq!(
        ask(&mut Connection::open(envoy.address()), ALICE).text(),
        "RBAC: access denied"
    );

    // Shows why the interlock is needed: without it, the same pods are open.
    discovery.push_listener(&deleted.without_interlock());
    eventually("every request passes", BOUND, || {
        (status(&envoy, STRANGER) == 200).then_some(())
    });

    discovery.push_listener(&whole);
    eventually("the plugin is back", BOUND, || {
        (status(&envoy, STRANGER) == 401).then_some(())
    });
    assert_eq!(status(&envoy, ALICE), 200);
}

#[test]
fn the_manifests_as_they_stand_let_nobody_pass() {
    for overlay in BOTH {
        let envoy = Proxy::read("istio", overlay).started();
        assert_eq!(status(&envoy, ALICE), 503, "{overlay}");
    }
}

/// istiod sends no configuration if the object is empty, and Envoy then passes none to the filter.
#[test]
fn an_empty_plugin_config_lets_nobody_pass() {
    let envoy = proxy("gateway").with_no_configuration().started();
    assert_eq!(status(&envoy, ALICE), 503);
}

/// If the agent cannot download the module, it sends Envoy an RBAC filter that denies everything,
/// under the plugin's name.
#[test]
fn a_module_that_cannot_be_fetched_lets_nobody_pass_until_it_can() {
    let discovery = Discovery::new();
    let gateway = proxy("gateway");
    let envoy = gateway.builder(&discovery).start();
    assert_eq!(status(&envoy, ALICE), 200);
    let mut denying = gateway.extensions[0].clone();
    denying["typed_config"] = json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        "rules": {}, "rules_stat_prefix": "wasm-default-deny"});
    discovery.push(&denying);
    eventually("no request passes", BOUND, || {
        (status(&envoy, ALICE) == 403).then_some(())
    });
    let again = gateway.with_configuration(&configuration(2, &[BOB]));
    discovery.push(&again.extensions[0]);
    eventually("Bob passes", BOUND, || {
        (status(&envoy, BOB) == 200).then_some(())
    });
    assert_eq!(status(&envoy, ALICE), 401);
}

#[test]
fn a_refused_push_leaves_the_last_good_snapshot() {
    let discovery = Discovery::new();
    let envoy = proxy("gateway").builder(&discovery).start();
    let broken = json!({"snapshot": {"format": "keyward.snapshot/v1", "revision": 2}});
    discovery.push(&proxy("gateway").with_configuration(&broken).extensions[0]);
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
    let envoy = proxy("gateway").started();
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
    let said = keyward(&["wait", "--revision", "1", "--prometheus", &url]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}

#[test]
fn the_log_has_the_verdict_and_no_key_that_stands_in_a_path() {
    let envoy = lent("gateway");
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

/// Istio treats the mesh's own networks as internal.
#[test]
fn a_client_writes_its_own_path_into_a_line_and_nothing_else() {
    for overlay in BOTH {
        let builder = with_routes(proxy(overlay).builder(&Discovery::new()));
        assert_nothing_is_forged(&with_internal_clients(builder).start(), true);
    }
}

/// A sidecar keeps the ids from the gateway in front of it, so that a request has the same id
/// everywhere.
#[test]
fn a_sidecar_keeps_the_ids_of_its_callers() {
    let envoy = lent("sidecar");
    let id = "6a0e1b9c-0000-4000-8000-0123456789ab";
    envoy.get("/v1/balance", &[("x-request-id", id)]);
    assert_eq!(envoy.logged_path("/v1/balance")["request_id"], id);
}

/// Apache HttpClient 5.4 offers TLS with every plain request, and accepts the answer without it.
#[test]
fn an_offer_of_tls_is_ignored() {
    for overlay in BOTH {
        let [key, offer] = with_key(("upgrade", "TLS/1.2"));
        let headers = [key, offer, ("connection", "Upgrade".to_owned())];
        let answer = lent(overlay).get("/v1/balance", &headers);
        assert_eq!(answer.status, 200, "{overlay}");
    }
}

/// A key that is bound to one address, and a client that claims this address.
#[test]
fn a_sidecar_believes_no_address_that_a_caller_claims() {
    let mut bound = configuration(1, &[ALICE]);
    bound["snapshot"]["keys"][0]["allowed_ips"] = json!(["203.0.113.7"]);
    let sidecar = Proxy::read("istio", "sidecar").with_configuration(&bound);
    let discovery = Discovery::new();
    let envoy = sidecar.started_with(&discovery);
    let claims = || {
        let headers = with_key(("x-forwarded-for", "203.0.113.7"));
        envoy.get("/v1/balance", &headers).status
    };
    assert_eq!(claims(), 401);
    discovery.push_listener(&sidecar.unpatched());
    eventually("without the EnvoyFilter it is believed", BOUND, || {
        (claims() == 200).then_some(())
    });
}

#[test]
fn headers_with_underscores_are_refused() {
    for overlay in BOTH {
        let discovery = Discovery::new();
        let envoy = proxy(overlay).started_with(&discovery);
        let ask = || {
            envoy
                .get("/v1/balance", &with_key(("x_tenant", "1")))
                .status
        };
        assert_eq!(ask(), 400, "{overlay}");
        discovery.push_listener(&proxy(overlay).unpatched());
        eventually("without the EnvoyFilter they pass", BOUND, || {
            (ask() == 200).then_some(())
        });
    }
}

#[test]
fn the_doctor_finds_nothing_in_a_gateway() {
    assert_eq!(doctor(&lent("gateway")), Some(0));
    // The doctor looks for the interlock after every plugin, whatever its name.
    let open = proxy("gateway").without_interlock();
    assert_ne!(doctor(&open.started()), Some(0));
}

/// Data that two plugins could share in one VM is kept apart.
#[test]
fn of_two_plugins_for_one_pod_both_have_to_let_a_request_pass() {
    let mut gateway = proxy("gateway");
    let configured =
        json!({"filter_state": "second", "snapshot": configuration(1, &[ALICE, BOB])["snapshot"]});
    let second = gateway.clone().with_configuration(&configured);
    let renamed = |value: &Value| {
        let text = value.to_string().replace(".keyward~istio", ".second~istio");
        serde_json::from_str::<Value>(&text).unwrap()
    };
    gateway.extensions.push(renamed(&second.extensions[0]));
    gateway
        .http_filters
        .insert(1, renamed(&second.http_filters[0]));
    let envoy = gateway.started();
    assert_eq!((status(&envoy, ALICE), status(&envoy, BOB)), (200, 401));
}
