//! Envoy's `/config_dump`, and the places in it where requests are handled: every listener, every
//! HTTP connection manager with its chain of filters and its routes, and every cluster. Fields have
//! the names of Envoy's protobuf files. A dump that another tool wrote in camel case is rejected.

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The end of the type name of a connection manager.
pub(super) const MANAGER: &str = "network.http_connection_manager.v3.HttpConnectionManager";

/// A complete dump.
#[derive(Debug)]
pub(super) struct Dump(Value);

impl Dump {
    pub(super) fn parse(json: &[u8]) -> Result<Self> {
        let value: Value = serde_json::from_slice(json).context("no JSON")?;
        if !at(&value, "/configs").is_array() {
            bail!("expected Envoy's `/config_dump`, an object with `configs`");
        }
        Ok(Self(value))
    }

    /// Returns the members of all sections of this kind.
    fn sections<'a>(&'a self, kind: &'a str, member: &'a str) -> impl Iterator<Item = &'a Value> {
        items(at(&self.0, "/configs"))
            .iter()
            .filter(move |section| is_of(section, kind))
            .flat_map(move |section| items(section.get(member).unwrap_or(&Value::Null)))
    }

    pub(super) fn bootstrap(&self) -> &Value {
        items(at(&self.0, "/configs"))
            .iter()
            .find(|section| is_of(section, "BootstrapConfigDump"))
            .map_or(&Value::Null, |section| at(section, "/bootstrap"))
    }

    /// Returns every listener that accepts connections, is about to, or still has some.
    pub(super) fn listeners(&self) -> Vec<Listener<'_>> {
        let kind = "ListenersConfigDump";
        let name = |value: &Value| {
            let name = at(value, "/name").as_str().unwrap_or("without a name");
            format!("listener `{name}`")
        };
        let mut found = Vec::new();
        for entry in self.sections(kind, "static_listeners") {
            let value = at(entry, "/listener");
            found.push(Listener {
                place: name(value),
                value,
            });
        }
        for entry in self.sections(kind, "dynamic_listeners") {
            for (state, word) in [
                ("active_state", ""),
                ("warming_state", ", warming"),
                ("draining_state", ", draining"),
            ] {
                let value = at(entry, &format!("/{state}/listener"));
                let place = format!("{}{word}", name(value));
                found.push(Listener { place, value });
            }
        }
        found.retain(|listener| listener.value.is_object());
        found
    }

    /// Returns every place where requests arrive.
    pub(super) fn managers(&self) -> Vec<Manager<'_>> {
        let mut found = Vec::new();
        for listener in self.listeners() {
            let mut below = Vec::new();
            collect(
                listener.value,
                &mut |value| is_of(value, MANAGER),
                &mut below,
            );
            let mut discovered = Vec::new();
            collect(
                listener.value,
                &mut |value| value.get("config_discovery").is_some(),
                &mut discovered,
            );
            // A default configuration is part of the listener.
            for filter in discovered {
                let name = at(filter, "/name").as_str().unwrap_or("");
                let taken = self.discovered(name).unwrap_or(&Value::Null);
                collect(taken, &mut |value| is_of(value, MANAGER), &mut below);
            }
            for (number, value) in below.iter().enumerate() {
                let chain = if below.len() > 1 {
                    format!(", chain {number}")
                } else {
                    String::new()
                };
                found.push(Manager {
                    place: format!("{}{chain}", listener.place),
                    listener: listener.value,
                    value,
                });
            }
        }
        found
    }

    /// Returns a cluster by its name.
    pub(super) fn cluster(&self, name: &str) -> Option<&Value> {
        self.clusters().find(|cluster| at(cluster, "/name") == name)
    }

    pub(super) fn clusters(&self) -> impl Iterator<Item = &Value> {
        let kind = "ClustersConfigDump";
        [
            "static_clusters",
            "dynamic_active_clusters",
            "dynamic_warming_clusters",
        ]
        .into_iter()
        .flat_map(move |member| self.sections(kind, member))
        .map(|entry| at(entry, "/cluster"))
    }

    /// Returns everything that configures filters through discovery, and all routes.
    pub(super) fn everything(&self) -> &Value {
        &self.0
    }

    /// Returns the configuration that Envoy has accepted for a filter under discovery.
    pub(super) fn discovered(&self, name: &str) -> Option<&Value> {
        let mut filters = self.sections("EcdsConfigDump", "ecds_filters");
        filters
            .find(|entry| at(entry, "/ecds_filter/name") == name)
            .map(|entry| at(entry, "/ecds_filter/typed_config"))
    }

    /// Returns a filter's own configuration, wherever it comes from, or null if it has not arrived.
    pub(super) fn typed<'a>(&'a self, filter: &'a Value) -> &'a Value {
        let discovery = at(filter, "/config_discovery");
        if !discovery.is_object() {
            return at(filter, "/typed_config");
        }
        let name = at(filter, "/name").as_str().unwrap_or("");
        self.discovered(name)
            .unwrap_or(at(discovery, "/default_config"))
    }

    /// Returns the route configurations of a manager. Discovered ones are looked up; `None` means
    /// that one is missing.
    pub(super) fn routes<'a>(&'a self, manager: &Manager<'a>) -> Vec<Option<&'a Value>> {
        let value = manager.value;
        if let Some(inline) = value.get("route_config") {
            return vec![Some(inline)];
        }
        if let Some(name) = at(value, "/rds/route_config_name").as_str() {
            return vec![self.route_configuration(name)];
        }
        let scoped = at(value, "/scoped_routes");
        let inline = "/scoped_route_configurations_list/scoped_route_configurations";
        let mut scopes: Vec<&Value> = items(at(scoped, inline)).iter().collect();
        let name = at(scoped, "/name");
        let discovered = self
            .sections("ScopedRoutesConfigDump", "dynamic_scoped_route_configs")
            .filter(|group| at(group, "/name") == name)
            .flat_map(|group| items(at(group, "/scoped_route_configs")));
        scopes.extend(discovered);
        if scopes.is_empty() {
            return vec![None];
        }
        let of_scope = |scope: &'a Value| match scope.get("route_configuration") {
            Some(inline) => Some(inline),
            None => self.route_configuration(at(scope, "/route_configuration_name").as_str()?),
        };
        scopes.into_iter().map(of_scope).collect()
    }

    fn route_configuration(&self, name: &str) -> Option<&Value> {
        self.sections("RoutesConfigDump", "dynamic_route_configs")
            .map(|entry| at(entry, "/route_config"))
            .find(|held| at(held, "/name") == name)
    }
}

