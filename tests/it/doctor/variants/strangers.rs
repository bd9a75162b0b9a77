//! A stranger gets in, or the doctor cannot rule it out, or no filter runs.

use super::*;

const MANAGER: &str = "/filter_chains/0/filters/0/typed_config";

fn cache() -> Value {
    filter(
        "cache.v3.CacheConfig",
        json!({"typed_config": {"@type": "type.googleapis.com/envoy.extensions.http.cache.simple_http_cache.v3.SimpleHttpCacheConfig"}}),
    )
}

fn cache_v2() -> Value {
    filter(
        "cache_v2.v3.CacheV2Config",
        json!({"typed_config": {"@type": "type.googleapis.com/envoy.extensions.http.cache_v2.simple_http_cache.v3.SimpleHttpCacheV2Config"}}),
    )
}

fn header(key: &str) -> Value {
    json!({"header": {"key": key, "value": "x"}})
}

/// Removes keyward and its interlock from a listener.
fn open(listener: &mut Value) {
    let filters = at(listener, MANAGER)["http_filters"]
        .as_array_mut()
        .unwrap();
    filters.retain(|filter| filter["name"] == "envoy.filters.http.router");
}

fn to(cluster: &str) -> Value {
    let proxy = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
    json!([{"name": "tcp", "typed_config": {"@type": proxy, "stat_prefix": "tcp", "cluster": cluster}}])
}

#[test]
fn filters_before_keyward() {
    const FAILS: &[(&str, &str)] = &[("FAIL", "neighbours")];
    const WARNS: &[(&str, &str)] = &[("warn", "neighbours")];
    let lua = "function envoy_on_request(handle) end";
    let service = json!({"envoy_grpc": {"cluster_name": "upstream"}});
    let mutation = |key| {
        filter(
            "header_mutation.v3.HeaderMutation",
            json!({"mutations": {"request_mutations": [{"append": header(key)}]}}),
        )
    };
    let early = |mutation: Value| {
        move |all: &mut Value| {
            let kind = "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation";
            hcm(all)["early_header_mutation_extensions"] = json!([{"name": "early", "typed_config": {"@type": kind, "mutations": [mutation]}}]);
        }
    };
    assert_all(vec![
        variant("a cache before keyward", FAILS, insert(BEFORE, cache())),
        variant("a cache after keyward", FAILS, insert(BETWEEN, cache())),
        variant(
            "the new cache before keyward",
            FAILS,
            insert(BEFORE, cache_v2()),
        ),
        variant(
            "the new cache after keyward",
            FAILS,
            insert(BETWEEN, cache_v2()),
        ),
        variant(
            "a cache after the interlock",
            &[("FAIL", "neighbours"), ("warn", "interlock")],
            insert(2, cache()),
        ),
        variant(
            "a key for all",
            FAILS,
            insert(BEFORE, mutation("Authorization")),
        ),
        variant(
            "a header of no meaning",
            &[],
            insert(BEFORE, mutation("x-region")),
        ),
        variant(
            "a key for all, early",
            FAILS,
            early(json!({"append": header("authorization")})),
        ),
        variant(
            "a header taken off early",
            &[],
            early(json!({"remove": "x-envoy-original-path"})),
        ),
        variant(
            "Lua before keyward",
            WARNS,
            insert(
                BEFORE,
                filter(
                    "lua.v3.Lua",
                    json!({"default_source_code": {"inline_string": lua}}),
                ),
            ),
        ),
        variant(
            "an external processor before keyward",
            WARNS,
            insert(
                BEFORE,
                filter(
                    "ext_proc.v3.ExternalProcessor",
                    json!({"grpc_service": service}),
                ),
            ),
        ),
        variant(
            "external authorization before keyward",
            WARNS,
            insert(
                BEFORE,
                filter(
                    "ext_authz.v3.ExtAuthz",
                    json!({"grpc_service": service, "transport_api_version": "V3"}),
                ),
            ),
        ),
        variant(
            "keyward in a filter that asks first",
            &[("FAIL", "filter")],
            |all| {
                let code = json!({"local": {"filename": crate::support::find::wasm()}});
                let wasm = filter(
                    "wasm.v3.Wasm",
                    json!({"config": {"name": "keyward", "root_id": "keyward",
                "vm_config": {"vm_id": "keyward", "runtime": "envoy.wasm.runtime.v8", "code": code}}}),
                );
                let header =
                    "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput";
                let skip = "type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter";
                chain(all)[0] = json!({"name": "keyward", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher",
                "extension_config": wasm,
                "xds_matcher": {"matcher_tree": {
                    "input": {"name": "header", "typed_config": {"@type": header, "header_name": "x-skip"}},
                    "exact_match_map": {"map": {"yes": {"action": {"name": "skip", "typed_config": {"@type": skip}}}}}}}}});
                // Without the interlock a stranger gets in.
                chain(all).remove(1);
            },
        ),
    ]);
}

