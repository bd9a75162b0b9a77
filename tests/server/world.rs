//! A server and the Envoy in front of it, made by `init` as an operator makes them.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use keyward_harness::http::{Connection, Response, request};
use keyward_harness::process::{Folder, Guarded};
use keyward_harness::{BOUND, LONG, eventually, find};
use serde_json::Value;

use crate::minted::{self, Minted};
use crate::serving::serve_with;
pub(crate) use crate::serving::{command, serve_in, with_logs};

/// The maximum time until a change reaches every worker: a publication, Envoy's look at the file,
/// and the load, on a busy machine.
pub(crate) const PROPAGATION: Duration = Duration::from_secs(10);

pub(crate) struct World {
    // Before the folder: the processes go first.
    envoy: Option<Guarded>,
    pub(crate) server: Guarded,
    pub(crate) folder: Folder,
    pub(crate) gateway: SocketAddr,
    /// The value of the first key.
    pub(crate) first: String,
    environment: Environment,
    minted: Minted,
}

/// What the server finds in its environment.
pub(crate) type Environment = Vec<(&'static str, OsString)>;

impl World {
    pub(crate) fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// Like [`Self::start`], but calls `prepare` with the data folder before the server starts.
    pub(crate) fn start_with(prepare: impl FnOnce(&Path)) -> Self {
        Self::start_by(&[], Environment::new(), prepare)
    }

    /// The same with an environment of the server.
    pub(crate) fn start_in(environment: Environment, prepare: impl FnOnce(&Path)) -> Self {
        Self::start_by(&[], environment, prepare)
    }

    /// The same, by more arguments of `init`.
    pub(crate) fn start_by(
        more: &[&str],
        environment: Environment,
        prepare: impl FnOnce(&Path),
    ) -> Self {
        let folder = Folder::new("server");
        let data = folder.path().join("data");
        let made = command()
            .args(["init", "--data"])
            .arg(&data)
            .arg("--wasm")
            .arg(find::wasm())
            .args(more)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{said}");
        let first = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        assert!(
            !said.contains(&first),
            "the value is on standard error, too"
        );
        let file = data.join("keyward-server.toml");
        let text = fs::read_to_string(&file).unwrap();
        let text = text.replace(
            "return_origins = []",
            "return_origins = [\"http://localhost\"]\nname = \"Widgets\"\naccent = \"#0b6b3a\"",
        );
        assert!(text.contains("name = \"Widgets\""), "{text}");
        fs::write(&file, text).unwrap();
        prepare(&data);
        let server = serve_with(folder.path(), &[], &environment);
        on_free_ports(&folder);
        let admin_file = folder.path().join("admin.txt");
        let envoy = Guarded::spawn(
            Command::new(find::envoy())
                .arg("-c")
                .arg(data.join("envoy/control.yaml"))
                .args(["--use-dynamic-base-id", "--concurrency", "2"])
                .arg("--admin-address-path")
                .arg(&admin_file)
                .args(["--file-flush-interval-msec", "10"])
                .stdout(File::create(folder.path().join("access.log")).unwrap())
                .stderr(File::create(folder.path().join("envoy.log")).unwrap()),
        )
        .unwrap();
        let gateway = eventually("Envoy listens", BOUND, || {
            gateway(fs::read_to_string(&admin_file).ok()?.trim().parse().ok()?)
        });
        let world = Self {
            envoy: Some(envoy),
            server,
            gateway,
            folder,
            first,
            environment,
            minted: Minted::default(),
        };
        world.minted.note(&world.first);
        let authorization = format!("Bearer {}", world.first);
        let headers = [("authorization", authorization.as_str())];
        eventually("the API answers through Envoy", BOUND, || {
            let mut connection = Connection::try_open(world.gateway).ok()?;
            let answer = connection.try_request("GET", "/v2/iam/api_keys", &headers, b"");
            (answer.ok()?.status == 200).then_some(())
        });
        world
    }

    /// Kills the server, as `kill -9` does, and starts it again.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.serve(&[]);
    }

    /// Starts it again, with more arguments.
    pub(crate) fn serve(&mut self, more: &[&str]) {
        self.server = serve_with(self.folder.path(), more, &self.environment);
    }

    /// `kill -9`
    pub(crate) fn kill(&mut self) {
        let id = self.server.id().to_string();
        let killed = Command::new("kill").args(["-KILL", &id]).status().unwrap();
        assert!(killed.success());
        // It ends once the disk has answered its last write, which may take long where others write.
        eventually("the server is gone", LONG, || {
            self.server.has_ended().then_some(())
        });
    }

    /// The process of the Envoy before the server.
    pub(crate) fn envoy_id(&self) -> u32 {
        self.envoy.as_ref().unwrap().id()
    }

    /// Ends the Envoy before the server as well: its machine is gone.
    pub(crate) fn kill_gateway(&mut self) {
        self.kill();
        self.envoy.take();
    }

    /// One of the server's commands, on its configuration.
    pub(crate) fn command(&self, name: &str, more: &[&str]) -> Output {
        let file = self.data().join("keyward-server.toml");
        let mut command = command();
        command.arg(name).arg("--config").arg(file).args(more);
        command.envs(self.environment.iter().cloned());
        command.output().unwrap()
    }

    /// Edits the server's configuration.
    pub(crate) fn configure(&self, edit: impl FnOnce(String) -> String) {
        let file = self.data().join("keyward-server.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, edit(text)).unwrap();
    }

    /// The page for Prometheus.
    pub(crate) fn metrics(&self) -> String {
        self.health("/metrics").1
    }

    /// What the admin socket answers at a path of supervisors: the status and the body.
    pub(crate) fn health(&self, path: &str) -> (String, String) {
        let output = Command::new("curl")
            .args(["--silent", "--write-out", "%{stderr}%{http_code}"])
            .arg("--unix-socket")
            .arg(self.data().join("admin/admin.sock"))
            .arg(format!("http://localhost{path}"))
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stderr), text(output.stdout))
    }

    /// Whether the page has this line.
    pub(crate) fn measures(&self, line: &str) -> bool {
        self.metrics().lines().any(|there| there == line)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Sends a request with the first key.
    pub(crate) fn api(&self, method: &str, path: &str, body: Option<Value>) -> Response {
        self.call(&self.first, method, path, body)
    }

    /// Sends a request with any key.
    pub(crate) fn call(
        &self,
        key: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Response {
        self.call_with(key, method, path, body, &[])
    }

    pub(crate) fn call_with(
        &self,
        key: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
        more: &[(&str, &str)],
    ) -> Response {
        let authorization = format!("Bearer {key}");
        let mut headers = vec![("authorization", authorization.as_str())];
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let length = body.len().to_string();
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
            headers.push(("content-length", &length));
        }
        headers.extend_from_slice(more);
        let answer = request(self.gateway, method, path, &headers, body.as_bytes());
        self.minted.note_those_of(&answer);
        answer
    }

    /// Makes an account with a policy that allows its keys whatever their maker allows.
    pub(crate) fn account(&self, id: &str) {
        let body = serde_json::json!({"id": id, "name": "Widgets", "policy": "operator"});
        let made = self.api("POST", "/v2/keyward/accounts", Some(body));
        assert_eq!(made.status, 200, "{}", made.text());
    }

    /// Makes a restricted test key of an account. Returns its id and its value.
    pub(crate) fn key(&self, owner: &str, permissions: &[&str]) -> (String, String) {
        let made = self.api(
            "POST",
            "/v2/iam/api_keys",
            Some(serde_json::json!({
                "type": "secret_key", "permissions": permissions,
                "keyward": {"owner": owner, "livemode": false},
            })),
        );
        assert_eq!(made.status, 200, "{}", made.text());
        let made = made.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&made["id"]), text(&made["secret_key"]["token"]))
    }

    /// Returns the secret that Envoy sends to the server.
    pub(crate) fn gateway_secret(&self) -> String {
        let text = fs::read_to_string(self.data().join("envoy/control.yaml")).unwrap();
        let after = text
            .split_once("key: x-keyward-gateway, value: ")
            .unwrap()
            .1;
        after.split_once('}').unwrap().0.to_owned()
    }

    /// Sends a request directly to a socket.
    pub(crate) fn straight(&self, socket: &str, head: &[(&str, &str)], path: &str) -> (u16, Value) {
        straight(&self.data().join(socket), "GET", path, head, None)
    }

    /// Asserts that no value is in anything that was written: the store with its log, and Envoy's
    /// files, access log and messages.
    pub(crate) fn assert_nowhere(&self, values: &[&str]) {
        minted::assert_nowhere(self.folder.path(), values);
    }
}

