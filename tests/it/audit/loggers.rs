//! A real Envoy accepts the loggers under `envoy/access-log`. The file is the log that the commands
//! read, and the records sent to a collector have the same members. None of them contains a query
//! or a key.

use std::fs;

use serde_json::{Value, json};

use super::collector::Collector;
use super::world::{Sent, desk, gateway, lines, load, play};
use crate::support::bootstrap::{GATEWAY, at, hcm, read};
use crate::support::builder::Builder;
use crate::support::find::root;
use crate::support::key_file::Folder;
use crate::support::{BOUND, Envoy, eventually};

fn fragment(name: &str) -> Value {
    read(&format!("envoy/access-log/{name}"))
}

/// Inserts a fragment at the place that its first lines name.
fn with(builder: Builder, name: &str, port: u16) -> Builder {
    let fragment = fragment(name);
    builder.edit(move |bootstrap| {
        let access_log = fragment["access_log"].clone();
        // Next to the log that the tests wait for.
        let all = at(hcm(bootstrap), "/access_log").as_array_mut().unwrap();
        all.extend(access_log.as_array().unwrap().iter().cloned());
        let Some(clusters) = fragment["clusters"].as_array() else { return };
        let mut cluster = clusters[0].clone();
        let place = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address/port_value";
        *at(&mut cluster, place) = json!(port);
        at(bootstrap, "/static_resources/clusters")
            .as_array_mut()
            .unwrap()
            .push(cluster);
    })
}

fn keyed() -> Sent {
    let key = "/v1/customers/sk_test_FAKE-in-a-path-01";
    let mut sent = load()[0].clone();
    sent.path = key;
    sent
}

/// Asserts that a client cannot put secrets into a log, in any format.
fn assert_told_nothing(told: &str, of: &str) {
    for secret in [
        "ann@example.com",
        "email=",
        "FAKE-in-a-path",
        "FAKE-billing",
        "sk_test_",
        "sk_org_test_",
    ] {
        assert!(!told.contains(secret), "{of} holds `{secret}`");
    }
}

#[test]
fn a_file_is_the_same_log() {
    let desk = desk("file");
    let envoy = gateway(&desk, |builder| with(builder, "file.yaml", 0));
    let load = [load(), vec![keyed()]].concat();
    play(&envoy, &load);
    let file = envoy.directory().join("access.log.keyward");
    let text = eventually("the file has every line", BOUND, || {
        let text = fs::read_to_string(&file).ok()?;
        (text.lines().count() == load.len()).then_some(text)
    });
    assert_told_nothing(&text, "the file");
    let shown = |file: &std::path::Path| {
        let mut arguments = vec!["logs", "--json"];
        let file = file.display().to_string();
        arguments.push(&file);
        lines(&desk.good(&arguments))
    };
    let of_file = shown(&file);
    assert_eq!(of_file, shown(&envoy.directory().join("access.log")));
    assert_eq!(of_file.last().unwrap()["path"], "a key stands in it");
}

#[test]
fn a_collector_of_opentelemetry_gets_every_request() {
    let collector = Collector::start();
    let desk = desk("otel");
    let envoy = gateway(&desk, |builder| {
        with(builder, "open-telemetry.yaml", collector.port())
    });
    assert_collected(&collector, &envoy);
}

#[test]
fn a_grpc_access_log_service_gets_every_request() {
    let collector = Collector::start();
    let desk = desk("grpc");
    let envoy = gateway(&desk, |builder| {
        with(builder, "grpc.yaml", collector.port())
    });
    assert_collected(&collector, &envoy);
}

#[track_caller]
fn assert_collected(collector: &Collector, envoy: &Envoy) {
    let load = [load(), vec![keyed()]].concat();
    play(envoy, &load);
    // Values that occur once in each record: those of some key, each path, and both loggers of the
    // pair.
    let id = |id: &str| load.iter().filter(|sent| sent.known() == Some(id)).count();
    // Each logger sends separately, when its buffer is full or a second has passed.
    collector.expect("start_time", load.len());
    let times = collector.count("mk_org") / id("mk_org");
    assert!(times > 0, "no verdict was collected");
    for key in ["mk_org", "mk_billing", "mk_admin"] {
        collector.expect(key, id(key) * times);
    }
    collector.expect("/v1/products", 2);
    collector.expect("a key stands in it", 1);
    let received = collector.all();
    assert_told_nothing(&received, "what was sent");
    let admin = format!("http://{}", envoy.admin_address());
    let diagnosis = Folder::empty("audit-doctor").run(&["doctor", "--admin", &admin]);
    let diagnosis = String::from_utf8(diagnosis.stdout).unwrap();
    let warned = diagnosis.contains("with their queries") || diagnosis.contains("no log shows");
    assert!(!warned, "{diagnosis}");
}

/// The bootstrap, the file and both collectors log the same list of members.
#[test]
fn every_logger_has_the_same_members() {
    let members = |format: &Value| -> Vec<String> {
        let mut names: Vec<String> = format.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    };
    let mut bootstrap = read(GATEWAY);
    let loggers = at(hcm(&mut bootstrap), "/access_log").clone();
    let expected = members(&loggers[0]["typed_config"]["log_format"]["json_format"]);
    for logger in [&loggers, &fragment("file.yaml")["access_log"]] {
        for one in logger.as_array().unwrap() {
            assert_eq!(
                members(&one["typed_config"]["log_format"]["json_format"]),
                expected
            );
        }
    }
    // The page lists exactly these members.
    let page = fs::read_to_string(root().join("docs/logs.md")).unwrap();
    let (table, _) = page.split_once("`keyward` is `allow`").unwrap();
    let cells = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let names = cells.flat_map(|cell| {
        cell.split(", ")
            .map(|name| name.trim_matches('`').to_owned())
    });
    let mut described: Vec<String> = names.collect();
    described.sort();
    assert_eq!(described, expected);
    let listed = |list: &Value, name: &str| -> Vec<String> {
        let all = list.as_array().unwrap().iter();
        let mut names: Vec<String> = all
            .map(|one| one[name].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    for logger in fragment("open-telemetry.yaml")["access_log"]
        .as_array()
        .unwrap()
    {
        assert_eq!(
            listed(&logger["typed_config"]["attributes"]["values"], "key"),
            expected
        );
    }
    for logger in fragment("grpc.yaml")["access_log"].as_array().unwrap() {
        assert_eq!(
            listed(
                &logger["typed_config"]["common_config"]["custom_tags"],
                "tag"
            ),
            expected
        );
    }
}
