//! A real Envoy, started from the bootstrap that keyward ships. [`Envoy::builder`] makes one. See
//! `push.rs` for new configurations and `observe.rs` for stats and logs.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::builder::{Builder, Ecds};
use super::host::Host;
use super::http::{Connection, NO_HEADERS, Response, request};
use super::pool::{Lent, Pool};
use super::process::{Folder, Guarded};
use super::push::{Pushes, write_ecds};
use super::wait::{BOUND, eventually};
use super::{bootstrap, find};

#[derive(Debug)]
pub struct Envoy {
    // Declared before the folder, because fields are dropped in order and the process must end
    // first.
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
    /// The offset in the access log where the current test's part begins.
    pub(super) page: AtomicU64,
}

impl Envoy {
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(super) fn start(builder: Builder) -> Result<Self, String> {
        Prepared::new(builder).start()
    }

    /// Returns an Envoy with the same bootstrap that another test has finished with, or a new one.
    pub(super) fn lent(builder: Builder) -> Lent<Self> {
        static POOL: Pool<Envoy> = Pool::new();
        let prepared = Prepared::new(builder);
        let lent = POOL.take(prepared.shape(), || {
            prepared.start().unwrap_or_else(|error| panic!("{error}"))
        });
        if lent.is_used() {
            lent.turn_the_page();
        }
        lent
    }

    /// Makes the access log begin with what is written after this call.
    pub fn turn_the_page(&self) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // Once this request is in the log, all earlier requests are.
        let path = format!("/page/{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.get(&path, NO_HEADERS);
        self.logged_path(&path);
        self.page.store(self.written(), Ordering::Relaxed);
    }

    /// Returns the gateway's address.
    pub fn address(&self) -> SocketAddr {
        self.gateway
    }

    /// Returns what runs the filter in this Envoy.
    pub fn host(&self) -> Host {
        self.host
    }

    /// Returns the path of the file that Envoy watches.
    pub fn ecds_file(&self) -> PathBuf {
        self.folder.path().join("ecds").join(self.ecds.file())
    }

    /// Returns Envoy's working directory, which is deleted with it.
    pub fn directory(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Returns the id of Envoy's process, to look it up in `/proc`.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    pub fn has_ended(&mut self) -> bool {
        self.process.has_ended()
    }

    /// Sends one request on its own connection.
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

/// An Envoy whose files are written, but which is not started yet.
struct Prepared {
    folder: Folder,
    kept: Vec<Arc<Folder>>,
    host: Host,
    wasm: PathBuf,
    ecds: Ecds,
    concurrency: u32,
    arguments: Vec<String>,
    environment: Vec<(String, PathBuf)>,
    address_space: Option<u64>,
    program: PathBuf,
    config: String,
    description: String,
}

impl Prepared {
    fn new(builder: Builder) -> Self {
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
            program,
            edits,
            kept,
        } = builder;
        let folder = Folder::new("envoy");
        let directory = folder.path();
        let wasm = wasm.unwrap_or_else(|| host.filter());
        let ecds_file = directory.join("ecds").join(ecds.file());

        fs::create_dir(directory.join("ecds")).unwrap();
        let config = config.unwrap_or_else(|| "{}".to_owned());
        write_ecds((host, ecds), &ecds_file, 1, &wasm, &config);
        let mut description = bootstrap::read(bootstrap);
        bootstrap::relocate(&mut description, &wasm, &ecds_file);
        for edit in edits {
            edit(&mut description);
        }
        host.take_over(&mut description, &wasm);
        let description = serde_json::to_string_pretty(&description).unwrap();
        fs::write(directory.join("bootstrap.json"), &description).unwrap();
        Self {
            folder,
            kept,
            host,
            wasm,
            ecds,
            concurrency,
            arguments,
            environment,
            address_space,
            program: program.unwrap_or_else(|| find::envoy().to_owned()),
            config,
            description,
        }
    }

    /// Returns everything that distinguishes it from other Envoys, except its folder.
    fn shape(&self) -> String {
        let folder = self.folder.path().to_str().unwrap();
        let how = (
            self.ecds,
            self.concurrency,
            &self.arguments,
            &self.environment,
            self.address_space,
            &self.program,
        );
        let bootstrap = self.description.replace(folder, "");
        format!("{how:?} {} {bootstrap}", self.config)
    }

    fn start(self) -> Result<Envoy, String> {
        let directory = self.folder.path();
        let mut command = match self.address_space {
            None => Command::new(&self.program),
            Some(limit) => {
                let mut shell = Command::new("sh");
                let script = format!("ulimit -v {limit} && exec \"$@\"");
                shell.args(["-c", &script, "sh"]).arg(&self.program);
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
            // Envoy writes the access log when a buffer is full or when this time has passed. The
            // default is 10 s.
            .args([
                "--file-flush-interval-msec",
                "10",
                "--concurrency",
                &self.concurrency.to_string(),
            ])
            .args(self.arguments)
            .envs(self.environment)
            .stdout(File::create(directory.join("access.log")).unwrap())
            .stderr(File::create(directory.join("envoy.log")).unwrap());
        let mut process = Guarded::spawn_for_all(command, directory)
            .map_err(|error| format!("{}: {error}", self.program.display()))?;

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
        Ok(Envoy {
            process,
            folder: self.folder,
            _kept: self.kept,
            admin,
            gateway,
            host: self.host,
            wasm: self.wasm,
            ecds: self.ecds,
            concurrency: self.concurrency,
            pushes,
            page: AtomicU64::new(0),
        })
    }
}

/// Returns the gateway's address once Envoy serves.
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