impl Drop for World {
    /// At the end of every test, the value of every key that its requests made is in no file.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.minted.assert_nowhere(self.folder.path());
        }
    }
}

/// Sends a request directly to a socket.
pub(crate) fn straight(
    socket: &Path,
    method: &str,
    path: &str,
    head: &[(&str, &str)],
    body: Option<&Value>,
) -> (u16, Value) {
    try_straight(socket, method, path, head, body).unwrap()
}

/// Like [`straight`], to a server that may exit meanwhile.
pub(crate) fn try_straight(
    socket: &Path,
    method: &str,
    path: &str,
    head: &[(&str, &str)],
    body: Option<&Value>,
) -> Option<(u16, Value)> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(BOUND)).unwrap();
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
    for (name, value) in head {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    if !body.is_empty() {
        let length = body.len();
        text.push_str(&format!(
            "content-type: application/json\r\ncontent-length: {length}\r\n"
        ));
    }
    text.push_str("\r\n");
    text.push_str(&body);
    stream.write_all(text.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let body = answer.split_once("\r\n\r\n")?.1;
    Some((status, serde_json::from_str(body).unwrap_or_default()))
}

/// Lets the kernel choose the ports. The upstream needs an address before it has a port, so it
/// listens on a socket.
fn on_free_ports(folder: &Folder) {
    let file = folder.path().join("data/envoy/control.yaml");
    let mut text = fs::read_to_string(&file).unwrap();
    let upstream = "socket_address: {address: 127.0.0.1, port_value: 10001}";
    let socket = folder.path().join("upstream.sock");
    let edits = [
        ("port_value: 10000}", "port_value: 0}".to_owned(), 1),
        ("port_value: 9901}", "port_value: 0}".to_owned(), 1),
        (upstream, format!("pipe: {{path: {}}}", socket.display()), 2),
    ];
    for (from, to, count) in edits {
        assert_eq!(text.matches(from).count(), count, "{from}");
        text = text.replace(from, &to);
    }
    fs::write(file, text).unwrap();
}

/// Returns the gateway's address once it listens.
fn gateway(admin: SocketAddr) -> Option<SocketAddr> {
    let mut connection = Connection::try_open(admin).ok()?;
    let no_headers: [(&str, &str); 0] = [];
    let path = "/listeners?format=json";
    let listed = connection.try_request("GET", path, &no_headers, b"").ok()?;
    let listed: Value = serde_json::from_slice(&listed.body).ok()?;
    let all = listed["listener_statuses"].as_array()?;
    let found = all.iter().find(|listener| listener["name"] == "gateway")?;
    let port = &found["local_address"]["socket_address"]["port_value"];
    let port = u16::try_from(port.as_u64()?).ok()?;
    Some(SocketAddr::from(([127, 0, 0, 1], port)))
}

pub(crate) fn each_file(folder: &Path, each: &mut dyn FnMut(&Path, &[u8])) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            each_file(&path, each);
        } else if kind.is_file() {
            each(&path, &fs::read(&path).unwrap());
        }
    }
}
