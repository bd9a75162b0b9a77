//! `envoy/egress.yaml`, the gateway from an operator's services to Stripe: a real Envoy with TLS to
//! a stand-in for the API, with a certificate made for the run. Requests that reach the stand-in
//! contain the real key, and never one of the services' keys.

mod calls;
mod failures;
mod sdks;
mod tricks;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use keyward::digest::KeyDigest;
use serde_json::{Value, json};

use crate::sdk::script::Server;
use crate::support::bootstrap::{at, cluster, read};
use crate::support::builder::Builder;
use crate::support::http::Response;
use crate::support::pool::{Lent, Pool};
use crate::support::process::Folder;
use crate::support::upstream::Seen;
use crate::support::{BOUND, Envoy, Upstream, eventually};

const BOOTSTRAP: &str = "envoy/egress.yaml";
const MODES: [&str; 2] = ["test", "live"];
/// The clusters, with their modes and hosts.
const CLUSTERS: [(&str, &str, &str); 4] = [
    ("stripe_test", "test", "api.stripe.com"),
    ("stripe_live", "live", "api.stripe.com"),
    ("stripe_test_files", "test", "files.stripe.com"),
    ("stripe_live_files", "live", "files.stripe.com"),
];
const OWN: &str = "acct_FAKE-own";

/// Returns the key that a service uses in this mode.
fn service(mode: &str) -> String {
    format!("rk_{mode}_FAKE-billing-0001")
}

/// Returns the key that Stripe would accept.
fn stripes(mode: &str) -> String {
    format!("sk_{mode}_FAKE-of-stripe-0001")
}

/// Returns the settings of the shipped ECDS file, with a snapshot that contains the services' keys
/// and others.
fn configuration(settings: &Value) -> String {
    let shipped = read("envoy/egress/keyward.yaml");
    let text = &shipped["resources"][0]["typed_config"]["config"]["configuration"]["value"];
    let mut configuration: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    let members = configuration.as_object_mut().unwrap();
    members.extend(settings.as_object().unwrap().clone());
    members.insert("snapshot".into(), snapshot());
    configuration.to_string()
}

fn snapshot() -> Value {
    let key = |key: String, kind: &str, more: Value| {
        let mut record = json!({"id": key.replace("_FAKE-", "-"), "sha256": KeyDigest::of(key.as_bytes()).to_string(), "kind": kind,
            "livemode": key.contains("_live_"), "owner": OWN});
        record["id"] = json!(format!(
            "mk_{}",
            record["id"].as_str().unwrap().get(3..).unwrap()
        ));
        let members = record.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        record
    };
    let grants = json!({"grants": {"customer": "read", "charge": "write", "balance": "read"}, "connect_grants": {"customer": "read"}});
    let mut keys: Vec<Value> = MODES
        .iter()
        .map(|mode| key(service(mode), "restricted", grants.clone()))
        .collect();
    let mut shadow = grants.clone();
    shadow["enforcement"] = json!("shadow");
    let mut dead = grants;
    dead["status"] = json!("deleted");
    keys.push(key("rk_test_FAKE-shadow-0001".into(), "restricted", shadow));
    keys.push(key("rk_test_FAKE-dead-0001".into(), "restricted", dead));
    keys.push(key("sk_test_FAKE-all-0001".into(), "secret", json!({})));
    keys.push(key(
        "pk_test_FAKE-page-0001".into(),
        "publishable",
        json!({}),
    ));
    let mut organization = key("sk_org_FAKE-org-0001".into(), "organization", json!({}));
    organization["owner"] = json!("org_FAKE-1");
    keys.push(organization);
    json!({"format": "keyward.snapshot/v1", "revision": 1, "issued_at": 1_795_194_529,
        "accounts": [{"id": "org_FAKE-1"}, {"id": OWN, "parent": "org_FAKE-1", "children": "any"}],
        "endpoints": [{"method": "GET", "path": "/healthz", "auth": "none"}], "keys": keys})
}

/// The gateway, and the stand-in for Stripe.
struct Egress {
    envoy: Envoy,
    front: Server,
    secrets: Folder,
}

/// The shipped gateway in front of an upstream that echoes the request.
struct Shipped {
    egress: Egress,
    upstream: Upstream,
}

impl Shipped {
    /// Returns a gateway for a test that only sends requests.
    fn lent() -> Option<Lent<Self>> {
        static POOL: Pool<Shipped> = Pool::new();
        let lent = POOL.try_take(String::new(), || {
            let upstream = Upstream::start();
            let egress = Egress::to(&upstream)?;
            Some(Self { egress, upstream })
        })?;
        if lent.is_used() {
            lent.egress.envoy.turn_the_page();
            lent.upstream.forget();
        }
        Some(lent)
    }
}

impl Egress {
    /// Starts it with a good certificate. Returns `None` if the machine has no Python for that.
    fn to(upstream: &Upstream) -> Option<Self> {
        Self::build(upstream.address(), &json!({}), |builder| builder)
    }

