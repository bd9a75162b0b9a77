//! A real Envoy, started from the bootstrap we ship. [`Envoy::builder`] makes one; see `push.rs` for new configurations and `observe.rs`
//! for stats and logs.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::builder::{Builder, Ecds};
use super::host::Host;
use super::http::{Connection, NO_HEADERS, Response, request};
use super::process::{Folder, Guarded};
use super::push::{Pushes, write_ecds};
use super::wait::{BOUND, eventually};
use super::{bootstrap, find};

#[derive(Debug)]
pub struct Envoy {
    // Before the folder: the process goes first.
    pub(super) process: Guarded,
    pub(super) folder: Folder,
    _kept: Vec<Arc<Folder>>,
    pub(super) admin: SocketAddr,
    pub(super) gateway: SocketAddr,
    pub(super) host: Host,
    pub(super) wasm: PathBuf,
    pub(super) ecds: Ecds,
    pub(super) concurrency: u32,
    pub(super) pushes: Mutex<Pushes>,
}

impl Envoy {
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(super) fn start(builder: Builder) -> Result<Self, String> {
        let Builder {
            bootstrap,
            concurrency,
            config,
            ecds,
            host,
            wasm,
            arguments,
            environment,
            address_space,
            edits,
            kept,
        } = builder;
        let folder = Folder::new("envoy");
        let directory = folder.path();
        let wasm = wasm.unwrap_or_else(|| host.filter());
        let ecds_file = directory.join("ecds").join(ecds.file());

        fs::create_dir(directory.join("ecds")).unwrap();
        write_ecds(
            (host, ecds),
            &ecds_file,
            1,
            &wasm,
            config.as_deref().unwrap_or("{}"),
        );
        let mut description = bootstrap::read(bootstrap);
        bootstrap::relocate(&mut description, &wasm, &ecds_file);
        for edit in edits {
            edit(&mut description);
        }
        host.take_over(&mut description, &wasm);
        fs::write(
            directory.join("bootstrap.json"),
            serde_json::to_vec_pretty(&description).unwrap(),
        )
        .unwrap();

        let mut command = match address_space {
            None => Command::new(find::envoy()),
            Some(limit) => {
                let mut shell = Command::new("sh");
                let script = format!("ulimit -v {limit} && exec \"$@\"");
                shell.args(["-c", &script, "sh"]).arg(find::envoy());
                shell
            }
        };
        command
            .current_dir(directory)
            .args([
                "-c",
                "bootstrap.json",
                "--admin-address-path",
                "admin.txt",
                "--use-dynamic-base-id",
            ])
            // The access log is written when a buffer is full or this time has passed; the default is 10 s.
            .args([
                "--file-flush-interval-msec",
                "10",
                "--concurrency",
                &concurrency.to_string(),
            ])
            .args(arguments)
            .envs(environment)
            .stdout(File::create(directory.join("access.log")).unwrap())
            .stderr(File::create(directory.join("envoy.log")).unwrap());
        let mut process = Guarded::spawn(&mut command)
            .map_err(|error| format!("{}: {error}", find::envoy().display()))?;

        let (admin, gateway) = eventually("Envoy is ready, or ends", BOUND, || {
            if process.has_ended() {
                let log = fs::read_to_string(directory.join("envoy.log")).unwrap_or_default();
                return Some(Err(format!("Envoy ended:\n{log}")));
            }
            let admin = fs::read_to_string(directory.join("admin.txt"))
                .ok()?
                .trim()
                .parse()
                .ok()?;
            Some(Ok((admin, ready(admin)?)))
        })?;
        let pushes = Mutex::new(Pushes::initial());
        Ok(Self {
            process,
            folder,
            _kept: kept,
            admin,
            gateway,
            host,
            wasm,
            ecds,
            concurrency,
            pushes,
        })
    }

    /// Where requests go.
    pub fn address(&self) -> SocketAddr {
        self.gateway
    }

    /// The file that Envoy watches.
    pub fn ecds_file(&self) -> PathBuf {
        self.folder.path().join("ecds").join(self.ecds.file())
    }

    /// Its working directory, which goes with it.
    pub fn directory(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Envoy's process, to look it up in `/proc`.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    pub fn has_ended(&mut self) -> bool {
        self.process.has_ended()
    }

    /// One request on a connection of its own.
    #[track_caller]
    pub fn request<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        method: &str,
        path: &str,
        headers: &[(N, V)],
        body: &[u8],
    ) -> Response {
        request(self.gateway, method, path, headers, body)
    }

    #[track_caller]
    pub fn get<N: AsRef<[u8]>, V: AsRef<[u8]>>(&self, path: &str, headers: &[(N, V)]) -> Response {
        self.request("GET", path, headers, b"")
    }
}

/// The gateway's address, once Envoy serves.
fn ready(admin: SocketAddr) -> Option<SocketAddr> {
    let ask = |path| {
        Connection::try_open(admin)
            .ok()?
            .try_request("GET", path, NO_HEADERS, b"")
            .ok()
    };
    if ask("/ready")?.status != 200 {
        return None;
    }
    let listeners: Value = serde_json::from_slice(&ask("/listeners?format=json")?.body).ok()?;
    let gateway = listeners["listener_statuses"]
        .as_array()?
        .iter()
        .find(|status| status["name"] == "gateway")?;
    let address = &gateway["local_address"]["socket_address"];
    format!("{}:{}", address["address"].as_str()?, address["port_value"])
        .parse()
        .ok()
}