#[test]
fn ways_to_the_upstream_without_keyward() {
    const FAILS: &[(&str, &str)] = &[("FAIL", "listeners")];
    const WARNS: &[(&str, &str)] = &[("warn", "listeners")];
    let router = || {
        json!([{"name": "envoy.filters.http.router", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}])
    };
    assert_all(vec![
        variant("a second listener", FAILS, |all| second_listener(all, open)),
        variant("a second listener with the interlock", &[], |all| {
            second_listener(all, |listener| {
                let filters = at(listener, MANAGER)["http_filters"]
                    .as_array_mut()
                    .unwrap();
                filters.remove(0);
            });
        }),
        variant(
            "a second listener with the interlock, and a cache before it",
            &[("FAIL", "neighbours")],
            |all| {
                second_listener(all, |listener| {
                    at(listener, MANAGER)["http_filters"][0] = cache();
                });
            },
        ),
        variant("a second chain", FAILS, |all| {
            let listener = at(all, "/static_resources/listeners/0");
            let mut second = listener.clone();
            open(&mut second);
            let mut chain = second["filter_chains"][0].clone();
            chain["filter_chain_match"] = json!({"destination_port": 1});
            listener["filter_chains"]
                .as_array_mut()
                .unwrap()
                .push(chain);
        }),
        variant("plain TCP", FAILS, |all| {
            second_listener(all, |listener| {
                listener["filter_chains"][0]["filters"] = to("upstream")
            });
        }),
        variant("plain TCP to another upstream", &[], |all| {
            let mut other = cluster(all).clone();
            other["name"] = json!("other");
            other["load_assignment"] = json!({"cluster_name": "other", "endpoints": [{"lb_endpoints": [{"endpoint": {
                "address": {"socket_address": {"address": "127.0.0.1", "port_value": 1}}}}]}]});
            all["static_resources"]["clusters"]
                .as_array_mut()
                .unwrap()
                .push(other);
            second_listener(all, |listener| {
                listener["filter_chains"][0]["filters"] = to("other")
            });
        }),
        variant(
            "plain TCP to the same upstream by another name",
            FAILS,
            |all| {
                let mut other = cluster(all).clone();
                other["name"] = json!("other");
                other["load_assignment"]["cluster_name"] = json!("other");
                all["static_resources"]["clusters"]
                    .as_array_mut()
                    .unwrap()
                    .push(other);
                second_listener(all, |listener| {
                    listener["filter_chains"][0]["filters"] = to("other")
                });
            },
        ),
        variant(
            "plain TCP to wherever a connection was bound for",
            WARNS,
            |all| {
                let clusters = all["static_resources"]["clusters"].as_array_mut().unwrap();
                clusters.push(json!({"name": "anywhere", "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED", "connect_timeout": "1s"}));
                second_listener(all, |listener| {
                    listener["filter_chains"][0]["filters"] = to("anywhere")
                });
            },
        ),
        variant("a cluster that the client names", WARNS, |all| {
            second_listener(all, |listener| {
                open(listener);
                at(listener, MANAGER)["route_config"]["virtual_hosts"][0]["routes"][0]["route"] =
                    json!({"cluster_header": "x-cluster"});
            });
        }),
        variant("a filter on connections that is not known", WARNS, |all| {
            let kind =
                "type.googleapis.com/envoy.extensions.filters.network.sni_cluster.v3.SniCluster";
            at(all, "/static_resources/listeners/0/filter_chains/0/filters")
                .as_array_mut()
                .unwrap()
                .insert(0, json!({"name": "sni", "typed_config": {"@type": kind}}));
        }),
        variant("a connection manager by discovery", FAILS, move |all| {
            let mut manager = hcm(all).clone();
            manager["http_filters"] = router();
            let kind = manager["@type"].clone();
            let resource = json!({"@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig", "name": "second", "typed_config": manager});
            let file = file(
                "second.json",
                &json!({"version_info": "1", "resources": [resource]}),
            );
            second_listener(all, |listener| {
                listener["filter_chains"][0]["filters"] = json!([{"name": "second", "config_discovery": {"type_urls": [kind],
                    "config_source": {"resource_api_version": "V3", "path_config_source": {"path": file}}}}]);
            });
        }),
        variant(
            "a connection manager in another form",
            &[
                ("FAIL", "listeners"),
                ("warn", "listeners"),
                ("warn", "unread"),
            ],
            |all| {
                second_listener(all, |listener| {
                    open(listener);
                    let typed = at(listener, MANAGER);
                    let kind = typed.as_object_mut().unwrap().remove("@type").unwrap();
                    *typed = json!({"@type": "type.googleapis.com/xds.type.v3.TypedStruct", "type_url": kind, "value": typed.clone()});
                });
            },
        ),
        variant("an upstream that other machines reach", WARNS, |all| {
            let taken = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = taken.local_addr().unwrap().port();
            drop(taken);
            let address =
                |host: &str| json!({"socket_address": {"address": host, "port_value": port}});
            *at(all, "/static_resources/listeners/1/address") = address("0.0.0.0");
            *at(
                cluster(all),
                "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address",
            ) = address("127.0.0.1");
        }),
    ]);
}
