//! Something is disabled, left out of Envoy, or not received yet.

use super::*;

#[test]
fn what_is_switched_off() {
    let off = || json!({"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true});
    let scoped = move |all: &mut Value, scope: fn(Value) -> Value| {
        let mut routes = hcm(all)
            .as_object_mut()
            .unwrap()
            .remove("route_config")
            .unwrap();
        routes["typed_per_filter_config"] = json!({"keyward": off(), "keyward.interlock": off()});
        let element = json!({"separator": "=", "key": "a"});
        hcm(all)["scoped_routes"] = json!({"name": "scopes",
            "scope_key_builder": {"fragments": [{"header_value_extractor": {"name": "x", "element_separator": ",", "element": element}}]},
            "rds_config_source": {"resource_api_version": "V3", "ads": {}},
            "scoped_route_configurations_list": {"scoped_route_configurations": [scope(routes)]}});
    };
    assert_all(vec![
        variant(
            "an inline scope switches both off",
            &[("FAIL", "routes")],
            move |all| {
                scoped(
                    all,
                    |routes| json!({"name": "one", "key": {"fragments": [{"string_key": "b"}]}, "route_configuration": routes}),
                );
            },
        ),
        variant(
            "a matcher in the interlock, which ignores the rules",
            &[("FAIL", "interlock")],
            |all| {
                let allow = json!({"@type": "type.googleapis.com/envoy.config.rbac.v3.Action", "name": "all", "action": "ALLOW"});
                at(http_filter(all, "keyward.interlock"), "/typed_config")["matcher"] =
                    json!({"on_no_match": {"action": {"name": "action", "typed_config": allow}}});
            },
        ),
        variant(
            "a verdict for each connection",
            &[("FAIL", "filter-state")],
            |all| {
                let kind = "type.googleapis.com/envoy.extensions.filters.network.set_filter_state.v3.Config";
                let value = json!({"object_key": "wasm.keyward", "factory_key": "envoy.string",
                "format_string": {"text_format_source": {"inline_string": "allow"}}});
                at(all, "/static_resources/listeners/0/filter_chains/0/filters").as_array_mut().unwrap()
                .insert(0, json!({"name": "set", "typed_config": {"@type": kind, "on_new_connection": [value]}}));
            },
        ),
    ]);
}

/// No filter runs, and no request passes.
#[test]
fn an_envoy_without_v8() {
    let envoy = builder()
        .edit(|all| {
            let discovery = at(http_filter(all, "keyward"), "/config_discovery");
            discovery.as_object_mut().unwrap().remove("default_config");
        })
        .arguments(&[
            "--disable-extensions",
            "envoy.wasm.runtime/envoy.wasm.runtime.v8",
        ])
        .start();
    assert_eq!(
        envoy
            .get("/v1/balance", crate::support::http::NO_HEADERS)
            .status,
        500
    );
    Diagnosis::of(&envoy, &[]).assert_found(&[
        ("FAIL", "runtime"),
        ("FAIL", "workers"),
        ("warn", "discovery"),
        ("warn", "stats"),
    ]);
}

/// Envoy is not ready, for at least 15 s, while a part of its configuration is missing. The test
/// therefore changes a dump into what it would be.
#[test]
fn what_has_not_come_is_not_good() {
    let envoy = builder().start();
    let dump = envoy.admin("GET", "/config_dump").json();
    let said = |change: fn(&mut Value)| {
        let mut dump = dump.clone();
        change(&mut dump);
        Diagnosis::read(&keyward(
            &["doctor", "--dump", "-"],
            dump.to_string().as_bytes(),
        ))
    };
    fn manager(dump: &mut Value) -> &mut Value {
        let sections = dump["configs"].as_array_mut().unwrap();
        let is_of = |section: &&mut Value| {
            section["@type"]
                .as_str()
                .unwrap()
                .ends_with("ListenersConfigDump")
        };
        let listeners = &mut sections.iter_mut().find(is_of).unwrap()["static_listeners"];
        let listeners = listeners.as_array_mut().unwrap().iter_mut();
        let gateway = |entry: &&mut Value| entry["listener"]["name"] == "gateway";
        at(
            listeners.into_iter().find(gateway).unwrap(),
            "/listener/filter_chains/0/filters/0/typed_config",
        )
    }
    said(|_| {}).assert_found(&[]);
    let unpushed = said(|dump| {
        let discovery = at(manager(dump), "/http_filters/0/config_discovery");
        discovery.as_object_mut().unwrap().remove("default_config");
        let sections = dump["configs"].as_array_mut().unwrap();
        sections.retain(|section| {
            !section["@type"]
                .as_str()
                .unwrap()
                .ends_with("EcdsConfigDump")
        });
    });
    assert!(unpushed.has("FAIL", "discovery"), "{unpushed:?}");
    said(|dump| {
        let manager = manager(dump).as_object_mut().unwrap();
        manager.remove("route_config");
        manager.insert("rds".into(), json!({"route_config_name": "absent"}));
    })
    .assert_found(&[("warn", "routes")]);
    said(|dump| {
        let manager = manager(dump).as_object_mut().unwrap();
        manager.remove("route_config");
        manager.insert(
            "scoped_routes".into(),
            json!({"name": "absent", "scoped_rds": {}}),
        );
    })
    .assert_found(&[("warn", "routes")]);
    said(|dump| {
        at(
            manager(dump),
            "/route_config/virtual_hosts/0/routes/0/route",
        )["cluster"] = json!("absent")
    })
    .assert_found(&[("warn", "clusters")]);
    said(|dump| manager(dump)["a_setting_of_tomorrow"] = json!(true))
        .assert_found(&[("warn", "unread")]);
    said(|dump| at(manager(dump), "/route_config")["vhds"] = json!({}))
        .assert_found(&[("warn", "unread")]);
}
