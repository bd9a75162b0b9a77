//! An Envoy as a mesh's control plane would configure it: with its listener's filters and
//! statistics in place of those that keyward ships. Discovered configuration is in files that are
//! replaced by a rename.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::bootstrap::{at, hcm};
use crate::support::builder::Builder;
use crate::support::process::Folder;
use crate::support::{Envoy, find};

/// What a control plane sends to one proxy: an entry in `tests/mesh/istio.yaml` or
/// `tests/mesh/envoy-gateway.yaml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// The connection manager's members that the control plane sets.
    pub manager: Value,
    /// The members that keyward's manifests merge into it.
    pub patched: Value,
    pub http_filters: Vec<Value>,
    /// What is added to the only route.
    #[serde(default)]
    pub on_route: Value,
    /// Configurations of extensions, which arrive by discovery.
    #[serde(default)]
    pub extensions: Vec<Value>,
    pub stats_config: Option<Value>,
}

const CONFIGURATION: &str = "/typed_config/config/configuration";

impl Proxy {
    /// Reads the entry `name` of a file in `tests/mesh`.
    pub fn read(file: &str, name: &str) -> Self {
        let mut all = super::merged(&format!("tests/mesh/{file}.yaml"));
        let mut proxy: Self = serde_json::from_value(all[name].take()).unwrap();
        for place in proxy.extensions.iter_mut().chain(&mut proxy.http_filters) {
            let module = "/typed_config/config/vm_config/code/local/filename";
            if let Some(filename) = place.pointer_mut(module) {
                *filename = json!(find::wasm());
            }
        }
        proxy
    }

    /// Puts this configuration into the manifest. Istio passes it on as a `google.protobuf.Struct`.
    pub fn with_configuration(mut self, configuration: &Value) -> Self {
        let (place, text) = match self.extensions.first_mut() {
            Some(extension) => (extension, doubled(configuration.clone()).to_string()),
            None => (&mut self.http_filters[0], configuration.to_string()),
        };
        *at(place, &format!("{CONFIGURATION}/value")) = json!(text);
        self
    }

    /// Removes the configuration, as if the manifest's were an empty object: Istio then sends none
    /// at all.
    pub fn with_no_configuration(mut self) -> Self {
        let config = at(&mut self.extensions[0], "/typed_config/config");
        config
            .as_object_mut()
            .unwrap()
            .remove("configuration")
            .unwrap();
        self
    }

    /// Removes the manifest that merges members into the connection manager.
    pub fn unpatched(mut self) -> Self {
        self.patched = json!({});
        self
    }

    /// Removes the interlock's manifest.
    #[track_caller]
    pub fn without_interlock(self) -> Self {
        self.without("keyward.interlock")
    }

    /// Removes the plugin's manifest.
    #[track_caller]
    pub fn without_plugin(self) -> Self {
        let name = self.http_filters[0]["name"].as_str().unwrap().to_owned();
        self.without(&name)
    }

    #[track_caller]
    fn without(mut self, name: &str) -> Self {
        let before = self.http_filters.len();
        self.http_filters.retain(|filter| filter["name"] != name);
        assert_eq!(self.http_filters.len(), before - 1, "{name}");
        self
    }

    /// Returns the plugin's entry in the chain. If it uses discovery, its file is in `discovery`.
    pub fn plugin(&self, discovery: &Discovery) -> Value {
        for extension in &self.extensions {
            discovery.push(extension);
        }
        located(&self.http_filters[0], discovery)
    }

    pub fn started(&self) -> Envoy {
        self.builder(&Discovery::new()).start()
    }

    /// Starts an Envoy with a listener that [`Discovery::push_listener`] replaces.
    pub fn started_with(&self, discovery: &Discovery) -> Envoy {
        discovered(self.builder(discovery), discovery).start()
    }
}

/// Converts every number to a double, written as Go writes it.
pub fn doubled(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let double = number.as_f64().unwrap();
            serde_json::from_str(&format!("{double}")).unwrap()
        }
        Value::Array(items) => items.into_iter().map(doubled).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, doubled(value)))
            .collect(),
        other => other,
    }
}

