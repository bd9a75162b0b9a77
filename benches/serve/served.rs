//! A released server with many keys, and Envoys that follow its feed by its socket.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use keyward_harness::process::Guarded;
use keyward_harness::{Envoy, eventually};
use keyward_server::store::{Options, Store};
use serde_json::{Value, json};

use crate::entry::NOW;
use crate::fill;

/// How long a server with a million keys may take for anything.
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) struct Served {
    // Before the folder: the process goes first.
    _server: Guarded,
    folder: tempfile::TempDir,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// `$KEYWARD_SERVER_BIN`, or the released one.
fn program() -> PathBuf {
    let named = std::env::var_os("KEYWARD_SERVER_BIN").map(PathBuf::from);
    named.unwrap_or_else(|| root().join("target/release/keyward-server"))
}

/// The configuration without its `[[publish]]`.
fn without_file(text: &str) -> String {
    let (before, after) = text.split_once("[[publish]]").unwrap();
    let (_, after) = after.split_once("\n\n").unwrap();
    format!("{before}{after}")
}

impl Served {
    pub(crate) fn start(keys: u64) -> Self {
        let disk =
            std::env::var_os("KEYWARD_BENCH_DISK").map_or_else(std::env::temp_dir, PathBuf::from);
        let folder = tempfile::tempdir_in(disk).unwrap();
        let data = folder.path().join("data");
        let made = Command::new(program())
            .args(["init", "--data"])
            .arg(&data)
            .args(["--wasm", "/nowhere/keyward.wasm"])
            .stdout(Stdio::null())
            .output();
        let made = made.unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let file = data.join("keyward-server.toml");
        let text = fs::read_to_string(&file).unwrap();
        let read = keyward_server::configuration::Configuration::read(&file).unwrap();
        let store = Store::open(&read.data, &Options::at(NOW)).unwrap();
        runtime.block_on(fill::accounts(&store));
        runtime.block_on(fill::keys(&store, keys));
        drop(store);
        let key = Command::new(root().join("target/release/keyward"))
            .args(["feed", "key", "new"])
            .arg(data.join("feed.sec"))
            .stdout(Stdio::null())
            .status();
        assert!(key.unwrap().success());
        let user = Command::new("id").arg("-u").output().unwrap();
        let user = String::from_utf8(user.stdout).unwrap();
        let user = user.trim();
        // A file holds every key, and is written anew with each change. With so many keys the gateway before the server follows a feed, too.
        let (text, groups) = match keys > 100_000 {
            true => (without_file(&text), r#"["edge", "control"]"#),
            false => (text, r#"["edge"]"#),
        };
        let text = format!(
            "{text}\n[feed]\nname = \"prod\"\nsigning_key = \"feed.sec\"\ngroups = {groups}\n[feed.socket]\npath = \"run/feed.sock\"\ngateways = {{ {user} = \"bench\" }}\n"
        );
        fs::write(&file, text).unwrap();
        let mut command = Command::new(program());
        command.args(["serve", "--config"]).arg(&file);
        let log = folder.path().join("server.log");
        let mut server = Guarded::spawn(command.stderr(fs::File::create(&log).unwrap())).unwrap();
        let socket = data.join("admin/admin.sock");
        eventually("the server answers, or ends", PATIENCE, || {
            if server.has_ended() {
                let log = fs::read_to_string(&log).unwrap();
                panic!("{} ended:\n{log}", program().display());
            }
            UnixStream::connect(&socket).ok()
        });
        let served = Self {
            _server: server,
            folder,
        };
        served.settles();
        served
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name)
    }

    fn ask(&self, method: &str, path: &str, more: &str, body: &str) -> Value {
        let mut stream = UnixStream::connect(self.path("admin/admin.sock")).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{more}content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// A new key.
    pub(crate) fn key(&self) -> String {
        let body = json!({
            "type": "secret_key", "permissions": ["customer_read"],
            "keyward": {"owner": "acct_1", "livemode": true, "override_policy": true, "reason": "a benchmark"},
        });
        let kind = "content-type: application/json\r\n";
        let made = self.ask("POST", "/v2/iam/api_keys", kind, &body.to_string());
        made["id"].as_str().unwrap().to_owned()
    }

    /// Ends a key, and waits until that is proven everywhere.
    pub(crate) fn end(&self, id: &str) {
        let path = format!("/v2/iam/api_keys/{id}/expire");
        let ended = self.ask("POST", &path, "prefer: wait=30\r\n", "");
        let propagation = &ended["keyward"]["propagation"];
        assert_eq!(propagation["state"], "everywhere", "{propagation}");
    }

    /// Waits until nothing is left to publish.
    pub(crate) fn settles(&self) {
        eventually("everything is published", PATIENCE, || {
            let current = self.ask("GET", "/v2/keyward/snapshots/current", "", "");
            (current["behind"] == 0).then_some(())
        });
    }

    /// Waits until so many VMs serve the newest revision.
    pub(crate) fn comes_to(&self, vms: usize) {
        eventually("every VM follows", PATIENCE, || {
            let all = self.ask("GET", "/v2/keyward/gateways", "", "");
            let workers = &all["data"][0]["workers"];
            (workers["serving"] == vms && workers["all"] == vms).then_some(())
        });
    }
}

/// An Envoy that follows the feed by the socket.
pub(crate) fn gateway(served: &Served, workers: u32) -> Envoy {
    let key = Command::new(root().join("target/release/keyward"))
        .args(["feed", "key", "show"])
        .arg(served.path("feed.sec"))
        .output()
        .unwrap();
    let public_key = String::from_utf8(key.stdout).unwrap();
    let configuration = json!({
        "max_snapshot_age": 86_400,
        "feed": {
            "name": "prod", "cluster": "keyward_feed", "authority": "feed.test", "path": "/feed/edge",
            "public_keys": [public_key.trim()], "interval": 1,
        },
    });
    let socket = served.path("run/feed.sock");
    let cluster = json!({
        "name": "keyward_feed", "type": "STATIC", "connect_timeout": "1s",
        "load_assignment": {"cluster_name": "keyward_feed", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": socket}}}}]}]},
    });
    Envoy::builder()
        .config(configuration.to_string())
        .concurrency(workers)
        .edit(move |bootstrap| {
            bootstrap["node"]["id"] = json!("bench");
            let clusters = &mut bootstrap["static_resources"]["clusters"];
            clusters.as_array_mut().unwrap().push(cluster);
        })
        .start()
}
