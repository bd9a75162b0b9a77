//! What Envoy Gateway makes of our policies, run: who passes, and who does not when a route has lost the plugin.

use serde_json::{Value, json};

use super::envoy_gateway::proxy;
use super::proxy::{Discovery, Proxy, discovered};
use super::the;
use super::tools::kustomized;
use crate::audit::evidence::{assert_nothing_is_forged, with_internal_clients, with_routes};
use crate::cases::envoy::keeps_every_promise_of;
use crate::fail_closed::{ALICE, STRANGER, configuration, status};
use crate::support::bootstrap::hcm;
use crate::support::builder::Builder;
use crate::support::cases::corpus;
use crate::support::http::NO_HEADERS;
use crate::support::{BOUND, Envoy, eventually};

pub fn with_configuration(manifests: &mut [Value], configuration: &Value) {
    the(manifests, "EnvoyExtensionPolicy")["spec"]["wasm"][0]["config"] = configuration.clone();
}

fn manifests(overlay: &str) -> Option<Vec<Value>> {
    let mut manifests = kustomized(overlay)?;
    with_configuration(&mut manifests, &configuration(1, &[ALICE]));
    Some(manifests)
}

fn started(proxy: &Proxy) -> Envoy {
    proxy.builder(&Discovery::new()).start()
}

#[test]
fn every_promise_of_the_corpus_holds_for_what_envoy_gateway_makes_of_the_policy() {
    let Some(manifests) = kustomized("gateway/base") else {
        return;
    };
    let with = |text: String| -> Builder {
        let mut manifests = manifests.clone();
        with_configuration(&mut manifests, &serde_json::from_str(&text).unwrap());
        // Cases ask about paths as a client spells them, and name a client's address.
        proxy(&manifests, true)
            .builder(&Discovery::new())
            .edit(|bootstrap| hcm(bootstrap)["normalize_path"] = json!(false))
    };
    keeps_every_promise_of(&corpus::load(), &with);
}

#[test]
fn a_route_that_lost_the_policy_lets_nobody_pass() {
    let Some(manifests) = manifests("gateway/base") else {
        return;
    };
    let envoy = started(&proxy(&manifests, true));
    assert_eq!(
        (status(&envoy, ALICE), status(&envoy, STRANGER)),
        (200, 401)
    );
    // A policy of the route's own has taken the place of the Gateway's.
    let envoy = started(&proxy(&manifests, false));
    assert_eq!(
        (status(&envoy, ALICE), status(&envoy, STRANGER)),
        (403, 403)
    );
    // The policy is gone altogether.
    let deleted: Vec<_> = manifests
        .iter()
        .filter(|it| it["kind"] != "EnvoyExtensionPolicy")
        .cloned()
        .collect();
    let envoy = started(&proxy(&deleted, true));
    assert_eq!(
        (status(&envoy, ALICE), status(&envoy, STRANGER)),
        (403, 403)
    );
    // A patch that names no listener there is: the hole that nobody but the policy's status and the doctor tell of.
    let mut unpatched = manifests.clone();
    the(&mut unpatched, "EnvoyPatchPolicy")["spec"]["jsonPatches"][0]["name"] = json!("tcp-80");
    let envoy = started(&proxy(&unpatched, false));
    assert_eq!(status(&envoy, STRANGER), 200);
    let url = format!("http://{}", envoy.admin_address());
    let said = crate::support::command::keyward(&["doctor", "--admin", &url]);
    assert_ne!(said.code, Some(0), "{}{}", said.out, said.err);
}

#[test]
fn the_policies_as_they_stand_let_nobody_pass() {
    let Some(manifests) = kustomized("gateway/base") else {
        return;
    };
    assert_eq!(status(&started(&proxy(&manifests, true)), ALICE), 503);
}