/// Files that an Envoy watches.
#[derive(Clone, Debug)]
pub struct Discovery(Arc<Folder>);

impl Discovery {
    pub fn new() -> Self {
        Self(Arc::new(Folder::new("mesh")))
    }

    fn file(&self, name: &str) -> PathBuf {
        let plain = name.replace(|symbol: char| !symbol.is_ascii_alphanumeric(), "-");
        self.0.path().join(format!("{plain}.json"))
    }

    /// Returns a source of configuration that reads this file.
    fn source(&self, name: &str) -> Value {
        json!({"resource_api_version": "V3", "path_config_source": {
            "path": self.file(name), "watched_directory": {"path": self.0.path()}}})
    }

    /// Replaces the resource `name`.
    fn put(&self, name: &str, resource: &Value) {
        let aside = self.0.path().join("aside");
        let text = json!({"resources": [resource]}).to_string();
        fs::write(&aside, text).unwrap();
        fs::rename(aside, self.file(name)).unwrap();
    }

    /// Pushes a new configuration of one extension.
    pub fn push(&self, extension: &Value) {
        self.put(extension["name"].as_str().unwrap(), extension);
    }

    /// Pushes a new listener to an Envoy that was [`discovered`].
    pub fn push_listener(&self, proxy: &Proxy) {
        let text = fs::read_to_string(self.file("listener.original")).unwrap();
        let original: Value = serde_json::from_str(&text).unwrap();
        let mut listener = original["resources"][0].clone();
        let manager = at(&mut listener, "/filter_chains/0/filters/0/typed_config");
        proxy.alter(manager, self);
        self.put("listener", &listener);
    }
}

impl Proxy {
    /// Returns a builder with keyward's bootstrap, but with this proxy's parts in place of the
    /// shipped ones.
    pub fn builder(&self, discovery: &Discovery) -> Builder {
        for extension in &self.extensions {
            discovery.push(extension);
        }
        let (proxy, discovery) = (self.clone(), discovery.clone());
        Envoy::builder()
            .keep(Arc::clone(&discovery.0))
            .edit(move |bootstrap| {
                proxy.alter(hcm(bootstrap), &discovery);
                if let Some(stats) = &proxy.stats_config {
                    bootstrap["stats_config"] = stats.clone();
                }
            })
    }

    fn alter(&self, manager: &mut Value, discovery: &Discovery) {
        manager["http_filters"] = self
            .http_filters
            .iter()
            .map(|filter| located(filter, discovery))
            .collect();
        // The control plane sets these.
        for ours in [
            "use_remote_address",
            "xff_num_trusted_hops",
            "common_http_protocol_options",
        ] {
            manager.as_object_mut().unwrap().remove(ours);
        }
        merge(manager, &self.manager);
        merge(manager, &self.patched);
        if !self.on_route.is_null() {
            let route = at(manager, "/route_config/virtual_hosts/0/routes/0");
            route["typed_per_filter_config"] = self.on_route.clone();
        }
    }
}

/// Replaces discovery through the control plane's stream with discovery through a file.
fn located(filter: &Value, discovery: &Discovery) -> Value {
    let mut filter = filter.clone();
    let name = filter["name"].as_str().unwrap().to_owned();
    if let Some(source) = filter.pointer_mut("/config_discovery/config_source") {
        assert_eq!(source["ads"], json!({}), "{name}");
        *source = discovery.source(&name);
    }
    filter
}

/// Makes the gateway's listener arrive by discovery as well. Call this after every other change.
pub fn discovered(builder: Builder, discovery: &Discovery) -> Builder {
    let discovery = discovery.clone();
    builder.edit(move |bootstrap| {
        let listeners = at(bootstrap, "/static_resources/listeners")
            .as_array_mut()
            .unwrap();
        let place = listeners
            .iter()
            .position(|listener| listener["name"] == "gateway")
            .unwrap();
        let mut listener = listeners.remove(place);
        listener["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
        discovery.put("listener.original", &listener);
        discovery.put("listener", &listener);
        bootstrap["dynamic_resources"]["lds_config"] = discovery.source("listener");
    })
}

/// Merges messages as protobuf does: member by member, and the later value wins.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (into, from) => *into = from.clone(),
    }
}
