//! `make server`: keyward-server with an Envoy in front of it, from an empty folder, in the
//! foreground.

use std::fs::{self, File};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::envoy;
use crate::folder::{Host, remove, root};
use crate::http::{post, send};
use crate::screen::Screen;
use crate::wait::eventually;

/// The ports of the gateway, of Envoy's admin interface, and of the upstream that Envoy itself
/// plays.
const PORTS: [(&str, u16); 3] = [
    ("--port", 10_000),
    ("--admin-port", 9_901),
    ("--upstream-port", 10_001),
];

pub(crate) const URL: &str = "http://127.0.0.1:10000";

/// The printed commands make a key for this account.
const ACCOUNT: &str = "acct_demo";

/// Runs until Envoy or the server ends. Ctrl-C ends both.
pub(crate) fn run() -> Result<()> {
    let mut stage = Stage::set("server", &requests)?;
    account(&stage.first)?;
    let link = link(&stage.binary, &stage.data)?;
    say(&stage.first, &link, &stage.data);
    std::io::stdout().flush()?;
    stage.stay(&mut [])
}

/// keyward-server and the Envoy in front of it. Both end when this is dropped.
pub(crate) struct Stage {
    binary: PathBuf,
    pub(crate) data: PathBuf,
    /// The value of the first key.
    pub(crate) first: String,
    envoy: Running,
    server: Running,
}

impl Stage {
    /// Starts both from an empty folder below `target`, with an edited configuration.
    pub(crate) fn set(name: &str, edit: &dyn Fn(&str) -> Result<String>) -> Result<Self> {
        for (_, port) in PORTS {
            free(port)?;
        }
        let binary = root().join("target/debug/keyward-server");
        let folder = root().join("target").join(name);
        remove(&folder)?;
        fs::create_dir_all(&folder)?;
        let data = folder.join("data");
        let first = init(&binary, &data)?;
        let configuration = data.join("keyward-server.toml");
        let text = fs::read_to_string(&configuration)?;
        fs::write(&configuration, edit(&text)?)?;
        let mut server = Running::start(
            Command::new(&binary)
                .args(["serve", "--config"])
                .arg(data.join("keyward-server.toml"))
                .stderr(File::create(folder.join("server.log"))?),
        )?;
        let socket = data.join("admin/admin.sock");
        eventually("keyward-server is ready", || {
            if let Some(status) = server.child.try_wait()? {
                let log = fs::read_to_string(folder.join("server.log"))?;
                bail!("keyward-server ended at once ({status}):\n{log}");
            }
            Ok(socket.exists().then_some(()))
        })?;
        let envoy = Running::start(
            Command::new(envoy::binary()?)
                .arg("-c")
                .arg(data.join("envoy/control.yaml"))
                .args(["--disable-hot-restart", "--log-level", "warning"])
                .args(["--file-flush-interval-msec", "10"])
                .stdout(File::create(folder.join("access.log"))?)
                .stderr(File::create(folder.join("envoy.log"))?),
        )?;
        Ok(Self {
            binary,
            data,
            first,
            envoy,
            server,
        })
    }

