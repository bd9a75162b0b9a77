//! Envoy's `/config_dump`, and where in it requests are handled: every HTTP connection manager, with its chain of filters, its routes and the
//! keywards in it. Fields have the names of Envoy's protobuf files; a dump that was written by another tool in camel case is refused.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::configuration::Configuration;

/// What this looks for in the names of filters, plugins, root ids and files.
const NAME: &str = "keyward";

const MANAGER: &str = "network.http_connection_manager.v3.HttpConnectionManager";
const WASM: &str = "filters.http.wasm.v3.Wasm";

/// A whole dump.
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

    /// The members of all sections of this kind.
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

    fn listeners(&self) -> impl Iterator<Item = &Value> {
        let kind = "ListenersConfigDump";
        let fixed = self
            .sections(kind, "static_listeners")
            .map(|entry| at(entry, "/listener"));
        let moving = self
            .sections(kind, "dynamic_listeners")
            .map(|entry| at(entry, "/active_state/listener"));
        fixed.chain(moving).filter(|listener| listener.is_object())
    }

    /// Every place where requests are taken.
    pub(super) fn managers(&self) -> Vec<Manager<'_>> {
        let mut found = Vec::new();
        for listener in self.listeners() {
            let name = at(listener, "/name").as_str().unwrap_or("without a name");
            let mut below = Vec::new();
            collect(listener, &mut |value| is_of(value, MANAGER), &mut below);
            for (number, value) in below.iter().enumerate() {
                let chain = if below.len() > 1 {
                    format!(", chain {number}")
                } else {
                    String::new()
                };
                found.push(Manager {
                    place: format!("listener `{name}`{chain}"),
                    listener,
                    value,
                });
            }
        }
        found
    }

    /// The configuration that Envoy has taken for a filter under discovery.
    fn discovered(&self, name: &str) -> Option<&Value> {
        let mut filters = self.sections("EcdsConfigDump", "ecds_filters");
        filters
            .find(|entry| at(entry, "/ecds_filter/name") == name)
            .map(|entry| at(entry, "/ecds_filter/typed_config"))
    }

    /// The route configurations that a manager routes by; those it takes from elsewhere are looked up, and `None` stands for one that is not there.
    pub(super) fn routes<'a>(&'a self, manager: &Manager<'a>) -> Vec<Option<&'a Value>> {
        if let Some(inline) = manager.value.get("route_config") {
            return vec![Some(inline)];
        }
        let mut moving = self
            .sections("RoutesConfigDump", "dynamic_route_configs")
            .map(|entry| at(entry, "/route_config"));
        match at(manager.value, "/rds/route_config_name").as_str() {
            Some(name) => vec![moving.find(|held| at(held, "/name") == name)],
            // Scoped routes: any of them.
            None => moving.map(Some).collect(),
        }
    }

    /// The keywards among `filters`, in their order.
    pub(super) fn plugins<'a>(&'a self, filters: &'a [Value]) -> Vec<Plugin<'a>> {
        let plugin = |(index, filter): (usize, &'a Value)| {
            let name = at(filter, "/name").as_str().unwrap_or("");
            let discovery = at(filter, "/config_discovery");
            let default = at(discovery, "/default_config");
            let (typed, is_discovered) = if discovery.is_object() {
                let taken = self.discovered(name);
                (taken.unwrap_or(default), taken.is_some())
            } else {
                (at(filter, "/typed_config"), true)
            };
            let may_be_wasm =
                is_of(typed, WASM) || items(at(discovery, "/type_urls")).iter().any(ends_in_wasm);
            let plugin = at(typed, "/config");
            let code = at(plugin, "/vm_config/code");
            let names = [
                filter.get("name"),
                plugin.get("name"),
                plugin.get("root_id"),
                at(code, "/local").get("filename"),
                at(code, "/remote/http_uri").get("uri"),
            ];
            let is_named = names
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .any(|name| name.contains(NAME));
            (may_be_wasm && is_named).then(|| Plugin {
                index,
                filter,
                name,
                plugin,
                is_discovered,
                has_default: discovery.is_null() || default.is_object(),
                held: Held::of(at(plugin, "/configuration")),
            })
        };
        filters.iter().enumerate().filter_map(plugin).collect()
    }
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

/// A keyward in a chain.
#[derive(Debug)]
pub(super) struct Plugin<'a> {
    /// Where in the chain.
    pub(super) index: usize,
    /// The chain's entry.
    pub(super) filter: &'a Value,
    /// The entry's name.
    pub(super) name: &'a str,
    /// Envoy's `PluginConfig`.
    pub(super) plugin: &'a Value,
    /// Whether it runs with a configuration of its own, and not with a default.
    pub(super) is_discovered: bool,
    pub(super) has_default: bool,
    pub(super) held: Held,
}

/// keyward's own configuration in a plugin.
#[derive(Debug)]
pub(super) enum Held {
    Read {
        configuration: Box<Configuration>,
        /// Whether some key may be used from some addresses alone.
        binds_addresses: bool,
    },
    /// In a form that says nothing to this command.
    Unread,
    /// Envoy shows what it was given last, whether the filter took it or not.
    Refused,
}

impl Held {
    fn of(any: &Value) -> Self {
        let Some(text) = at(any, "/value").as_str() else {
            return if any.is_null() {
                Self::Read {
                    configuration: Box::new(Configuration::closed()),
                    binds_addresses: false,
                }
            } else {
                Self::Unread
            };
        };
        if !is_of(any, "StringValue") {
            return Self::Unread;
        }
        match Configuration::from_json(text.as_bytes()) {
            Ok(configuration) => Self::Read {
                configuration: Box::new(configuration),
                binds_addresses: text.contains("allowed_ips"),
            },
            Err(_) => Self::Refused,
        }
    }
}

impl Plugin<'_> {
    pub(super) fn configuration(&self) -> Option<&Configuration> {
        match &self.held {
            Held::Read { configuration, .. } => Some(configuration),
            Held::Unread | Held::Refused => None,
        }
    }

    /// Whether some key of its snapshot is bound to addresses, as far as one can tell.
    pub(super) fn binds_addresses(&self) -> bool {
        match self.held {
            Held::Read {
                binds_addresses, ..
            } => binds_addresses,
            Held::Unread | Held::Refused => true,
        }
    }

    /// The key of its filter state.
    pub(super) fn state(&self) -> String {
        let name = self
            .configuration()
            .map_or(crate::configuration::FILTER_STATE, |read| {
                &read.settings().filter_state
            });
        format!("wasm.{name}")
    }
}

/// The member at a JSON pointer; null where there is none.
pub(super) fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// The items of a list; none where there is no list.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Whether a message is of this type, by the end of its `@type`.
pub(super) fn is_of(message: &Value, kind: &str) -> bool {
    at(message, "/@type")
        .as_str()
        .is_some_and(|url| url.ends_with(kind))
}

fn ends_in_wasm(url: &Value) -> bool {
    url.as_str().is_some_and(|url| url.ends_with(WASM))
}

/// Every value in `value`, itself included, that `wanted` asks for.
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