    /// Starts it with a changed plan for `tests/sdk/python/tls_front.py`: `fault` replaces its
    /// members.
    fn build(
        target: SocketAddr,
        fault: &Value,
        change: impl FnOnce(Builder) -> Builder,
    ) -> Option<Self> {
        let secrets = Folder::new("egress");
        let ca = secrets.path().join("ca.pem");
        let mut plan = json!({"target": target.port(), "names": ["api.stripe.com", "files.stripe.com"], "ca": ca, "fault": null});
        let members = plan.as_object_mut().unwrap();
        members.extend(fault.as_object().unwrap().clone());
        let front = Server::start("tls_front", &plan)?;
        for mode in MODES {
            fs::write(
                secrets.path().join(format!("stripe_{mode}.key")),
                stripes(mode),
            )
            .unwrap();
            write_secret(secrets.path(), mode);
        }
        let (address, folder) = (front.address, secrets.path().to_owned());
        let builder = Envoy::builder()
            .bootstrap(BOOTSTRAP)
            .config(configuration(&json!({})))
            .edit(move |bootstrap| relocate(bootstrap, address, &folder));
        let envoy = change(builder).start();
        Some(Self {
            envoy,
            front,
            secrets,
        })
    }

    #[track_caller]
    fn call(&self, key: &str, method: &str, path: &str, more: &[(&str, &str)]) -> Response {
        let authorization = format!("Bearer {key}");
        let headers = [&[("authorization", authorization.as_str())], more].concat();
        self.envoy.request(method, path, &headers, b"")
    }
}

/// Makes the changes to the shipped gateway: the address of `api.stripe.com`, its certificate
/// authority, and the place of the keys.
fn relocate(bootstrap: &mut Value, front: SocketAddr, folder: &Path) {
    let all = at(bootstrap, "/static_resources/clusters")
        .as_array()
        .unwrap()
        .len();
    assert_eq!(all, CLUSTERS.len());
    for (name, mode, host) in CLUSTERS {
        let cluster = cluster(bootstrap, name);
        assert_eq!(cluster["type"], "LOGICAL_DNS");
        *at(cluster, "/type") = json!("STATIC");
        let endpoint = at(
            cluster,
            "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address",
        );
        assert_eq!(*endpoint, json!({"address": host, "port_value": 443}));
        *endpoint = json!({"address": front.ip(), "port_value": front.port()});
        let tls = at(cluster, "/transport_socket/typed_config/common_tls_context");
        *at(tls, "/validation_context/trusted_ca/filename") = json!(folder.join("ca.pem"));
        let source = at(
            injector(cluster),
            "/credential/typed_config/credential/sds_config/path_config_source",
        );
        *at(source, "/path") = json!(folder.join(format!("stripe_{mode}.yaml")));
        *at(source, "/watched_directory/path") = json!(folder);
    }
}

/// Returns the injector of a cluster, which is its first filter.
fn injector(cluster: &mut Value) -> &mut Value {
    let filters = http_filters(cluster);
    assert_eq!(filters[0]["name"], "envoy.filters.http.credential_injector");
    at(&mut filters[0], "/typed_config")
}

fn http_filters(cluster: &mut Value) -> &mut Vec<Value> {
    let options = at(cluster, "/typed_extension_protocol_options");
    let options = &mut options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"];
    at(options, "/http_filters").as_array_mut().unwrap()
}

/// Writes the shipped file for the secret with this folder's key, and renames it into place, as its
/// comment asks operators to do.
fn write_secret(folder: &Path, mode: &str) {
    let mut secret = read(&format!("envoy/egress/stripe_{mode}.yaml"));
    let key = folder.join(format!("stripe_{mode}.key"));
    *at(&mut secret, "/resources/0/generic_secret/secret/filename") = json!(key);
    let aside = folder.join("aside");
    fs::write(&aside, secret.to_string()).unwrap();
    fs::rename(aside, folder.join(format!("stripe_{mode}.yaml"))).unwrap();
}

/// Asserts that the request contains the real key of this mode and nothing of the service's.
#[track_caller]
fn assert_real(seen: &Seen, mode: &str) {
    assert_real_at(seen, mode, "api.stripe.com");
}

#[track_caller]
fn assert_real_at(seen: &Seen, mode: &str, host: &str) {
    let bearer = format!("Bearer {}", stripes(mode));
    assert_eq!(seen.headers("authorization"), [bearer.as_bytes()]);
    assert_eq!(seen.header("host"), Some(host));
    assert_clean(seen);
}

/// Asserts that the request contains no key of the services and nothing about the network here.
#[track_caller]
fn assert_clean(seen: &Seen) {
    for (name, value) in &seen.headers {
        let (name, value) = (
            String::from_utf8_lossy(name),
            String::from_utf8_lossy(value),
        );
        assert!(!value.contains("billing"), "{name}: {value}");
        let told = ["x-keyward", "x-forwarded", "x-envoy"];
        assert!(
            !told
                .iter()
                .any(|told| name.to_lowercase().starts_with(told)),
            "{name}: {value}"
        );
    }
}
