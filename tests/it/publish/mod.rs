//! From `keyward publish` to every worker of a real Envoy: through `keyward feed serve`, which
//! answers as soon as there is a new head, and through nginx, which Envoy polls.

#[cfg(feature = "object-store")]
mod bucket;
mod killed;
mod token;

use std::fs;
use std::net::SocketAddr;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::fail_closed::{ALICE, BOB, ask, snapshot};
use crate::feed::everywhere;
use crate::support::feed::{CLUSTER, cluster, configuration};
use crate::support::find;
use crate::support::process::Guarded;
use crate::support::publishing::{Nginx, Press, Served};
use crate::support::{BOUND, Envoy, eventually};

/// A configuration that is published.
pub fn published(keys: &[&str]) -> Value {
    json!({"max_snapshot_age": 86400, "snapshot": snapshot(1, keys)})
}

/// Starts an Envoy with three workers that follows the feed at an address.
fn following(press: &Press, path: &str, address: SocketAddr) -> Envoy {
    let mut configuration = configuration();
    configuration["feed"]["path"] = json!(path);
    configuration["feed"]["public_keys"] = json!([press.public_key]);
    Envoy::builder()
        .config(configuration.to_string())
        .concurrency(3)
        .edit(move |bootstrap| {
            let clusters = &mut bootstrap["static_resources"]["clusters"];
            let clusters = clusters.as_array_mut().unwrap();
            clusters.push(cluster(CLUSTER, address));
        })
        .start()
}

/// Adds and removes keys. Each change reaches every worker.
#[track_caller]
fn follows(press: &Press, envoy: &Envoy) {
    everywhere(envoy, ALICE, 200);
    everywhere(envoy, BOB, 200);
    for round in 0..3 {
        let mut state = published(&[ALICE, BOB]);
        state["snapshot"]["keys"][0]["status"] = json!("deleted");
        press.write(&state);
        let more: &[&str] = if round == 1 { &["--new-base"] } else { &[] };
        press.published(more);
        everywhere(envoy, ALICE, 401);
        everywhere(envoy, BOB, 200);
        press.write(&published(&[ALICE, BOB]));
        press.published(&[]);
        everywhere(envoy, ALICE, 200);
    }
    let revision = press.present().head.revision.number();
    envoy.on_every_worker("the same revision", BOUND, |connection| {
        (ask(connection, ALICE).status == 200).then_some(())
    });
    assert_eq!(envoy.stat("wasmcustom.keyward_snapshot_revision"), revision);
}

pub fn begun(name: &str) -> Press {
    let press = Press::new(name);
    press.write(&published(&[ALICE, BOB]));
    press.published(&["--begin"]);
    press
}

#[test]
fn a_revocation_reaches_every_worker_by_long_poll() {
    let press = begun("it-serve");
    let served = Served::start(&press, &["--path", "/feeds/prod"]);
    let envoy = following(&press, "/feeds/prod", served.address);
    follows(&press, &envoy);
}

#[test]
fn a_revocation_reaches_every_worker_by_polling_nginx() {
    let press = begun("it-nginx");
    let Some(nginx) = Nginx::start(&press) else {
        return;
    };
    let envoy = as_shipped(&press, nginx.address);
    follows(&press, &envoy);
}

/// Starts an Envoy with `envoy/feed`: its clusters merged into the bootstrap, and its configuration
/// with the address and the key of this feed.
fn as_shipped(press: &Press, address: SocketAddr) -> Envoy {
    let read = |name: &str| {
        let text = fs::read_to_string(find::root().join("envoy/feed").join(name)).unwrap();
        serde_norway::from_str::<Value>(&text).unwrap()
    };
    let mut clusters = read("clusters.yaml");
    let endpoint = "/static_resources/clusters/0/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address/port_value";
    *clusters.pointer_mut(endpoint).unwrap() = json!(address.port());
    let resource = read("keyward.yaml");
    let value = &resource["resources"][0]["typed_config"]["config"]["configuration"]["value"];
    let mut configuration: Value = serde_json::from_str(value.as_str().unwrap()).unwrap();
    configuration["feed"]["public_keys"] = json!([press.public_key]);
    // The default is longer than a test can wait.
    configuration["feed"]["interval"] = json!(1);
    Envoy::builder()
        .config(configuration.to_string())
        .concurrency(3)
        .arguments(&["--config-yaml", &clusters.to_string()])
        .start()
}

/// Returns what `keyward publish --watch` writes for the textfile collector.
pub fn metrics_page() -> String {
    let press = begun("it-metrics");
    let prom = press.path("publish.prom");
    let arguments = ["--watch", "--metrics-file", "publish.prom"];
    let mut watch = press.command(&press.arguments(&arguments));
    let _watcher = Guarded::spawn(watch.stdout(Stdio::null())).unwrap();
    eventually("it has written its metrics", BOUND, || {
        let page = fs::read_to_string(&prom).ok()?;
        let revision = "keyward_publish_revision{feed=\"prod\"} ";
        let (_, after) = page.split_once(revision)?;
        (!after.starts_with('0')).then_some(page)
    })
}
