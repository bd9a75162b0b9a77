//! One Envoy for each setting that can be wrong.

use super::*;
use crate::support::bootstrap::{at, hcm, http_filter, remove_http_filter};

/// Starts an Envoy that differs by `change` from what keyward ships, and checks the diagnosis.
#[track_caller]
fn assert_broken(change: impl FnOnce(&mut Value) + 'static, expected: &[(&str, &str)]) {
    let envoy = builder().edit(change).start();
    Diagnosis::of(&envoy, &[]).assert_found(expected);
}

fn chain(bootstrap: &mut Value) -> &mut Vec<Value> {
    at(hcm(bootstrap), "/http_filters").as_array_mut().unwrap()
}

/// Returns a filter that has no effect here.
fn buffer() -> Value {
    let kind = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer";
    json!({"name": "buffer", "typed_config": {"@type": kind, "max_request_bytes": 1000}})
}

#[test]
fn the_interlock() {
    const MISSING: &[(&str, &str)] = &[("FAIL", "interlock")];
    let typed = |pointer: &'static str, value: Value| {
        move |bootstrap: &mut Value| {
            let lock = http_filter(bootstrap, "keyward.interlock");
            let (owner, member) = pointer.rsplit_once('/').unwrap();
            at(lock, owner)[member] = value;
        }
    };
    assert_broken(|all| remove_http_filter(all, "keyward.interlock"), MISSING);
    assert_broken(|all| chain(all).swap(0, 1), MISSING);
    assert_broken(typed("/disabled", json!(true)), MISSING);
    assert_broken(typed("/typed_config/rules/action", json!("DENY")), MISSING);
    assert_broken(typed("/typed_config/rules/action", json!("LOG")), MISSING);
    const STATE: &str = "/typed_config/rules/policies/passed-by-keyward/principals/0/filter_state";
    let other = json!({"key": "wasm.other", "string_match": {"prefix": "allow"}});
    assert_broken(typed(STATE, other), MISSING);
    let deny = json!({"key": "wasm.keyward", "string_match": {"prefix": "deny"}});
    assert_broken(typed(STATE, deny), MISSING);
    // One more way in.
    let anybody = json!({"permissions": [{"any": true}], "principals": [{"any": true}]});
    assert_broken(
        typed("/typed_config/rules/policies/anybody", anybody),
        MISSING,
    );
    // It only observes.
    assert_broken(
        |all| {
            let typed = at(http_filter(all, "keyward.interlock"), "/typed_config");
            let rules = typed.as_object_mut().unwrap().remove("rules").unwrap();
            typed["shadow_rules"] = rules;
        },
        MISSING,
    );
    assert_broken(
        |all| chain(all).insert(2, buffer()),
        &[("warn", "interlock")],
    );
    assert_broken(
        |all| http_filter(all, "keyward.interlock")["name"] = json!("envoy.filters.http.rbac"),
        &[("warn", "interlock")],
    );
    // This check ignores filters before keyward.
    assert_broken(|all| chain(all).insert(0, buffer()), &[]);
}

#[test]
fn the_filter() {
    assert_broken(
        |all| remove_http_filter(all, "keyward"),
        &[("FAIL", "filter")],
    );
    assert_broken(
        |all| http_filter(all, "keyward")["disabled"] = json!(true),
        &[("FAIL", "filter")],
    );
    assert_broken(
        |all| {
            let set = json!({"name": "set", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
                "on_request_headers": [{"object_key": "wasm.keyward", "factory_key": "envoy.string",
                    "format_string": {"text_format_source": {"inline_string": "allow"}}}]}});
            chain(all).insert(1, set);
        },
        &[("FAIL", "filter-state")],
    );
}

#[test]
fn the_connection_manager() {
    assert_broken(
        |all| hcm(all)["use_remote_address"] = json!(false),
        &[("FAIL", "client-address")],
    );
    assert_broken(
        |all| {
            hcm(all)
                .as_object_mut()
                .unwrap()
                .remove("common_http_protocol_options");
        },
        &[("warn", "underscores")],
    );
    assert_broken(
        |all| hcm(all)["http_protocol_options"] = json!({"allow_chunked_length": true}),
        &[("warn", "framing")],
    );
    // One upgrade has its own chain without keyward, and another has keyward without the interlock.
    assert_broken(
        |all| {
            let router = chain(all).last().unwrap().clone();
            hcm(all)["upgrade_configs"] =
                json!([{"upgrade_type": "websocket", "filters": [router]}]);
        },
        &[("FAIL", "upgrades")],
    );
    assert_broken(
        |all| {
            let (keyward, router) = (chain(all)[0].clone(), chain(all)[2].clone());
            hcm(all)["upgrade_configs"] =
                json!([{"upgrade_type": "websocket", "filters": [keyward, router]}]);
        },
        &[("FAIL", "interlock")],
    );
    assert_broken(
        |all| {
            let filters = chain(all).clone();
            hcm(all)["upgrade_configs"] =
                json!([{"upgrade_type": "foo", "filters": filters}, {"upgrade_type": "websocket"}]);
            hcm(all)["normalize_path"] = json!(true);
        },
        &[],
    );
}

