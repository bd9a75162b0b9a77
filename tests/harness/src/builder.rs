//! Options that make a test's Envoy differ from the one that keyward ships.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::bootstrap::{GATEWAY, allow_upgrades, hcm, remove_http_filter, route_to};
use super::envoy::Envoy;
use super::host::Host;
use super::pool::Lent;
use super::process::Folder;

/// The format of the configuration file that Envoy reads. Envoy goes by its extension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ecds {
    #[default]
    Json,
    /// The format that keyward ships. Slow to read if the file is big.
    Yaml,
    /// Binary protobuf, for big configurations and `BytesValue`.
    Pb,
}

impl Ecds {
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Json => "keyward.json",
            Self::Yaml => "keyward.yaml",
            Self::Pb => "keyward.pb",
        }
    }
}

type Edit = Box<dyn FnOnce(&mut Value)>;

pub struct Builder {
    pub(super) bootstrap: &'static str,
    pub(super) concurrency: u32,
    pub(super) config: Option<String>,
    pub(super) ecds: Ecds,
    pub(super) host: Host,
    pub(super) wasm: Option<PathBuf>,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, PathBuf)>,
    pub(super) address_space: Option<u64>,
    pub(super) program: Option<PathBuf>,
    pub(super) edits: Vec<Edit>,
    pub(super) kept: Vec<Arc<Folder>>,
}

impl Builder {
    pub(super) fn new() -> Self {
        let arguments = [
            "--log-level",
            "warn",
            "--component-log-level",
            "wasm:info,dynamic_modules:info",
        ]
        .map(String::from)
        .to_vec();
        Self {
            bootstrap: GATEWAY,
            concurrency: 1,
            config: None,
            ecds: Ecds::default(),
            host: Host::chosen(),
            wasm: None,
            arguments,
            environment: Vec::new(),
            address_space: None,
            program: None,
            edits: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// Uses another bootstrap that keyward ships, given by its path.
    pub fn bootstrap(mut self, path: &'static str) -> Self {
        self.bootstrap = path;
        self
    }

    /// Sets the number of workers. The default is 1.
    pub fn concurrency(mut self, workers: u32) -> Self {
        self.concurrency = workers;
        self
    }

    /// Sets the initial plugin configuration. The default is `{}`, as in the file that keyward
    /// ships.
    pub fn config(mut self, config: impl Into<String>) -> Self {
        self.config = Some(config.into());
        self
    }

    pub fn ecds(mut self, form: Ecds) -> Self {
        self.ecds = form;
        self
    }

    /// Sets the filter's wasm file. The default is the released filter of the chosen host.
    pub fn wasm(mut self, path: impl Into<PathBuf>) -> Self {
        self.host = Host::Wasm;
        self.wasm = Some(path.into());
        self
    }

    /// Sets the native module.
    pub fn native(mut self, path: impl Into<PathBuf>) -> Self {
        self.host = Host::Native;
        self.wasm = Some(path.into());
        self
    }

    /// Sets what runs the filter, regardless of `KEYWARD_HOST`.
    pub fn host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    /// Appends arguments to Envoy's command line.
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|argument| String::from(*argument)));
        self
    }

    /// Sets a variable in Envoy's environment.
    pub fn environment(mut self, name: &str, value: impl Into<PathBuf>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Limits Envoy's address space, in KiB.
    pub fn address_space(mut self, limit: u64) -> Self {
        self.address_space = Some(limit);
        self
    }

    /// Uses a different Envoy from the one that all other tests use.
    pub fn program(mut self, path: impl Into<PathBuf>) -> Self {
        self.program = Some(path.into());
        self
    }

    /// Logs the filter's debug messages, and Envoy's about the VM.
    pub fn wasm_debug(self) -> Self {
        self.wasm_log("wasm:debug")
    }

    /// Logs every call between Envoy and the VM.
    pub fn wasm_trace(self) -> Self {
        self.wasm_log("wasm:trace")
    }

    fn wasm_log(mut self, level: &str) -> Self {
        for argument in &mut self.arguments {
            if argument.starts_with("wasm:info") {
                *argument = String::from(level);
            }
        }
        self
    }

    /// Changes the bootstrap in any way. The changes are made in the order of the calls, after
    /// ports and paths are set.
    pub fn edit(mut self, edit: impl FnOnce(&mut Value) + 'static) -> Self {
        self.edits.push(Box::new(edit));
        self
    }

    /// Keeps a folder for as long as the Envoy runs.
    pub fn keep(mut self, folder: Arc<Folder>) -> Self {
        self.kept.push(folder);
        self
    }

    pub fn without_interlock(self) -> Self {
        self.edit(|bootstrap| remove_http_filter(bootstrap, "keyward.interlock"))
    }

    /// Sends requests to the test's own upstream and not to the built-in one.
    pub fn upstream(self, address: SocketAddr) -> Self {
        self.edit(move |bootstrap| route_to(bootstrap, address))
    }

    /// Makes Envoy trust this many proxies for `x-forwarded-for`.
    pub fn trusted_hops(self, hops: u32) -> Self {
        self.edit(move |bootstrap| hcm(bootstrap)["xff_num_trusted_hops"] = json!(hops))
    }

    pub fn allow_underscores(self) -> Self {
        self.edit(|bootstrap| {
            hcm(bootstrap)["common_http_protocol_options"]["headers_with_underscores_action"] =
                json!("ALLOW")
        })
    }

    /// Allows upgrades to `websocket`, `CONNECT` and so on.
    pub fn allow_upgrades(self, kinds: &'static [&'static str]) -> Self {
        self.edit(move |bootstrap| allow_upgrades(bootstrap, kinds))
    }

    /// Starts Envoy and waits until it is ready.
    #[track_caller]
    pub fn start(self) -> Envoy {
        self.try_start().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Takes an Envoy for a test that only sends requests and changes nothing: one with the same
    /// bootstrap that another test has finished with, or a new one. The access log starts with this
    /// test, but counters may not be 0.
    #[track_caller]
    pub fn lent(self) -> Lent<Envoy> {
        Envoy::lent(self)
    }

    /// Like [`Self::start`], but returns Envoy's log as the error if Envoy exits. For
    /// configurations that Envoy must reject.
    pub fn try_start(self) -> Result<Envoy, String> {
        Envoy::start(self)
    }
}
