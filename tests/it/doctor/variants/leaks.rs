//! A key, a query, or text from a client leaks into a log, a span or a tap.

use super::*;

#[test]
fn operators_that_show_a_key_or_a_query() {
    const FAILS: &[(&str, &str)] = &[("FAIL", "access-log")];
    const WARNS: &[(&str, &str)] = &[("warn", "access-log")];
    const GOOD: &[(&str, &str)] = &[];
    let coalesce = |name: &str| {
        format!(
            "%COALESCE({{\"operators\": [\"PROTOCOL\", {{\"command\": \"REQ\", \"param\": \"{name}\"}}]}})%"
        )
    };
    let table = [
        ("%REQ(X?AUTHORIZATION)%".to_owned(), FAILS),
        ("%REQUEST_HEADER(Authorization)%".to_owned(), FAILS),
        ("%STREAM_INFO_REQ(X?authorization):4%".to_owned(), FAILS),
        ("Key: %REQ(authorization)%, 100%%".to_owned(), FAILS),
        ("%CEL(request.headers['authorization'])%".to_owned(), FAILS),
        (
            "%TYPED_CEL(request.headers[\"Authorization\"])%".to_owned(),
            FAILS,
        ),
        ("%TYPED_CEL(request.headers)%".to_owned(), FAILS),
        (coalesce("authorization"), FAILS),
        ("%REQ(X?:PATH)%".to_owned(), WARNS),
        ("%REQUEST_HEADER(X?:path)%".to_owned(), WARNS),
        ("%QUERY_PARAM(key)%".to_owned(), WARNS),
        ("%QUERY_PARAMS(ORIG)%".to_owned(), WARNS),
        ("%PATH%".to_owned(), WARNS),
        ("%CEL(request.path)%".to_owned(), WARNS),
        ("%CEL(request.query)%".to_owned(), WARNS),
        (coalesce(":path"), WARNS),
        ("%REQ(Referer)%".to_owned(), WARNS),
        ("%REQ(Cookie)%".to_owned(), WARNS),
        // Formats that the doctor cannot judge.
        (
            "%CEL(request.headers['auth' + 'orization'])%".to_owned(),
            WARNS,
        ),
        (
            "%CEL('authorization' in request.headers)%".to_owned(),
            WARNS,
        ),
        ("%DYNAMIC_METADATA(some.filter:key)%".to_owned(), WARNS),
        ("%METADATA(DYNAMIC:some.filter:key)%".to_owned(), WARNS),
        ("%FILTER_STATE(another:PLAIN)%".to_owned(), WARNS),
        // Formats that show neither.
        ("%CEL(request.url_path)%".to_owned(), GOOD),
        ("%CEL(response.code)%".to_owned(), GOOD),
        ("%PATH(NQ:PATH)%".to_owned(), GOOD),
        ("%REQ(USER-AGENT):20% %RESPONSE_CODE%%%".to_owned(), GOOD),
        ("%METADATA(ROUTE:some.filter:key)%".to_owned(), GOOD),
        (
            "%STREAM_ID% %UNIQUE_ID% %UPSTREAM_HOST% %START_TIME(%s.%3f)%".to_owned(),
            GOOD,
        ),
    ];
    // One Envoy with a logger for each format. The finding names the logger.
    let formats: Vec<String> = table.iter().map(|(format, _)| format.clone()).collect();
    let envoy = builder()
        .edit(move |all| {
            let loggers = at(hcm(all), "/access_log").as_array_mut().unwrap();
            let first = loggers[0].clone();
            for (index, format) in formats.iter().enumerate() {
                let mut logger = first.clone();
                logger["name"] = json!(format!("log {index}"));
                logger["typed_config"]["log_format"] =
                    json!({"json_format": {"nested": {"list": [format]}}});
                loggers.push(logger);
            }
        })
        .start();
    let diagnosis = Diagnosis::of(&envoy, &["--strict"]);
    for (index, (format, expected)) in table.into_iter().enumerate() {
        let place = format!("at listener `gateway`, `log {index}`");
        let lines = diagnosis.text.lines().filter(|line| line.ends_with(&place));
        let found: Vec<_> = lines
            .map(|line| line.split_once(" at ").unwrap().0.split_once("  ").unwrap())
            .collect();
        assert_eq!(found, expected, "{format}: {}", diagnosis.text);
    }
    assert_eq!(diagnosis.code, Some(1));
}

