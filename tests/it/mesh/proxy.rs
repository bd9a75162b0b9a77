//! An Envoy as a mesh's control plane would configure it: its listener's filters, access log and statistics in the place of ours, and what comes by
//! discovery in files that are replaced by a rename.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::Envoy;
use crate::support::bootstrap::{at, hcm};
use crate::support::builder::Builder;
use crate::support::process::Folder;

/// What a control plane sends to one proxy.
#[derive(Clone, Debug, Default)]
pub struct Proxy {
    /// What is merged into the connection manager.
    pub manager: Value,
    pub http_filters: Vec<Value>,
    /// Beside the one route there is.
    pub on_route: Value,
    pub access_log: Option<Vec<Value>>,
    /// Extension configurations by their names.
    pub extensions: Vec<(String, Value)>,
    pub stats_config: Option<Value>,
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

    /// A source of configuration that is this file.
    fn source(&self, name: &str) -> Value {
        json!({"resource_api_version": "V3", "path_config_source": {
            "path": self.file(name), "watched_directory": {"path": self.0.path()}}})
    }

    /// Replaces what stands under `name`.
    fn put(&self, name: &str, resource: &Value) {
        let aside = self.0.path().join("aside");
        let text = json!({"resources": [resource]}).to_string();
        fs::write(&aside, text).unwrap();
        fs::rename(aside, self.file(name)).unwrap();
    }

    /// A new configuration of one extension.
    pub fn push(&self, extension: &(String, Value)) {
        self.put(&extension.0, &extension.1);
    }

    /// A new listener, for an Envoy that was [`discovered`].
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
    /// Our bootstrap with this in its place.
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
        // These are for the control plane to say.
        for ours in [
            "use_remote_address",
            "xff_num_trusted_hops",
            "common_http_protocol_options",
        ] {
            manager.as_object_mut().unwrap().remove(ours);
        }
        merge(manager, &self.manager);
        if let Some(loggers) = &self.access_log {
            manager["access_log"] = json!(loggers);
        }
        if !self.on_route.is_null() {
            let route = at(manager, "/route_config/virtual_hosts/0/routes/0");
            route["typed_per_filter_config"] = self.on_route.clone();
        }
    }
}

/// Discovery through the control plane's stream becomes discovery through a file.
fn located(filter: &Value, discovery: &Discovery) -> Value {
    let mut filter = filter.clone();
    let name = filter["name"].as_str().unwrap().to_owned();
    if let Some(source) = filter.pointer_mut("/config_discovery/config_source") {
        assert_eq!(source["ads"], json!({}), "{name}");
        *source = discovery.source(&name);
    }
    filter
}

/// The gateway's listener by discovery, too. After every other change.
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

/// As protobuf merges messages: members of members, and the later value.
pub fn merge(into: &mut Value, from: &Value) {
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