#[test]
fn the_routes() {
    let disabled = || json!({"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true});
    for place in [
        "/route_config",
        "/route_config/virtual_hosts/0",
        "/route_config/virtual_hosts/0/routes/0",
    ] {
        assert_broken(
            move |all| {
                at(hcm(all), place)["typed_per_filter_config"] = json!({"keyward": disabled()})
            },
            &[("FAIL", "routes")],
        );
    }
    let rbac = || json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute"});
    let route = "/route_config/virtual_hosts/0/routes/0";
    // Disabled in the chain and enabled on the route, as in Envoy Gateway: nothing bypasses keyward
    // as long as the interlock follows it.
    let on_route = move |all: &mut Value| {
        http_filter(all, "keyward")["disabled"] = json!(true);
        let enabled = json!({"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": {}});
        at(hcm(all), route)["typed_per_filter_config"] = json!({"keyward": enabled});
    };
    assert_broken(on_route, &[]);
    assert_broken(
        move |all| {
            on_route(all);
            remove_http_filter(all, "keyward.interlock");
        },
        &[("FAIL", "filter"), ("FAIL", "interlock")],
    );
    assert_broken(
        move |all| {
            at(hcm(all), route)["typed_per_filter_config"] = json!({"keyward.interlock": rbac()})
        },
        &[("FAIL", "routes")],
    );
    // This check ignores other filters.
    assert_broken(
        move |all| {
            at(hcm(all), route)["typed_per_filter_config"] =
                json!({"envoy.filters.http.rbac": rbac()})
        },
        &[],
    );
    assert_broken(
        move |all| {
            at(hcm(all), route)["request_headers_to_add"] =
                json!([{"header": {"key": "X-Keyward-Principal", "value": "key=\"mk_2\""}}])
        },
        &[("FAIL", "routes")],
    );
    // The doctor follows routes from other sources.
    assert_broken(
        move |all| {
            let mut routes = at(hcm(all), "/route_config").clone();
            routes["typed_per_filter_config"] = json!({"keyward": disabled()});
            routes["@type"] = json!("type.googleapis.com/envoy.config.route.v3.RouteConfiguration");
            let folder = crate::support::process::Folder::new("rds");
            let file = folder.path().join("routes.json");
            std::fs::write(
                &file,
                json!({"version_info": "1", "resources": [routes]}).to_string(),
            )
            .unwrap();
            hcm(all).as_object_mut().unwrap().remove("route_config");
            hcm(all)["rds"] = json!({"route_config_name": "gateway", "config_source": {
                "resource_api_version": "V3", "path_config_source": {"path": file}}});
            // Envoy reads it after this function returns.
            std::mem::forget(folder);
        },
        &[("FAIL", "routes")],
    );
}

#[test]
fn the_access_log() {
    let logger = |format: Value| {
        move |all: &mut Value| {
            at(
                hcm(all),
                "/access_log/0/typed_config/log_format/json_format",
            )["more"] = format
        }
    };
    for (operator, expected) in [
        ("%REQ(Authorization)%", &[("FAIL", "access-log")][..]),
        ("%REQ(AUTHORIZATION):9%", &[("FAIL", "access-log")]),
        ("%REQ(:PATH)%", &[("warn", "access-log")]),
        (
            "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
            &[("warn", "access-log")],
        ),
        ("%PATH(WQ:ORIG)%", &[("warn", "access-log")]),
        ("%REQ(USER-AGENT)%", &[]),
    ] {
        assert_broken(logger(json!(operator)), expected);
    }
    assert_broken(
        |all| {
            let typed = at(hcm(all), "/access_log/0/typed_config");
            typed.as_object_mut().unwrap().remove("log_format");
        },
        &[("warn", "access-log")],
    );
    // Envoy's access log service: its HTTP logger sends every path with its query, and its
    // connection logger sends what the configuration names.
    let service = |kind: &'static str, tag: Value| {
        move |all: &mut Value| {
            let loggers = at(hcm(all), "/access_log").as_array_mut().unwrap();
            let name =
                format!("type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.{kind}");
            loggers.push(json!({"name": kind, "typed_config": {"@type": name, "common_config": {
                "log_name": "x", "transport_api_version": "V3", "grpc_service": {"envoy_grpc": {"cluster_name": "upstream"}}, "custom_tags": [tag],
            }}}));
        }
    };
    let path = || json!({"tag": "path", "value": "%PATH(NQ:ORIG_OR_PATH)%"});
    let header = |name: &str| json!({"tag": "x", "request_header": {"name": name}});
    let warned = &[("warn", "access-log")];
    assert_broken(service("HttpGrpcAccessLogConfig", path()), warned);
    assert_broken(service("TcpGrpcAccessLogConfig", path()), &[]);
    assert_broken(service("TcpGrpcAccessLogConfig", header(":path")), warned);
    let credential = header("authorization");
    assert_broken(
        service("TcpGrpcAccessLogConfig", credential),
        &[("FAIL", "access-log")],
    );
}

#[test]
fn the_plugin() {
    use crate::fail_closed::plugin::Plugin;
    for (policy, expected) in [
        ("FAIL_RELOAD", &[][..]),
        ("FAIL_CLOSED", &[("warn", "failure-policy")]),
        ("FAIL_OPEN", &[("FAIL", "failure-policy")]),
    ] {
        let mut plugin = Plugin::new("keyward", "keyward", "keyward");
        plugin.failure_policy = policy;
        plugin.push(&configuration().to_string());
        let envoy = plugin.in_place_of_keyward(Envoy::builder()).start();
        Diagnosis::of(&envoy, &[]).assert_found(expected);
    }
    let mut shadow = configuration();
    shadow["enforcement"] = json!("shadow");
    for (configuration, expected) in [
        (shadow, &[("warn", "configuration")]),
        (json!({}), &[("warn", "configuration")]),
    ] {
        let envoy = Envoy::builder().config(configuration.to_string()).start();
        Diagnosis::of(&envoy, &[]).assert_found(expected);
    }
    assert_broken(
        |all| {
            let discovery = at(http_filter(all, "keyward"), "/config_discovery");
            discovery.as_object_mut().unwrap().remove("default_config");
        },
        &[("warn", "discovery")],
    );
    assert_broken(
        |all| *at(all, "/admin/address/socket_address/address") = json!("0.0.0.0"),
        &[("warn", "admin")],
    );
}
