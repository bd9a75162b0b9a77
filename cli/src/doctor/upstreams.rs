//! The upstreams that keyward guards: clusters, and the addresses of their endpoints. Another
//! cluster with the same address is the same upstream.

use std::collections::BTreeSet;

use serde_json::Value;

use super::dump::{Dump, at, items};
use super::exits::Exits;

/// The clusters to which guarded chains lead, and the addresses of their endpoints.
#[derive(Debug, Default)]
pub(super) struct Upstreams<'a> {
    clusters: BTreeSet<&'a str>,
    addresses: BTreeSet<String>,
    services: BTreeSet<&'a str>,
}

impl<'a> Upstreams<'a> {
    pub(super) fn add(&mut self, dump: &'a Dump, exits: &Exits<'a>) {
        for name in &exits.clusters {
            self.clusters.insert(name);
            if let Some(cluster) = dump.cluster(name) {
                self.addresses.extend(addresses(cluster));
                self.services.extend(service(cluster));
            }
        }
    }

    /// Whether a cluster leads to one of them, by this name or another.
    pub(super) fn has(&self, dump: &Dump, name: &str) -> bool {
        if self.clusters.contains(name) {
            return true;
        }
        let Some(cluster) = dump.cluster(name) else {
            return false;
        };
        let is_same_service = service(cluster).is_some_and(|it| self.services.contains(it));
        is_same_service
            || addresses(cluster)
                .iter()
                .any(|it| self.addresses.contains(it))
    }

    /// Whether a listener of this Envoy is an endpoint of one of them.
    pub(super) fn is_at(&self, listener: &Value) -> bool {
        let name = at(listener, "/name").as_str().unwrap_or("");
        if self.addresses.contains(&internal(name)) && listener.get("internal_listener").is_some() {
            return true;
        }
        let more = items(at(listener, "/additional_addresses"));
        let all = more.iter().chain([listener]);
        let mut taken = all.filter_map(|owner| address(at(owner, "/address")));
        taken.any(
            |taken| match taken.strip_prefix("0.0.0.0:").or(taken.strip_prefix(":::")) {
                Some(port) => {
                    let end = format!(":{port}");
                    self.addresses.iter().any(|address| address.ends_with(&end))
                }
                None => self.addresses.contains(&taken),
            },
        )
    }
}

/// Whether the request chooses where a cluster leads.
pub(super) fn goes_anywhere(cluster: &Value) -> bool {
    let kind = at(cluster, "/cluster_type/name").as_str().unwrap_or("");
    at(cluster, "/type") == "ORIGINAL_DST"
        || ["original_dst", "dynamic_forward_proxy", "dynamic_modules"]
            .iter()
            .any(|it| kind.contains(it))
}

/// Whether a listener can only be reached from this machine.
pub(super) fn is_local(listener: &Value) -> bool {
    let more = items(at(listener, "/additional_addresses"));
    let mut all = more
        .iter()
        .chain([listener])
        .map(|owner| at(owner, "/address"));
    let is_local = |address: &Value| match at(address, "/socket_address/address").as_str() {
        Some(text) => text
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback()),
        None => true,
    };
    all.all(is_local)
}

pub(super) fn addresses(cluster: &Value) -> Vec<String> {
    let localities = items(at(cluster, "/load_assignment/endpoints"));
    let endpoints = localities
        .iter()
        .flat_map(|locality| items(at(locality, "/lb_endpoints")));
    endpoints
        .filter_map(|endpoint| address(at(endpoint, "/endpoint/address")))
        .collect()
}

/// Returns the name that a cluster uses to ask for its endpoints.
fn service(cluster: &Value) -> Option<&str> {
    let discovery = at(cluster, "/eds_cluster_config");
    let named = at(discovery, "/service_name").as_str();
    discovery
        .is_object()
        .then(|| named.or(at(cluster, "/name").as_str()))?
}

fn address(value: &Value) -> Option<String> {
    let socket = at(value, "/socket_address");
    if let Some(host) = at(socket, "/address").as_str() {
        return Some(format!("{host}:{}", at(socket, "/port_value")));
    }
    if let Some(path) = at(value, "/pipe/path").as_str() {
        return Some(format!("pipe:{path}"));
    }
    at(value, "/envoy_internal_address/server_listener_name")
        .as_str()
        .map(internal)
}

fn internal(listener: &str) -> String {
    format!("internal:{listener}")
}
