//! Finds keyward in a chain of filters, and reads its configuration.

use base64::Engine as _;
use serde_json::Value;

use super::dump::{Dump, at, collect, is_of, items};
use keyward::configuration::{Configuration, FILTER_STATE, Role};

/// The text that identifies keyward in the names of filters, plugins, root ids and files.
const NAME: &str = "keyward";

const WASM: &str = "filters.http.wasm.v3.Wasm";
const NATIVE: &str = "filters.http.dynamic_modules.v3.DynamicModuleFilter";

/// What runs keyward in Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// A VM in each thread.
    Wasm,
    /// Envoy itself.
    Native,
}

impl Host {
    const ALL: [Self; 2] = [Self::Wasm, Self::Native];

    fn kind(self) -> &'static str {
        match self {
            Self::Wasm => WASM,
            Self::Native => NATIVE,
        }
    }
}

impl Dump {
    /// Returns the keyward filters among `filters`, in order.
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
            let may_be = |host: &Host| {
                let ends = |url: &Value| url.as_str().is_some_and(|url| url.ends_with(host.kind()));
                if typed.is_null() {
                    items(at(discovery, "/type_urls")).iter().any(ends)
                } else {
                    is_of(typed, host.kind())
                }
            };
            let host = Host::ALL.into_iter().find(may_be)?;
            let (plugin, code, held) = match host {
                Host::Wasm => {
                    let plugin = at(typed, "/config");
                    let code = at(plugin, "/vm_config/code");
                    (plugin, code, at(plugin, "/configuration"))
                }
                Host::Native => {
                    let code = at(typed, "/dynamic_module_config/module");
                    (typed, code, at(typed, "/filter_config"))
                }
            };
            let names = [
                filter.get("name"),
                plugin.get("name"),
                plugin.get("root_id"),
                plugin.get("filter_name"),
                at(plugin, "/dynamic_module_config").get("name"),
                at(code, "/local").get("filename"),
                at(code, "/remote/http_uri").get("uri"),
            ];
            let is_named = names
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .any(|name| name.contains(NAME));
            is_named.then(|| Plugin {
                host,
                index,
                filter,
                name,
                plugin,
                is_discovered,
                has_default: discovery.is_null() || default.is_object(),
                held: Held::of(held),
            })
        };
        filters.iter().enumerate().filter_map(plugin).collect()
    }
}

/// A keyward filter in a chain.
#[derive(Debug)]
pub(super) struct Plugin<'a> {
    pub(super) host: Host,
    /// The position in the chain.
    pub(super) index: usize,
    /// The chain's entry.
    pub(super) filter: &'a Value,
    /// The entry's name.
    pub(super) name: &'a str,
    /// Envoy's `PluginConfig` or `DynamicModuleFilter`.
    pub(super) plugin: &'a Value,
    /// Whether it runs with its own configuration instead of a default.
    pub(super) is_discovered: bool,
    pub(super) has_default: bool,
    pub(super) held: Held,
}

/// keyward's own configuration in a plugin.
#[derive(Debug)]
pub(super) enum Held {
    Read {
        configuration: Box<Configuration>,
        /// Whether some keys may only be used from certain addresses.
        binds_addresses: bool,
    },
    /// The configuration has a form that this command cannot read.
    Unread,
    /// Why this version rejects the configuration, without any value. Envoy shows the last
    /// configuration even if the filter did not accept it.
    Refused(String),
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
        if is_of(any, "StringValue") {
            return Self::read(text.as_bytes(), text.contains("allowed_ips"));
        }
        // JSON has bytes as base64. It is not checked which keys of a packed snapshot are bound to
        // addresses.
        let bytes = base64::engine::general_purpose::STANDARD.decode(text);
        bytes
            .ok()
            .filter(|_| is_of(any, "BytesValue"))
            .map_or(Self::Unread, |bytes| Self::read(&bytes, true))
    }

    fn read(bytes: &[u8], binds_addresses: bool) -> Self {
        match Configuration::read(bytes) {
            Ok(configuration) => Self::Read {
                configuration: Box::new(configuration),
                binds_addresses,
            },
            Err(refusal) => Self::Refused(refusal.to_string()),
        }
    }
}

impl Plugin<'_> {
    /// Returns the value of the label `plugin` in its metrics, if it has one.
    pub(super) fn label(&self) -> Option<&str> {
        let member = match self.host {
            Host::Wasm => "name",
            Host::Native => "filter_name",
        };
        self.plugin.get(member).and_then(Value::as_str)
    }

    pub(super) fn configuration(&self) -> Option<&Configuration> {
        match &self.held {
            Held::Read { configuration, .. } => Some(configuration),
            Held::Unread | Held::Refused(_) => None,
        }
    }

    /// Whether some keys of its snapshot are bound to addresses. True if that is unknown.
    pub(super) fn binds_addresses(&self) -> bool {
        match self.held {
            Held::Read {
                binds_addresses, ..
            } => binds_addresses,
            Held::Unread | Held::Refused(_) => true,
        }
    }

    /// Returns the key of its filter state.
    pub(super) fn state(&self) -> String {
        let read = self.configuration();
        let name = read.map_or(FILTER_STATE, |read| &read.settings().filter_state);
        format!("wasm.{name}")
    }

    /// Whether it only reports usage. Then it lets no request pass and needs no snapshot.
    pub(super) fn only_reports(&self) -> bool {
        let read = self.configuration();
        read.is_some_and(|read| read.settings().role == Role::UsageReport)
    }
}

/// Whether a keyward is nested in another filter of a chain, a wrapper that may run it for some
/// requests only.
pub(super) fn is_wrapped(filters: &[Value]) -> bool {
    let mut found = Vec::new();
    for filter in filters {
        collect(
            at(filter, "/typed_config"),
            &mut |value| Host::ALL.iter().any(|host| is_of(value, host.kind())),
            &mut found,
        );
    }
    found
        .into_iter()
        .any(|filter| filter.to_string().contains(NAME))
}
