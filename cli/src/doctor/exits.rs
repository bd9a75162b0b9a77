//! The clusters to which a chain sends the requests that it lets pass, as far as its configuration
//! names them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::dump::{Dump, Manager, at, collect, is_of, items};

const TCP_PROXY: &str = "filters.network.tcp_proxy.v3.TcpProxy";

/// The possible destinations of requests or connections.
#[derive(Debug, Default)]
pub(super) struct Exits<'a> {
    pub(super) clusters: BTreeSet<&'a str>,
    /// Why there may be other clusters.
    pub(super) unknown: Vec<&'static str>,
}

impl<'a> Exits<'a> {
    /// Returns the destinations of an HTTP connection manager.
    pub(super) fn of_manager(dump: &'a Dump, manager: &Manager<'a>) -> Self {
        let mut exits = Self::default();
        for routes in dump.routes(manager) {
            match routes {
                Some(routes) => exits.follow_routes(routes),
                None => exits.unknown.push("its routes are not in the dump"),
            }
        }
        exits
    }

    /// Returns the destinations of a network filter that is not an HTTP connection manager.
    pub(super) fn of_network_filter(dump: &Dump, typed: &'a Value) -> Self {
        let mut exits = Self::default();
        if is_of(typed, TCP_PROXY) {
            exits.add(at(typed, "/cluster"));
            exits.add_weighted(at(typed, "/weighted_clusters"));
            return exits;
        }
        // Proxies of other protocols name clusters in many places.
        let mut texts = Vec::new();
        collect(typed, &mut Value::is_string, &mut texts);
        let stat_prefix = at(typed, "/stat_prefix");
        for text in texts
            .into_iter()
            .filter(|text| !std::ptr::eq(*text, stat_prefix))
        {
            let is_cluster = text
                .as_str()
                .is_some_and(|name| dump.cluster(name).is_some());
            if is_cluster {
                exits.add(text);
            }
        }
        exits
    }

    fn follow_routes(&mut self, routes: &'a Value) {
        let mut owners = Vec::new();
        collect(
            routes,
            &mut |value| at(value, "/route").is_object(),
            &mut owners,
        );
        for action in owners.into_iter().map(|owner| at(owner, "/route")) {
            self.add(at(action, "/cluster"));
            self.add_weighted(at(action, "/weighted_clusters"));
            if action.get("cluster_header").is_some() {
                self.unknown
                    .push("a header of the request names the cluster");
            }
            for plugin in [
                "cluster_specifier_plugin",
                "inline_cluster_specifier_plugin",
            ] {
                if action.get(plugin).is_some() {
                    self.unknown.push("a plugin chooses the cluster");
                }
            }
        }
        let mut mirrors = Vec::new();
        let mut wanted = |value: &Value| value.get("request_mirror_policies").is_some();
        collect(routes, &mut wanted, &mut mirrors);
        for policy in mirrors
            .into_iter()
            .flat_map(|owner| items(at(owner, "/request_mirror_policies")))
        {
            self.add(at(policy, "/cluster"));
        }
    }

    fn add_weighted(&mut self, weighted: &'a Value) {
        for cluster in items(at(weighted, "/clusters")) {
            self.add(at(cluster, "/name"));
            if cluster.get("cluster_header").is_some() {
                self.unknown
                    .push("a header of the request names the cluster");
            }
        }
    }

    fn add(&mut self, name: &'a Value) {
        self.clusters
            .extend(name.as_str().filter(|name| !name.is_empty()));
    }
}
