//! A gateway that follows a feed, with every fault on the way that signatures cannot prevent.

use super::*;
use crate::feed::following;
use crate::support::bootstrap::hcm;
use crate::support::feed::{self, CLUSTER, Feed};
use crate::support::http::NO_HEADERS;

const FEED: &[(&str, &str)] = &[("warn", "feed")];

fn cluster(bootstrap: &mut Value) -> &mut Value {
    let clusters = &mut bootstrap["static_resources"]["clusters"];
    let clusters = clusters.as_array_mut().unwrap();
    let ours = clusters.iter_mut();
    ours.into_iter()
        .find(|cluster| cluster["name"] == CLUSTER)
        .unwrap()
}

/// Returns the options of the cluster, including one that Envoy requires.
fn options(bootstrap: &mut Value) -> &mut Value {
    let name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let all = &mut cluster(bootstrap)["typed_extension_protocol_options"][name];
    if all.is_null() {
        *all = json!({"@type": format!("type.googleapis.com/{name}"),
            "explicit_http_config": {"http_protocol_options": {}}});
    }
    all
}

fn filters(bootstrap: &mut Value, kind: &str, config: Value) {
    let mut typed = config;
    typed["@type"] = json!(format!(
        "type.googleapis.com/envoy.extensions.filters.http.{kind}"
    ));
    let codec = "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec";
    options(bootstrap)["http_filters"] = json!([
        {"name": "under-test", "typed_config": typed},
        {"name": "codec", "typed_config": {"@type": codec}},
    ]);
}

