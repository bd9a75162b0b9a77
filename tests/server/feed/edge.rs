//! An Envoy that follows the server's feed, and the settings that give a server a feed.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use keyward_files::feed::SigningKey;
use keyward_files::randomness::SystemRandomness;
use keyward_harness::clock::Clock;
use keyward_harness::http::Connection;
use keyward_harness::{BOUND, Envoy};
use serde_json::{Value, json};

/// The cluster of the feed.
const CLUSTER: &str = "keyward_feed";

/// Makes a signing key in a file, and returns its public line.
pub(super) fn signing_key(file: &Path) -> String {
    let key = SigningKey::new(&mut SystemRandomness).unwrap();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .unwrap();
    file.write_all(key.secret_text().as_bytes()).unwrap();
    key.public_key()
}

/// Gives a server a feed, with more settings.
pub(crate) fn feed(data: &Path, more: &str) {
    let public_key = signing_key(&data.join("feed.sec"));
    let path = data.join("keyward-server.toml");
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("\n[feed]\nname = \"prod\"\nsigning_key = \"feed.sec\"\n");
    text.push_str(more);
    fs::write(path, text).unwrap();
    // Next to the Envoys' files, which the tests read.
    fs::write(data.join("feed.pub"), public_key).unwrap();
}

pub(super) struct Edge {
    pub(super) envoy: Envoy,
}

impl Edge {
    /// Starts two workers that poll `source` with a gateway's key.
    pub(super) fn start(name: &str, key: &str, source: SocketAddr, data: &Path) -> Self {
        let public_key = fs::read_to_string(data.join("feed.pub")).unwrap();
        Self::trusting(name, key, &[source], &[&public_key])
    }

    /// The same with several sources, each for the time when those before it do not answer, and with these public keys.
    pub(super) fn trusting(
        name: &str,
        key: &str,
        sources: &[SocketAddr],
        public_keys: &[&str],
    ) -> Self {
        let configuration = configuration(public_keys);
        Self::following(name, key, configuration, cluster(&addresses(sources)), &[])
    }

    /// One that denies once its head is so many seconds old, by a clock that the test sets.
    pub(super) fn aging(
        name: &str,
        key: &str,
        source: SocketAddr,
        data: &Path,
        age: u64,
        clock: &Clock,
    ) -> Self {
        let public_key = fs::read_to_string(data.join("feed.pub")).unwrap();
        let mut configuration = configuration(&[&public_key]);
        configuration["max_snapshot_age"] = json!(age);
        let cluster = cluster(&addresses(&[source]));
        Self::following(name, key, configuration, cluster, &clock.environment())
    }

    /// The same by the server's socket, without a key.
    pub(super) fn on_socket(name: &str, socket: &Path, data: &Path) -> Self {
        let public_key = fs::read_to_string(data.join("feed.pub")).unwrap();
        let configuration = configuration(&[&public_key]);
        let mut cluster = cluster(&[json!({"pipe": {"path": socket}})]);
        let options = cluster.as_object_mut().unwrap();
        options.remove("typed_extension_protocol_options");
        Self::following(name, "unused", configuration, cluster, &[])
    }

    fn following(
        name: &str,
        key: &str,
        configuration: Value,
        cluster: Value,
        environment: &[(&'static str, PathBuf)],
    ) -> Self {
        let name = name.to_owned();
        let secret = json!({
            "name": "feed_key", "generic_secret": {"secret": {"inline_string": key}},
        });
        let mut builder = Envoy::builder();
        for (variable, value) in environment {
            builder = builder.environment(variable, value);
        }
        let envoy = builder
            .config(configuration.to_string())
            .concurrency(2)
            .edit(move |bootstrap| {
                bootstrap["node"]["id"] = json!(name);
                let clusters = &mut bootstrap["static_resources"]["clusters"];
                clusters.as_array_mut().unwrap().push(cluster);
                bootstrap["static_resources"]["secrets"] = json!([secret]);
            })
            .start();
        Self { envoy }
    }
}

impl Edge {
    /// Waits until every worker answers with this status.
    #[track_caller]
    pub(super) fn comes_to(&self, key: &str, expected: u16) {
        let what = format!("every worker answers {expected}");
        self.envoy.on_every_worker(&what, BOUND, |connection| {
            (ask(connection, key) == expected).then_some(())
        });
    }
}

/// Returns the status of a connection's worker for a key.
pub(super) fn ask(connection: &mut Connection, key: &str) -> u16 {
    let authorization = format!("Bearer {key}");
    let headers = [("authorization", authorization.as_str())];
    connection
        .request("GET", "/v1/customers", &headers, b"")
        .status
}

fn configuration(public_keys: &[&str]) -> Value {
    json!({
        "max_snapshot_age": 86_400,
        "feed": {
            "name": "prod", "cluster": CLUSTER, "authority": "feed.test", "path": "/feed/edge",
            "public_keys": public_keys, "interval": 1,
        },
    })
}

fn addresses(sources: &[SocketAddr]) -> Vec<Value> {
    let address = |source: &SocketAddr| json!({"socket_address": {"address": source.ip().to_string(), "port_value": source.port()}});
    sources.iter().map(address).collect()
}

/// The cluster of the sources. Envoy itself adds the gateway's key to the polls.
fn cluster(sources: &[Value]) -> Value {
    let endpoints: Vec<Value> = sources
        .iter()
        .enumerate()
        .map(|(priority, address)| {
            json!({"priority": priority, "lb_endpoints": [{"endpoint": {"address": address}}]})
        })
        .collect();
    let kind = |name: &str| format!("type.googleapis.com/envoy.extensions.{name}");
    let injector = json!({
        "@type": kind("filters.http.credential_injector.v3.CredentialInjector"),
        "overwrite": true,
        "credential": {
            "name": "envoy.http.injected_credentials.generic",
            "typed_config": {
                "@type": kind("http.injected_credentials.generic.v3.Generic"),
                "header": "authorization", "header_value_prefix": "Bearer ",
                "credential": {"name": "feed_key"},
            },
        },
    });
    let codec = json!({"@type": kind("filters.http.upstream_codec.v3.UpstreamCodec")});
    json!({
        "name": CLUSTER, "type": "STATIC", "connect_timeout": "1s",
        "load_assignment": {"cluster_name": CLUSTER, "endpoints": endpoints},
        // As docs/feed.md shows it: one answer of 5xx, or none, sends the next poll to the source after it.
        "outlier_detection": {
            "consecutive_5xx": 1, "interval": "1s", "base_ejection_time": "5s", "max_ejection_time": "30s", "max_ejection_percent": 100,
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": kind("upstreams.http.v3.HttpProtocolOptions"),
                "explicit_http_config": {"http_protocol_options": {}},
                "http_filters": [
                    {"name": "envoy.filters.http.credential_injector", "typed_config": injector},
                    {"name": "envoy.filters.http.upstream_codec", "typed_config": codec},
                ],
            },
        },
    })
}