#[test]
fn loggers_that_show_them_otherwise() {
    const WARNS: &[(&str, &str)] = &[("warn", "access-log")];
    let replaced = |format: Value| {
        move |all: &mut Value| at(hcm(all), "/access_log/0/typed_config")["log_format"] = format
    };
    let state = "%FILTER_STATE(wasm.keyward:PLAIN)%";
    let formatter = json!({"name": "envoy.formatter.req_without_query", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery"}});
    assert_all(vec![
        variant(
            "a text",
            &[("FAIL", "access-log")],
            replaced(
                json!({"text_format_source": {"inline_string": format!("{state} %REQ(X?authorization)%\n")}}),
            ),
        ),
        variant(
            "a text that is good",
            &[],
            replaced(
                json!({"text_format_source": {"inline_string": format!("{state} %PATH(NQ:PATH)%\n")}}),
            ),
        ),
        variant("a text in a file", WARNS, |all| {
            let folder = Folder::new("format");
            let path = folder.path().join("format.txt");
            std::fs::write(&path, "%REQ(authorization)%\n").unwrap();
            std::mem::forget(folder);
            at(hcm(all), "/access_log/0/typed_config")["log_format"] =
                json!({"text_format_source": {"filename": path}});
        }),
        variant(
            "a custom formatter",
            &[("FAIL", "access-log")],
            replaced(json!({
            "text_format_source": {"inline_string": "%REQ_WITHOUT_QUERY(X?authorization)%\n"}, "formatters": [formatter]})),
        ),
        variant("the router's own log", &[("FAIL", "access-log")], |all| {
            let mut logger = at(hcm(all), "/access_log/0").clone();
            logger["typed_config"]["log_format"] =
                json!({"text_format_source": {"inline_string": "%REQ(authorization)%\n"}});
            at(chain(all).last_mut().unwrap(), "/typed_config")["upstream_log"] = json!([logger]);
        }),
    ]);
}

#[test]
fn what_a_client_writes_into_a_log() {
    const WARNS: &[(&str, &str)] = &[("warn", "access-log")];
    let inside = |all: &mut Value| {
        let manager = hcm(all).as_object_mut().unwrap();
        manager.remove("early_header_mutation_extensions").unwrap();
        hcm(all)["internal_address_config"] =
            json!({"cidr_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}]});
        at(
            hcm(all),
            "/access_log/0/typed_config/log_format/json_format",
        )["path"] = json!("%PATH(NQ:ORIG_OR_PATH)%");
    };
    assert_all(vec![
        variant("a path, from inside", WARNS, inside),
        variant("a path, from inside, taken off", &[], move |all| {
            inside(all);
            let kind = "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation";
            hcm(all)["early_header_mutation_extensions"] = json!([{"name": "early", "typed_config": {
                "@type": kind, "mutations": [{"remove": "x-envoy-original-path"}]}}]);
        }),
        variant("a request id", WARNS, |all| {
            hcm(all)["preserve_external_request_id"] = json!(true);
            at(
                hcm(all),
                "/access_log/0/typed_config/log_format/json_format",
            )["request_id"] = json!("%REQ(X-REQUEST-ID)%");
        }),
    ]);
}

#[test]
fn spans_and_taps() {
    let tracing = |tags: Value| {
        move |all: &mut Value| {
            let provider = json!({"name": "zipkin", "typed_config": {"@type": "type.googleapis.com/envoy.config.trace.v3.ZipkinConfig",
                "collector_cluster": "upstream", "collector_endpoint": "/api/v2/spans", "collector_endpoint_version": "HTTP_JSON"}});
            hcm(all)["tracing"] = json!({"provider": provider, "custom_tags": tags});
        }
    };
    let tap = || {
        json!({"static_config": {"match": {"any_match": true},
        "output_config": {"sinks": [{"file_per_tap": {"path_prefix": "tapped"}}]}}})
    };
    assert_all(vec![
        variant("spans", &[("warn", "tracing")], tracing(json!([]))),
        variant(
            "spans with a key",
            &[("FAIL", "tracing"), ("warn", "tracing")],
            tracing(json!([{"tag": "key", "request_header": {"name": "Authorization"}}])),
        ),
        variant(
            "spans with a key, by a format",
            &[("FAIL", "tracing"), ("warn", "tracing")],
            tracing(json!([{"tag": "key", "value": "%REQ(X?authorization)%"}])),
        ),
        variant("tracing without a receiver", &[], |all| {
            hcm(all)["tracing"] = json!({})
        }),
        variant(
            "a tap",
            &[("FAIL", "tap")],
            insert(
                BEFORE,
                filter("tap.v3.Tap", json!({"common_config": tap()})),
            ),
        ),
        variant(
            "a tap by the admin interface",
            &[("warn", "tap")],
            insert(
                BEFORE,
                filter(
                    "tap.v3.Tap",
                    json!({"common_config": {"admin_config": {"config_id": "x"}}}),
                ),
            ),
        ),
        variant(
            "a tap on the connection to the upstream",
            &[("FAIL", "tap")],
            move |all| {
                let raw = json!({"name": "raw", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"}});
                cluster(all)["transport_socket"] = json!({"name": "envoy.transport_sockets.tap", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tap.v3.Tap", "common_config": tap(), "transport_socket": raw}});
            },
        ),
    ]);
}

#[test]
fn envoys_own_log() {
    let envoy = builder().start();
    for (logger, level, expected) in [
        ("http", "debug", &[("FAIL", "log-level")][..]),
        ("http", "trace", &[("FAIL", "log-level")]),
        ("http", "info", &[]),
        ("rbac", "debug", &[("FAIL", "log-level")]),
        ("rbac", "warning", &[]),
        ("kafka", "debug", &[("warn", "log-level")]),
        ("kafka", "error", &[]),
    ] {
        let set = envoy.admin("POST", &format!("/logging?{logger}={level}"));
        assert_eq!(set.status, 200);
        Diagnosis::of(&envoy, &[]).assert_found(expected);
    }
}