    /// Waits until one of them, or one of `more`, ends.
    pub(crate) fn stay(&mut self, more: &mut [&mut Running]) -> Result<()> {
        let mut ended = None;
        while ended.is_none() {
            let both = [&mut self.envoy, &mut self.server];
            for running in both
                .into_iter()
                .chain(more.iter_mut().map(|one| &mut **one))
            {
                ended = ended.or(running.child.try_wait()?);
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        let folder = shown(self.data.parent().unwrap_or(&self.data));
        bail!("Envoy, keyward-server or what runs beside them ended; the logs are in {folder}");
    }
}

/// Fails if a port is in use.
pub(crate) fn free(port: u16) -> Result<()> {
    if TcpListener::bind(("127.0.0.1", port)).is_err() {
        bail!("port {port} of 127.0.0.1 is taken: stop what listens there");
    }
    Ok(())
}

/// Makes the store, and returns the first key. It is shown once, further down.
fn init(binary: &Path, data: &Path) -> Result<String> {
    let mut command = Command::new(binary);
    command.args(["init", "--data"]).arg(data);
    command.arg("--wasm").arg(Host::Wasm.filter()?);
    for (name, port) in PORTS {
        command.args([name, &port.to_string()]);
    }
    let made = command
        .output()
        .with_context(|| format!("{}, which `make server` builds", binary.display()))?;
    if !made.status.success() {
        bail!("{}", String::from_utf8_lossy(&made.stderr));
    }
    Ok(String::from_utf8(made.stdout)?.trim().to_owned())
}

/// Makes an account for the keys, through the gateway once it serves.
fn account(first: &str) -> Result<()> {
    let body = format!(r#"{{"id": "{ACCOUNT}", "name": "Demo", "policy": "operator"}}"#);
    made(first, "/v2/keyward/accounts", &body).map(|_| ())
}

/// Returns the API's answer to a request with the first key, once the gateway serves.
pub(crate) fn made(first: &str, path: &'static str, body: &str) -> Result<String> {
    let [(_, port), ..] = PORTS;
    let to = SocketAddr::from(([127, 0, 0, 1], port));
    eventually("the API answers through Envoy", || {
        let answer = send(to, &post(path).json(first, body));
        Ok(answer
            .ok()
            .filter(|answer| answer.status == 200)
            .map(|answer| answer.body))
    })
}

/// Returns the configuration with the access log of its Envoy added.
pub(crate) fn requests(text: &str) -> Result<String> {
    let none = "[requests]\nfiles = []";
    if !text.contains(none) {
        bail!("the configuration has no `{none}`");
    }
    Ok(text.replace(none, "[requests]\nfiles = [\"../access.log\"]"))
}

/// Returns a link to the console for the person at this terminal.
fn link(binary: &Path, data: &Path) -> Result<String> {
    let made = Command::new(binary)
        .args([
            "link",
            "--role",
            "admin",
            "--for",
            "you@localhost",
            "--expires-in",
            "900",
            "--data",
        ])
        .arg(data)
        .output()?;
    if !made.status.success() {
        bail!("{}", String::from_utf8_lossy(&made.stderr));
    }
    Ok(String::from_utf8(made.stdout)?.trim().to_owned())
}

fn say(first: &str, link: &str, data: &Path) {
    let screen = Screen::new();
    screen.prose(&format!(
        "keyward-server behind Envoy on {URL}. Ctrl-C stops both. This is a demonstration: everything runs as one user, so whatever \
         that user runs can speak for the gateway. In production Envoy has a user of its own (docs/server.md)."
    ));
    screen.heading("The first key");
    screen.prose("It may manage everything. Its value was made just now, and is shown here and nowhere else.");
    println!("\n  {first}");
    screen.heading("The console");
    screen.prose("Open this link in a browser to manage keys on pages. It can be used once, within 15 minutes.");
    println!("\n  {link}");
    screen.prose(&format!(
        "Another one: target/debug/keyward-server link --data {} --role admin --for you@localhost",
        shown(data)
    ));
    screen.heading("Make a key, use it, end it");
    screen.prose("Paste these one after the other. The value of the new key is in the first answer, and in no other.");
    let body = format!(
        r#"{{"type": "secret_key", "name": "Support desk", "permissions": ["customer_read"], "keyward": {{"owner": "{ACCOUNT}", "livemode": false}}}}"#
    );
    println!(
        "\n  made=$(curl -s -u {first}: -H 'Content-Type: application/json' -H 'Prefer: wait=5' -d '{body}' {URL}/v2/iam/api_keys); echo \"$made\""
    );
    println!(
        "\n  curl -u \"$(echo \"$made\" | sed -n 's/.*\"token\": \"\\(.*\\)\".*/\\1/p'):\" {URL}/v1/customers   # with -X POST: 403, the key reads only"
    );
    println!(
        "\n  curl -u {first}: -X POST \"{URL}/v2/iam/api_keys/$(echo \"$made\" | sed -n 's/^  \"id\": \"\\(.*\\)\",/\\1/p')/expire\"   # then the second again: 401"
    );
    println!();
    let logs = ["access.log", "envoy.log", "server.log"].map(|log| data.with_file_name(log));
    let logs: Vec<String> = logs.iter().map(|log| shown(log)).collect();
    screen.prose(&format!("Logs: {}", logs.join(", ")));
}

/// Returns a path relative to the project's root, if it is below it.
pub(crate) fn shown(path: &Path) -> String {
    let root: PathBuf = root().components().collect();
    let path = path.strip_prefix(&root).unwrap_or(path);
    path.display().to_string()
}

/// A process that ends with this one, however this one ends.
pub(crate) struct Running {
    child: Child,
    guard: Child,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).spawn()?;
        let guard = envoy::guard(child.id())?;
        Ok(Self { child, guard })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(mut pipe) = self.guard.stdin.take() {
            let _ = pipe.write_all(b"ended\n");
        }
        let _ = self.guard.wait();
    }
}