#[test]
fn the_doctor_finds_nothing_in_a_gateway() {
    let Some(manifests) = manifests("gateway/base") else {
        return;
    };
    let envoy = started(&proxy(&manifests, true));
    let url = format!("http://{}", envoy.admin_address());
    let said = crate::support::command::keyward(&["doctor", "--admin", &url]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}

#[test]
fn the_interlock_stands_directly_before_the_router() {
    let Some(manifests) = manifests("gateway/base") else {
        return;
    };
    let filters = proxy(&manifests, true).http_filters;
    let names: Vec<_> = filters
        .iter()
        .map(|filter| filter["name"].as_str().unwrap())
        .collect();
    let expected = [
        "envoy.filters.http.wasm/envoyextensionpolicy/default/keyward/wasm/0",
        "keyward.interlock",
        "envoy.filters.http.router",
    ];
    assert_eq!(names, expected);
}

#[test]
fn the_log_has_the_verdict_and_no_key_that_stands_in_a_path() {
    let Some(manifests) = manifests("gateway/base") else {
        return;
    };
    let envoy = started(&proxy(&manifests, true));
    assert_eq!(status(&envoy, ALICE), 200);
    envoy.get("/v1/charges/sk_test_FAKE-in-a-path?x=1", NO_HEADERS);
    let line = envoy.logged_path("/v1/balance");
    assert!(
        line["keyward"]
            .as_str()
            .unwrap()
            .starts_with("allow key=\"mk_0\""),
        "{line}"
    );
    envoy.logged("the line without the path", |line| {
        line["path"] == "a key stands in it"
    });
    let log = format!("{:?}", envoy.access_log());
    assert!(!log.contains("FAKE"), "{log}");
}

/// With a load balancer before it Envoy Gateway makes no difference between what clients and what its own proxies sent.
#[test]
fn a_client_writes_its_own_path_into_a_line_and_nothing_else() {
    for overlay in ["gateway/base", "gateway/behind-proxy"] {
        let Some(manifests) = manifests(overlay) else {
            return;
        };
        let proxy = proxy(&manifests, true);
        // Its router leaves no path behind that it rewrites.
        let builder = with_routes(proxy.builder(&Discovery::new()))
            .edit(|bootstrap| hcm(bootstrap)["normalize_path"] = json!(false));
        assert_nothing_is_forged(&with_internal_clients(builder).start(), false);
    }
}

/// A key that may be used from one address only, and a client that claims it.
#[test]
fn an_address_is_believed_from_trusted_proxies_alone() {
    let claims = |manifests: &[Value]| {
        let mut manifests = manifests.to_vec();
        let mut bound = configuration(1, &[ALICE]);
        bound["snapshot"]["keys"][0]["allowed_ips"] = json!(["203.0.113.77"]);
        with_configuration(&mut manifests, &bound);
        let envoy = started(&proxy(&manifests, true));
        let key = format!("Bearer {ALICE}");
        let headers = [
            ("authorization", key.as_str()),
            ("x-forwarded-for", "203.0.113.77"),
        ];
        envoy.get("/v1/balance", &headers).status
    };
    let (Some(base), Some(mut behind)) = (
        kustomized("gateway/base"),
        kustomized("gateway/behind-proxy"),
    ) else {
        return;
    };
    assert_eq!(claims(&base), 401);
    // The caller is 127.0.0.1, and no trusted proxy.
    assert_eq!(claims(&behind), 401);
    let client = the(&mut behind, "ClientTrafficPolicy");
    client["spec"]["clientIPDetection"]["xForwardedFor"]["trustedCIDRs"] = json!(["127.0.0.0/8"]);
    assert_eq!(claims(&behind), 200);
}

#[test]
fn a_refused_configuration_leaves_the_last_good_listener() {
    let Some(mut manifests) = manifests("gateway/base") else {
        return;
    };
    let discovery = Discovery::new();
    let builder = proxy(&manifests, true).builder(&discovery);
    let envoy = discovered(builder, &discovery).start();
    assert_eq!(status(&envoy, ALICE), 200);
    let broken = json!({"snapshot": {"format": "keyward.snapshot/v1", "revision": 2}});
    with_configuration(&mut manifests, &broken);
    discovery.push_listener(&proxy(&manifests, true));
    eventually("Envoy refuses it", BOUND, || {
        (envoy.stat("listener_manager.lds.update_rejected") == 1).then_some(())
    });
    assert_eq!(
        (status(&envoy, ALICE), status(&envoy, STRANGER)),
        (200, 401)
    );
}
