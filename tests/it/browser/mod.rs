//! Client-side code with a publishable key: through Envoy's CORS filter as set up in
//! `docs/browsers.md`, over HTTP and from a page in a real Chromium.

pub mod chromium;
mod cors;
mod page;
mod secrets;

use std::net::SocketAddr;

use keyward::digest::KeyDigest;
use serde_json::{Value, json};

use crate::support::bootstrap::{at, hcm};
use crate::support::builder::Builder;
use crate::support::{Envoy, find};

const PUBLISHABLE: &str = "pk_test_FAKE-paula-1";
const SECRET: &str = "sk_test_FAKE-alice-0001";

/// A path that is open to publishable keys.
const OPEN: &str = "/v1/elements/sessions";

const CORS: &str = "envoy.filters.http.cors";

/// Returns a shop with a connected account, with `settings` next to the snapshot.
fn configuration(settings: &Value) -> String {
    let key = |id: &str, raw: &str, kind: &str| json!({"id": id, "sha256": KeyDigest::of(raw.as_bytes()).to_string(), "kind": kind, "livemode": false, "owner": "acct_shop"});
    let mut configuration = settings.clone();
    configuration["snapshot"] = json!({
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1_795_194_529,
        "accounts": [{"id": "acct_shop"}, {"id": "acct_child", "parent": "acct_shop"}],
        "endpoints": [{"method": "GET", "path": "/healthz", "auth": "none"}],
        "keys": [key("mk_pk", PUBLISHABLE, "publishable"), key("mk_alice", SECRET, "secret")],
    });
    configuration.to_string()
}

/// The position of the CORS filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// As documented.
    BeforeKeyward,
    /// Between keyward and the interlock.
    AfterKeyward,
}

/// Returns a gateway with the documented CORS filter and policy, for pages of `origin`.
fn gateway(place: Place, origin: &str, upstream: SocketAddr, settings: &Value) -> Builder {
    let origin = origin.to_owned();
    Envoy::builder()
        .config(configuration(settings))
        .upstream(upstream)
        .edit(move |bootstrap| {
            let mut documented = documented();
            let filter = at(&mut documented, "/http_filters/0").take();
            let host = at(&mut documented, "/route_config/virtual_hosts/0");
            let mut policies = at(host, "/typed_per_filter_config").take();
            *at(&mut policies[CORS], "/allow_origin_string_match/0/exact") = json!(origin);
            let hcm = hcm(bootstrap);
            let filters = at(hcm, "/http_filters").as_array_mut().unwrap();
            let index = match place {
                Place::BeforeKeyward => 0,
                Place::AfterKeyward => 1,
            };
            filters.insert(index, filter);
            at(hcm, "/route_config/virtual_hosts/0")["typed_per_filter_config"] = policies;
        })
}

/// Returns the configuration in `docs/browsers.md`: its first block of YAML.
fn documented() -> Value {
    let path = find::root().join("docs/browsers.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (_, rest) = text.split_once("```yaml\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    serde_norway::from_str(block).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