fn tls(context: Value) -> Value {
    json!({"name": "tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "common_tls_context": context}})
}

/// Starts an Envoy whose feed differs by `change`, and checks the diagnosis and its text.
#[track_caller]
fn assert_found(change: impl FnOnce(&mut Value) + 'static, expected: &[(&str, &str)], text: &str) {
    let feed = Feed::start(&crate::fail_closed::snapshot(1, &[ALICE]));
    let envoy = following(&feed, &feed::configuration())
        .concurrency(2)
        .edit(change)
        .start();
    assert!(envoy.get("/v1/balance", NO_HEADERS).status >= 400);
    let diagnosis = Diagnosis::of(&envoy, &[]);
    diagnosis.assert_found(expected);
    assert!(diagnosis.text.contains(text), "{}", diagnosis.text);
}

#[test]
fn a_feed_on_loopback_is_good() {
    assert_found(|_| (), &[], "feed");
}

#[test]
fn a_cluster_that_leads_to_no_feed() {
    assert_found(
        |all| cluster(all)["name"] = json!("other"),
        FEED,
        "this Envoy has no such cluster",
    );
    assert_found(
        |all| {
            let cluster = cluster(all).as_object_mut().unwrap();
            cluster.remove("load_assignment");
            cluster.insert("type".into(), json!("ORIGINAL_DST"));
            cluster.insert("lb_policy".into(), json!("CLUSTER_PROVIDED"));
            cluster.insert("transport_socket".into(), tls(json!({"validation_context": {"trusted_ca": {"filename": "/etc/ssl/certs/ca-certificates.crt"}}})));
        },
        FEED,
        "it is of type `ORIGINAL_DST`",
    );
}

#[test]
fn who_can_read_along() {
    let other = |all: &mut Value| {
        let endpoints = &mut cluster(all)["load_assignment"]["endpoints"];
        endpoints[0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]["address"] =
            json!("192.0.2.1");
    };
    assert_found(other, FEED, "it is plain text to `192.0.2.1:");
    let ca = json!({"validation_context": {"trusted_ca": {"filename": "/etc/ssl/certs/ca-certificates.crt"}}});
    for (context, expected, text) in [
        (json!({}), FEED, "does not verify the server's certificate"),
        (
            json!({"validation_context": {}}),
            FEED,
            "does not verify the server's certificate",
        ),
        (ca, &[][..], ""),
    ] {
        assert_found(
            move |all| {
                other(all);
                cluster(all)["transport_socket"] = tls(context);
            },
            expected,
            text,
        );
    }
}

#[test]
fn what_changes_the_calls() {
    let library = json!({"name": "gzip", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip"}});
    assert_found(
        move |all| {
            filters(
                all,
                "compressor.v3.Compressor",
                json!({"compressor_library": library}),
            );
        },
        FEED,
        "a server that compresses ignores `Range`",
    );
    let written = |name: &'static str, expected: &[(&str, &str)]| {
        let mutations = json!({"mutations": {"request_mutations": [{"append": {"header": {"key": name, "value": "a"}}}]}});
        let text = if expected.is_empty() { "" } else { name };
        assert_found(
            move |all| filters(all, "header_mutation.v3.HeaderMutation", mutations),
            expected,
            text,
        );
    };
    written("accept-encoding", FEED);
    written("authorization", &[]);
}

#[test]
fn what_ends_long_polls() {
    assert_found(
        |all| {
            options(all)["common_http_protocol_options"] = json!({"max_stream_duration": "5s"});
        },
        FEED,
        "its `max_stream_duration` of 5 s ends calls that may take 17 s",
    );
    // Through a listener of this Envoy. Its route ends requests that last longer than 15 s, as
    // every route without a time-out does.
    assert_found(
        |all| {
            let address = all["static_resources"]["listeners"][0]["address"].clone();
            let endpoints = &mut cluster(all)["load_assignment"]["endpoints"];
            endpoints[0]["lb_endpoints"][0]["endpoint"]["address"] =
                json!({"envoy_internal_address": {"server_listener_name": "inner"}});
            let mut manager = hcm(all).clone();
            let filters = manager["http_filters"].as_array_mut().unwrap();
            filters.drain(..filters.len() - 1);
            manager["stat_prefix"] = json!("inner");
            manager["route_config"] = json!({"name": "inner", "virtual_hosts": [{"name": "feed", "domains": ["*"], "routes": [
                {"match": {"prefix": "/other"}, "route": {"cluster": "upstream", "timeout": "1s"}},
                {"match": {"path_separated_prefix": "/feeds/prod"}, "route": {"cluster": "upstream"}}]}]});
            assert!(address.is_object());
            let kind = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
            manager["@type"] = json!(kind);
            all["static_resources"]["listeners"]
                .as_array_mut()
                .unwrap()
                .push(json!({"name": "inner", "internal_listener": {},
                "filter_chains": [{"filters": [{"name": "hcm", "typed_config": manager}]}]}));
            all["bootstrap_extensions"] = json!([{"name": "internal", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener"}}]);
        },
        &[("FAIL", "listeners"), ("warn", "feed")],
        "a route to the feed ends calls after 15 s, and they may take 17 s",
    );
}

#[test]
fn too_little_room_for_every_vm() {
    // Two workers and the main thread.
    assert_found(
        |all| {
            cluster(all)["circuit_breakers"] =
                json!({"thresholds": [{"max_connections": 23, "max_requests": 24}]});
        },
        FEED,
        "its circuit breaker has `max_connections` 23, and 3 VMs may need 24",
    );
}

#[test]
fn a_feed_without_an_age_is_refused_and_both_commands_say_why() {
    let mut configuration = feed::configuration();
    let why = "feed: a feed needs `max_snapshot_age`";
    configuration
        .as_object_mut()
        .unwrap()
        .remove("max_snapshot_age");
    let text = configuration.to_string();
    let checked = keyward(&["snapshot", "check", "-"], text.as_bytes());
    assert_eq!(checked.status.code(), Some(4));
    let said = String::from_utf8(checked.stderr).unwrap();
    assert!(said.contains(why), "{said}");
    let envoy = builder().start();
    let mut dump: Value = serde_json::from_slice(&envoy.admin("GET", "/config_dump").body).unwrap();
    let replaced = replace(&mut dump, &text);
    assert!(replaced > 0);
    let saved = keyward(&["doctor", "--dump", "-"], dump.to_string().as_bytes());
    let saved = Diagnosis::read(&saved);
    saved.assert_found(&[("warn", "configuration")]);
    assert!(saved.text.contains(why), "{}", saved.text);
    // A configuration with a feed but without a snapshot is good.
    let good = feed::configuration().to_string();
    let checked = keyward(&["snapshot", "check", "-"], good.as_bytes());
    let said = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(0), "{said}");
    assert!(
        said.contains("it follows the feed `prod` through the cluster `keyward_feed`"),
        "{said}"
    );
}

/// Replaces every configuration that keyward received.
fn replace(value: &mut Value, text: &str) -> usize {
    match value {
        Value::Object(members) => {
            let is_ours = members
                .get("value")
                .and_then(Value::as_str)
                .is_some_and(|it| it.contains("keyward.snapshot/v1"));
            if is_ours {
                members.insert("value".into(), json!(text));
                return 1;
            }
            members.values_mut().map(|value| replace(value, text)).sum()
        }
        Value::Array(items) => items.iter_mut().map(|item| replace(item, text)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}
