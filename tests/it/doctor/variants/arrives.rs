//! The request that arrives is not the one that keyward decided on.

use super::*;

fn added(name: &str) -> Value {
    json!([{"header": {"key": name, "value": "x"}}])
}

fn mutation(name: &str) -> Value {
    let header = json!({"key": name, "value": "x"});
    json!({"mutations": {"request_mutations": [{"append": {"header": header}}]}})
}

fn lua() -> Value {
    let code =
        "function envoy_on_request(handle) handle:headers():replace(':path', '/v1/payouts') end";
    filter(
        "lua.v3.Lua",
        json!({"default_source_code": {"inline_string": code}}),
    )
}

#[test]
fn filters_after_keyward() {
    const WARNS: &[(&str, &str)] = &[("warn", "neighbours")];
    const BOTH: &[(&str, &str)] = &[("FAIL", "neighbours"), ("warn", "neighbours")];
    let service = json!({"envoy_grpc": {"cluster_name": "upstream"}});
    let mutates = |name| filter("header_mutation.v3.HeaderMutation", mutation(name));
    assert_all(vec![
        variant("Lua", WARNS, insert(BETWEEN, lua())),
        variant(
            "an external processor",
            WARNS,
            insert(
                BETWEEN,
                filter(
                    "ext_proc.v3.ExternalProcessor",
                    json!({"grpc_service": service}),
                ),
            ),
        ),
        variant("a header", WARNS, insert(BETWEEN, mutates("x-region"))),
        variant(
            "the account",
            BOTH,
            insert(BETWEEN, mutates("Stripe-Account")),
        ),
        variant(
            "the account, as PHP reads it",
            BOTH,
            insert(BETWEEN, mutates("stripe.context")),
        ),
        variant(
            "the query",
            WARNS,
            insert(
                BETWEEN,
                filter(
                    "header_mutation.v3.HeaderMutation",
                    json!({"mutations": {
            "query_parameter_mutations": [{"append": {"record": {"key": "key", "value": "x"}}}]}}),
                ),
            ),
        ),
        variant(
            "who calls, by a limiter",
            &[("FAIL", "neighbours")],
            insert(
                BETWEEN,
                filter(
                    "local_ratelimit.v3.LocalRateLimit",
                    json!({
            "stat_prefix": "limit", "token_bucket": {"max_tokens": 1, "fill_interval": "1s"},
            "request_headers_to_add_when_not_enforced": [{"header": {"key": "x-keyward-principal", "value": "x"}}]}),
                ),
            ),
        ),
        variant(
            "a limiter that writes nothing",
            &[],
            insert(
                BETWEEN,
                filter(
                    "local_ratelimit.v3.LocalRateLimit",
                    json!({
            "stat_prefix": "limit", "token_bucket": {"max_tokens": 1, "fill_interval": "1s"}}),
                ),
            ),
        ),
        variant(
            "a filter that has not come, and Lua until then",
            &[("warn", "neighbours"), ("warn", "stats")],
            |all| {
                let kind = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua";
                let nothing = file("late.json", &json!({"version_info": "1", "resources": []}));
                let source =
                    json!({"resource_api_version": "V3", "path_config_source": {"path": nothing}});
                let late = json!({"type_urls": [kind], "config_source": source,
                    "apply_default_config_without_warming": true, "default_config": {"@type": kind}});
                chain(all).insert(BETWEEN, json!({"name": "late", "config_discovery": late}));
            },
        ),
    ]);
}

#[test]
fn paths_that_routes_rewrite() {
    const WARNS: &[(&str, &str)] = &[("warn", "routes")];
    let rewrite = |member: &'static str, value: Value| {
        move |all: &mut Value| at(route(all), "/route")[member] = value
    };
    let prefix = move || rewrite("prefix_rewrite", json!("/internal/"));
    let regex = json!({"pattern": {"regex": "^/v1/(.*)$"}, "substitution": "/v2/\\1"});
    assert_all(vec![
        variant("a prefix", WARNS, prefix()),
        variant("a regex", WARNS, rewrite("regex_rewrite", regex)),
        variant(
            "a format",
            WARNS,
            rewrite("path_rewrite", json!("/internal%REQ(:path)%")),
        ),
        variant("a template", WARNS, |all| {
            let template = |kind: &str| format!("type.googleapis.com/envoy.extensions.path.{kind}");
            let typed = |kind: &str, member: &str, value: &str| json!({"name": kind, "typed_config": {"@type": template(kind), member: value}});
            route(all)["match"] = json!({"path_match_policy": typed("match.uri_template.v3.UriTemplateMatchConfig", "path_template", "/v1/{rest=**}")});
            at(route(all), "/route")["path_rewrite_policy"] = typed(
                "rewrite.uri_template.v3.UriTemplateRewriteConfig",
                "path_template_rewrite",
                "/v2/{rest}",
            );
        }),
        variant(
            "and no log has the path that came",
            &[("warn", "access-log"), ("warn", "routes")],
            move |all| {
                prefix()(all);
                at(chain(all).last_mut().unwrap(), "/typed_config")["suppress_envoy_headers"] =
                    json!(true);
            },
        ),
        variant(
            "filters see one path, and the upstream another",
            &[("warn", "unread")],
            |all| {
                hcm(all)["path_normalization_options"] =
                    json!({"http_filter_transformation": {"operations": [{"merge_slashes": {}}]}});
            },
        ),
        // A client follows the redirect with a new request.
        variant("a redirect", &[], |all| {
            let route = route(all).as_object_mut().unwrap();
            route.remove("route");
            route.insert("redirect".into(), json!({"prefix_rewrite": "/v2/"}));
        }),
    ]);
}

