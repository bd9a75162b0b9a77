//! Runs what Envoy Gateway makes of keyward's policies: which clients pass, and which do not if a
//! route has lost the plugin.

use serde_json::{Value, json};

use super::doctor;
use super::proxy::{Discovery, Proxy};
use crate::audit::evidence::{assert_nothing_is_forged, with_internal_clients, with_routes};
use crate::cases::envoy::keeps_every_promise_of;
use crate::fail_closed::{ALICE, STRANGER, configuration, status};
use crate::support::bootstrap::{at, hcm};
use crate::support::cases::corpus;
use crate::support::http::NO_HEADERS;
use crate::support::{BOUND, Envoy, eventually};

/// Returns the proxy of an overlay, with a snapshot that knows Alice.
fn proxy(overlay: &str) -> Proxy {
    Proxy::read("envoy-gateway", overlay).with_configuration(&configuration(1, &[ALICE]))
}

#[test]
fn every_promise_of_the_corpus_holds_for_what_envoy_gateway_makes_of_the_policy() {
    let base = Proxy::read("envoy-gateway", "base");
    let discovery = Discovery::new();
    let entry = |_, text: String| {
        let configuration: Value = serde_json::from_str(&text).unwrap();
        let base = base.clone().with_configuration(&configuration);
        base.plugin(&discovery)
    };
    // Cases use paths as a client spells them, and set a client's address.
    let builder = base
        .builder(&discovery)
        .edit(|bootstrap| hcm(bootstrap)["normalize_path"] = json!(false));
    keeps_every_promise_of(&corpus::load(), builder, &entry);
}

#[test]
fn a_route_that_lost_the_policy_lets_nobody_pass() {
    let discovery = Discovery::new();
    let whole = proxy("base");
    let envoy = whole.started_with(&discovery);
    let becomes = |what: &str, expected: (u16, u16)| {
        eventually(what, BOUND, || {
            ((status(&envoy, ALICE), status(&envoy, STRANGER)) == expected).then_some(())
        });
    };
    becomes("the policy is in force", (200, 401));
    // A policy on the route has replaced the Gateway's.
    let replaced = Proxy {
        on_route: json!({}),
        ..whole.clone()
    };
    discovery.push_listener(&replaced);
    becomes("no request passes", (403, 403));
    discovery.push_listener(&whole);
    becomes("it is back in force", (200, 401));
    // The policy has been deleted.
    let deleted = Proxy {
        on_route: json!({}),
        ..whole.without_plugin()
    };
    discovery.push_listener(&deleted);
    becomes("no request passes", (403, 403));
    // A patch for a listener that does not exist: only the policy's status and the doctor report
    // this gap.
    let unpatched = replaced.without_interlock().unpatched();
    let open = unpatched.started();
    assert_eq!(status(&open, STRANGER), 200);
    assert_ne!(doctor(&open), Some(0));
}

#[test]
fn the_policies_as_they_stand_let_nobody_pass() {
    let envoy = Proxy::read("envoy-gateway", "base").started();
    assert_eq!(status(&envoy, ALICE), 503);
}

#[test]
fn the_doctor_finds_nothing_in_a_gateway() {
    assert_eq!(doctor(&proxy("base").started()), Some(0));
}

#[test]
fn the_log_has_the_verdict_and_no_key_that_stands_in_a_path() {
    let envoy = proxy("base").started();
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

/// With a load balancer in front, Envoy Gateway does not distinguish between what clients and what
/// its own proxies sent.
#[test]
fn a_client_writes_its_own_path_into_a_line_and_nothing_else() {
    for overlay in ["base", "behind-proxy"] {
        // Its router does not pass on the original of a path that it rewrites.
        let builder = with_routes(proxy(overlay).builder(&Discovery::new()))
            .edit(|bootstrap| hcm(bootstrap)["normalize_path"] = json!(false));
        assert_nothing_is_forged(&with_internal_clients(builder).start(), false);
    }
}

/// A key that is bound to one address, and a client that claims this address.
#[test]
fn an_address_is_believed_from_trusted_proxies_alone() {
    let mut bound = configuration(1, &[ALICE]);
    bound["snapshot"]["keys"][0]["allowed_ips"] = json!(["203.0.113.77"]);
    let claims = |envoy: &Envoy| {
        let headers = [
            ("authorization", format!("Bearer {ALICE}")),
            ("x-forwarded-for", "203.0.113.77".to_owned()),
        ];
        envoy.get("/v1/balance", &headers).status
    };
    let with = |overlay| Proxy::read("envoy-gateway", overlay).with_configuration(&bound);
    assert_eq!(claims(&with("base").started()), 401);
    let discovery = Discovery::new();
    let mut behind = with("behind-proxy");
    let envoy = behind.started_with(&discovery);
    // The caller is 127.0.0.1, which is not a trusted proxy.
    assert_eq!(claims(&envoy), 401);
    let trusted = "/original_ip_detection_extensions/0/typed_config/xff_trusted_cidrs/cidrs/0";
    *at(&mut behind.manager, trusted) = json!({"address_prefix": "127.0.0.0", "prefix_len": 8});
    discovery.push_listener(&behind);
    eventually("the caller is a trusted proxy", BOUND, || {
        (claims(&envoy) == 200).then_some(())
    });
}

#[test]
fn a_refused_configuration_leaves_the_last_good_listener() {
    let discovery = Discovery::new();
    let envoy = proxy("base").started_with(&discovery);
    assert_eq!(status(&envoy, ALICE), 200);
    let broken = json!({"snapshot": {"format": "keyward.snapshot/v1", "revision": 2}});
    discovery.push_listener(&proxy("base").with_configuration(&broken));
    eventually("Envoy refuses it", BOUND, || {
        (envoy.stat("listener_manager.lds.update_rejected") == 1).then_some(())
    });
    assert_eq!(
        (status(&envoy, ALICE), status(&envoy, STRANGER)),
        (200, 401)
    );
}
