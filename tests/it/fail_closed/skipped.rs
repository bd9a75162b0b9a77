//! Envoy without the filter, or with one that has never had a good configuration.

use super::plugin::Plugin;
use super::*;
use crate::support::bootstrap::{at, hcm, http_filter, remove_http_filter};
use crate::support::{Host, Push, find};

/// Where a `typed_per_filter_config` may be: on a route, a virtual host, or all routes.
const LEVELS: [&str; 3] = [
    "/route_config/virtual_hosts/0/routes/0",
    "/route_config/virtual_hosts/0",
    "/route_config",
];

fn route_config(value: Value) -> impl FnOnce(&mut Value) {
    override_at(LEVELS[0], value)
}

fn override_at(level: &'static str, value: Value) -> impl FnOnce(&mut Value) {
    move |bootstrap| at(hcm(bootstrap), level)["typed_per_filter_config"] = value
}

fn disabled(filter: &str) -> Value {
    let config = "type.googleapis.com/envoy.config.route.v3.FilterConfig";
    json!({filter: {"@type": config, "disabled": true}})
}

#[test]
fn a_filter_taken_from_the_chain() {
    for interlock in BOTH {
        let builder = Envoy::builder().edit(|bootstrap| remove_http_filter(bootstrap, "keyward"));
        let envoy = with_interlock(builder, interlock).start();
        for key in [ALICE, STRANGER] {
            assert_eq!(status(&envoy, key), skipped(interlock));
        }
        assert_counted(&envoy, interlock);
    }
}

#[test]
fn a_filter_that_a_route_disables() {
    for (level, interlock) in LEVELS
        .into_iter()
        .flat_map(|level| BOTH.map(|it| (level, it)))
    {
        let builder = Envoy::builder()
            .config(configuration(1, &[ALICE]).to_string())
            .edit(override_at(level, disabled("keyward")));
        let envoy = with_interlock(builder, interlock).start();
        for key in [ALICE, STRANGER] {
            assert_eq!(status(&envoy, key), skipped(interlock), "{level}");
        }
        assert_counted(&envoy, interlock);
    }
}

/// keyward itself answers, with or without the interlock.
#[test]
fn an_interlock_that_a_route_disables() {
    for level in LEVELS {
        let envoy = Envoy::builder()
            .config(configuration(1, &[ALICE]).to_string())
            .edit(override_at(level, disabled("keyward.interlock")))
            .start();
        everywhere(&envoy, ALICE, 200);
        assert_eq!(status(&envoy, STRANGER), 401, "{level}");
    }
}