#[test]
fn headers_that_routes_and_clusters_change() {
    const FAILS: &[(&str, &str)] = &[("FAIL", "routes")];
    const WARNS: &[(&str, &str)] = &[("warn", "routes")];
    let weighted = |share: Value| {
        move |all: &mut Value| {
            let mut share = share;
            share["name"] = json!("upstream");
            share["weight"] = json!(1);
            at(route(all), "/route")["weighted_clusters"] = json!({"clusters": [share]});
            at(route(all), "/route")
                .as_object_mut()
                .unwrap()
                .remove("cluster");
        }
    };
    let upstream_filter = |mutation: Value| {
        move |all: &mut Value| {
            let codec = filter("upstream_codec.v3.UpstreamCodec", json!({}));
            cluster(all)["typed_extension_protocol_options"] = json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http_protocol_options": {}},
                "http_filters": [mutation, codec]}});
        }
    };
    let codec = || filter("upstream_codec.v3.UpstreamCodec", json!({}));
    let mutates = |name| filter("header_mutation.v3.HeaderMutation", mutation(name));
    assert_all(vec![
        variant("a route adds the account, as PHP reads it", FAILS, |all| {
            route(all)["request_headers_to_add"] = added("Stripe.Account")
        }),
        variant("a route adds a method that frameworks obey", FAILS, |all| {
            route(all)["request_headers_to_add"] = added("X_HTTP_Method_Override")
        }),
        variant("a route adds another key", WARNS, |all| {
            route(all)["request_headers_to_add"] = added("Authorization")
        }),
        variant("a route adds a version", WARNS, |all| {
            route(all)["request_headers_to_add"] = added("Stripe-Version")
        }),
        variant("a route adds a header of no meaning", &[], |all| {
            route(all)["request_headers_to_add"] = added("x-region")
        }),
        variant("a virtual host takes the account off", FAILS, |all| {
            at(hcm(all), "/route_config/virtual_hosts/0")["request_headers_to_remove"] =
                json!(["Stripe-Context"]);
        }),
        variant("all routes take off who calls", WARNS, |all| {
            at(hcm(all), "/route_config")["request_headers_to_remove"] =
                json!(["x-keyward-principal"]);
        }),
        // As in envoy/egress.yaml.
        variant("all routes take off who calls, and the key", &[], |all| {
            at(hcm(all), "/route_config")["request_headers_to_remove"] =
                json!(["authorization", "x-keyward-principal"]);
        }),
        variant(
            "a weighted cluster adds who calls",
            FAILS,
            weighted(json!({"request_headers_to_add": added("x-keyward-principal")})),
        ),
        variant("a weighted cluster", &[], weighted(json!({}))),
        variant(
            "an internal redirect takes the account off a response",
            FAILS,
            |all| {
                at(route(all), "/route")["internal_redirect_policy"] =
                    json!({"response_headers_to_copy": ["stripe-account"]});
            },
        ),
        variant("a copy of each request elsewhere", WARNS, |all| {
            at(route(all), "/route")["request_mirror_policies"] = json!([{"cluster": "upstream"}]);
        }),
        variant(
            "a cluster adds who calls",
            &[("FAIL", "clusters")],
            upstream_filter(mutates("X-Keyward-Principal")),
        ),
        variant(
            "a cluster adds a header of no meaning",
            &[],
            upstream_filter(mutates("x-region")),
        ),
        variant(
            "a cluster runs Lua",
            &[("warn", "clusters")],
            upstream_filter(lua()),
        ),
        variant(
            "the router runs Lua for every cluster",
            &[("warn", "clusters")],
            move |all| {
                at(chain(all).last_mut().unwrap(), "/typed_config")["upstream_http_filters"] =
                    json!([lua(), codec()]);
            },
        ),
    ]);
}
