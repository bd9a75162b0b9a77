//! Plugins that tests add next to the harness's plugin or in its place: with names, a VM and their
//! own file.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::bootstrap::{self, at, http_filter};
use crate::support::builder::Builder;
use crate::support::process::Folder;
use crate::support::{BOUND, Envoy, Host, eventually, find};

/// One keyward filter, configured by its own ECDS file.
pub struct Plugin {
    /// The filter's name in its chain, and the resource's name in ECDS.
    pub filter: &'static str,
    pub name: &'static str,
    pub root_id: &'static str,
    pub vm_id: &'static str,
    pub failure_policy: &'static str,
    pub wasm: PathBuf,
    /// Calls between host and filter that Envoy refuses. It allows all others.
    pub forbidden: Vec<&'static str>,
    folder: Folder,
    version: Cell<u64>,
}

impl Plugin {
    /// Makes a plugin in a VM with an empty id, as in Istio. Its file does not exist before the
    /// first push.
    pub fn new(filter: &'static str, name: &'static str, root_id: &'static str) -> Self {
        let folder = Folder::new("plugin");
        fs::create_dir(folder.path().join("ecds")).unwrap();
        Self {
            filter,
            name,
            root_id,
            vm_id: "",
            failure_policy: "FAIL_RELOAD",
            wasm: find::wasm(),
            forbidden: Vec::new(),
            folder,
            version: Cell::new(0),
        }
    }

    pub fn with_trap_door(mut self) -> Self {
        self.wasm = find::trap_door_wasm();
        self
    }

    /// Returns what runs it: the chosen host, if it can do what the test asks for.
    fn host(&self) -> Host {
        if self.wasm == find::wasm() && self.forbidden.is_empty() {
            Host::chosen()
        } else {
            Host::Wasm
        }
    }

    /// Renames a file with this configuration into place.
    pub fn push(&self, config: &str) {
        self.version.set(self.version.get() + 1);
        let mut response = bootstrap::shipped_ecds();
        *at(&mut response, "/version_info") = json!(self.version.get().to_string());
        *at(&mut response, "/resources/0/name") = json!(self.filter);
        *at(&mut response, "/resources/0/typed_config/config") = self.plugin_config(config);
        self.push_file(response.to_string().as_bytes());
    }

    /// Replaces the file with any bytes.
    pub fn push_file(&self, content: &[u8]) {
        let aside = self.folder.path().join("keyward.json");
        let content = match serde_json::from_slice(content) {
            Ok(mut response) => {
                self.host().take_over(&mut response, &self.host().filter());
                Value::to_string(&response).into_bytes()
            }
            Err(_) => content.to_owned(),
        };
        fs::write(&aside, content).unwrap();
        fs::rename(aside, self.file()).unwrap();
    }

    /// Pushes a configuration that Envoy must reject, and waits until it does.
    #[track_caller]
    pub fn push_refused(&self, envoy: &Envoy, config: &str) {
        let before = self.rejected(envoy);
        self.push(config);
        eventually("the push is refused", BOUND, || {
            (self.rejected(envoy) > before).then_some(())
        });
    }

    pub fn rejected(&self, envoy: &Envoy) -> u64 {
        let source = format!("extension_config_discovery.http_filter.{}", self.filter);
        envoy.stat(&format!("{source}.update_rejected"))
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ecds/keyward.json")
    }

    fn plugin_config(&self, config: &str) -> Value {
        let mut plugin = json!({
            "name": self.name, "root_id": self.root_id, "failure_policy": self.failure_policy,
            "vm_config": {"vm_id": self.vm_id, "runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": self.wasm}}},
            "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": config},
        });
        if !self.forbidden.is_empty() {
            let allowed: serde_json::Map<_, _> = CALLS
                .into_iter()
                .filter(|call| !self.forbidden.contains(call))
                .map(|call| (call.to_owned(), json!({})))
                .collect();
            plugin["capability_restriction_config"] = json!({"allowed_capabilities": allowed});
        }
        plugin
    }

    /// Returns the entry in the chain, with the default that denies everything.
    pub fn entry(&self) -> Value {
        let wasm = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
        json!({"name": self.filter, "config_discovery": {
            "type_urls": [wasm],
            "config_source": {"resource_api_version": "V3", "path_config_source": {
                "path": self.file(), "watched_directory": {"path": self.folder.path().join("ecds")}}},
            "default_config": {"@type": wasm, "config": self.plugin_config("{}")},
        }})
    }

    /// Replaces the harness's plugin with this one.
    pub fn in_place_of_keyward(&self, builder: Builder) -> Builder {
        let entry = self.entry();
        let builder = match self.host() {
            Host::Wasm => builder.host(Host::Wasm),
            Host::Native => builder,
        };
        builder.edit(move |bootstrap| *http_filter(bootstrap, "keyward") = entry)
    }

    /// Adds a listener like the gateway's, with this plugin.
    pub fn on_its_own_listener(&self, builder: Builder, listener: &'static str) -> Builder {
        with_listener(builder, listener, self.entry())
    }
}

/// Adds a listener like the gateway's, with another first filter.
pub fn with_listener(builder: Builder, listener: &'static str, entry: Value) -> Builder {
    builder.edit(move |bootstrap| {
        let mut added = at(bootstrap, "/static_resources/listeners/0").clone();
        added["name"] = json!(listener);
        let filters = at(
            &mut added,
            "/filter_chains/0/filters/0/typed_config/http_filters",
        );
        filters[0] = entry;
        let listeners = at(bootstrap, "/static_resources/listeners");
        listeners.as_array_mut().unwrap().push(added);
    })
}

/// Returns the address of the listener with this name.
#[track_caller]
pub fn address_of(envoy: &Envoy, listener: &str) -> std::net::SocketAddr {
    let page = envoy.admin("GET", "/listeners?format=json").json();
    let statuses = page["listener_statuses"].as_array().unwrap().clone();
    let status = statuses
        .into_iter()
        .find(|status| status["name"] == listener);
    let address = &status.unwrap()["local_address"]["socket_address"];
    let text = format!(
        "{}:{}",
        address["address"].as_str().unwrap(),
        address["port_value"]
    );
    text.parse().unwrap()
}

/// The calls between filter and Envoy. Envoy's restriction is a list of the allowed ones.
const CALLS: [&str; 41] = [
    "proxy_log",
    "proxy_get_current_time_nanoseconds",
    "proxy_get_buffer_bytes",
    "proxy_get_header_map_pairs",
    "proxy_add_header_map_value",
    "proxy_remove_header_map_value",
    "proxy_get_property",
    "proxy_set_property",
    "proxy_send_local_response",
    "proxy_close_stream",
    "proxy_define_metric",
    "proxy_record_metric",
    "proxy_increment_metric",
    "proxy_set_tick_period_milliseconds",
    "proxy_get_shared_data",
    "proxy_set_shared_data",
    "proxy_set_effective_context",
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_request_headers",
    "proxy_on_request_body",
    "proxy_on_request_trailers",
    "proxy_on_response_headers",
    "proxy_on_response_body",
    "proxy_on_response_trailers",
    "proxy_on_log",
    "proxy_on_done",
    "proxy_on_delete",
    "proxy_on_tick",
    "proxy_on_http_call_response",
    "proxy_http_call",
    "clock_time_get",
    "random_get",
    "environ_get",
    "environ_sizes_get",
    "fd_write",
    "args_get",
    "args_sizes_get",
    "proc_exit",
    "sched_yield",
];