/// A listener, where connections arrive.
#[derive(Debug)]
pub(super) struct Listener<'a> {
    pub(super) place: String,
    pub(super) value: &'a Value,
}

/// An HTTP connection manager.
#[derive(Debug)]
pub(super) struct Manager<'a> {
    pub(super) place: String,
    pub(super) listener: &'a Value,
    pub(super) value: &'a Value,
}

impl<'a> Manager<'a> {
    pub(super) fn filters(&self) -> &'a [Value] {
        items(at(self.value, "/http_filters"))
    }
}

/// Returns the member at a JSON pointer, or null.
pub(super) fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// Returns the items of a list, or nothing if the value is not a list.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Whether a message has this type. `kind` is the end of its `@type`.
pub(super) fn is_of(message: &Value, kind: &str) -> bool {
    at(message, "/@type")
        .as_str()
        .is_some_and(|url| url.ends_with(kind))
}

/// Collects every value in `value`, including `value` itself, for which `wanted` returns true.
pub(super) fn collect<'a>(
    value: &'a Value,
    wanted: &mut impl FnMut(&Value) -> bool,
    found: &mut Vec<&'a Value>,
) {
    if wanted(value) {
        found.push(value);
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, wanted, found)),
        Value::Object(members) => members
            .values()
            .for_each(|member| collect(member, wanted, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