/// A route cannot give the filter another configuration, and with it other keys: Envoy does not
/// start.
#[test]
fn a_route_that_configures_the_filter_anew() {
    let config = json!({
        "@type": "type.googleapis.com/google.protobuf.StringValue",
        "value": configuration(1, &[STRANGER]).to_string()});
    let (own, said) = match Host::chosen() {
        Host::Wasm => (
            json!({
                "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                "config": {"name": "keyward", "configuration": config}}),
            "The filter keyward doesn't support virtual host or route specific configurations",
        ),
        // The module has no hook for it.
        Host::Native => (
            json!({
                "@type": "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilterPerRoute",
                "dynamic_module_config": {"module": {"local": {"filename": find::native()}}, "do_not_close": true},
                "per_route_config_name": "keyward", "filter_config": config}),
            "envoy_dynamic_module_on_http_filter_per_route_config_new",
        ),
    };
    let own = json!({"keyward": own});
    for level in LEVELS {
        let refusal = Envoy::builder()
            .config(configuration(1, &[ALICE]).to_string())
            .edit(override_at(level, own.clone()))
            .try_start()
            .unwrap_err();
        assert!(refusal.contains(said), "{refusal}");
    }
}

/// Another team's rules for Envoy's usual RBAC filter do not apply to the interlock, because of its
/// name.
#[test]
fn a_route_that_overrides_rbac() {
    let rbac = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute";
    let envoy = Envoy::builder()
        .edit(|bootstrap| remove_http_filter(bootstrap, "keyward"))
        .edit(route_config(
            json!({"envoy.filters.http.rbac": {"@type": rbac}}),
        ))
        .start();
    assert_eq!(status(&envoy, STRANGER), 403);
    // Under its own name it can be disabled. But a person who may write that may also remove the
    // filter.
    let envoy = Envoy::builder()
        .edit(|bootstrap| remove_http_filter(bootstrap, "keyward"))
        .edit(route_config(json!({"keyward.interlock": {"@type": rbac}})))
        .start();
    assert_eq!(status(&envoy, STRANGER), 200);
}

#[test]
fn a_broken_first_configuration_denies_until_a_good_one_comes() {
    for interlock in BOTH {
        let envoy = with_interlock(Envoy::builder().config("{\"snapshot\": 7}"), interlock).start();
        assert_eq!(envoy.settled(BOUND), Push::Rejected);
        let denied = ask(&mut Connection::open(envoy.address()), ALICE);
        assert_eq!(
            (denied.status, denied.header("x-keyward-denied")),
            (503, Some("no_snapshot"))
        );
        let push = configuration(1, &[ALICE]).to_string();
        assert_eq!(envoy.push_and_wait(&push), Push::Accepted);
        everywhere(&envoy, ALICE, 200);
        assert_eq!(status(&envoy, STRANGER), 401);
    }
}

#[test]
fn a_broken_first_configuration_without_a_default_is_500() {
    for interlock in BOTH {
        let builder = Envoy::builder()
            .config("{\"snapshot\": 7}")
            .edit(|bootstrap| {
                let discovery = at(http_filter(bootstrap, "keyward"), "/config_discovery");
                discovery.as_object_mut().unwrap().remove("default_config");
            });
        let envoy = with_interlock(builder, interlock).start();
        assert_eq!(status(&envoy, STRANGER), 500);
        let push = configuration(1, &[ALICE]).to_string();
        assert_eq!(envoy.push_and_wait(&push), Push::Accepted);
        everywhere(&envoy, ALICE, 200);
        assert_eq!(status(&envoy, STRANGER), 401);
    }
}

#[test]
fn an_unreadable_file_denies_until_a_good_one_comes() {
    for interlock in BOTH {
        for content in ["", "{", "\u{0}\u{1}", "resources: []"] {
            let plugin = Plugin::new("keyward", "keyward", "keyward");
            plugin.push_file(content.as_bytes());
            let builder = plugin.in_place_of_keyward(Envoy::builder());
            let envoy = with_interlock(builder, interlock).start();
            for key in [ALICE, STRANGER] {
                assert_eq!(status(&envoy, key), 503, "`{content}`");
            }
            plugin.push(&configuration(1, &[ALICE]).to_string());
            everywhere(&envoy, ALICE, 200);
            assert_eq!(status(&envoy, STRANGER), 401);
        }
    }
}

/// Shows what `on_configure` must never do: reject on a worker what the trial load accepted.
#[test]
fn a_configuration_that_fails_on_workers_alone() {
    for interlock in BOTH {
        let builder = Envoy::builder()
            .wasm(find::trap_door_wasm())
            .config(configuration(1, &[ALICE]).to_string());
        let envoy = with_interlock(builder, interlock).start();
        everywhere(&envoy, ALICE, 200);
        let mut push = configuration(2, &[ALICE]);
        push["snapshot"]["keys"][0]["annotations"] = json!("trap-door: fail on workers");
        let push = envoy.push_and_wait(&push.to_string());
        assert_eq!(push, Push::Accepted);
        everywhere(&envoy, STRANGER, skipped(interlock));
        // No good configuration restores it.
        envoy.push_and_wait(&configuration(3, &[ALICE]).to_string());
        for key in [ALICE, STRANGER] {
            assert_eq!(status(&envoy, key), skipped(interlock));
        }
        assert_counted(&envoy, interlock);
    }
}
