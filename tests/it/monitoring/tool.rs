//! The real Prometheus: `promtool`, and a server that scrapes an Envoy.

use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::find::root;
use crate::support::http::{Connection, NO_HEADERS};
use crate::support::process::{Folder, Guarded};
use crate::support::{BOUND, eventually};

/// The folder with the programs.
pub struct Tools(&'static Path);

impl Tools {
    /// Finds the programs. If the machine cannot have them, prints a line and returns `None`.
    pub fn find(what: &str) -> Option<Self> {
        static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
        let found = FOUND.get_or_init(|| {
            let script = root().join("scripts/prometheus.sh");
            let output = Command::new(&script).output().unwrap();
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            match output.status.code() {
                Some(0) => Some(PathBuf::from(
                    String::from_utf8(output.stdout).unwrap().trim(),
                )),
                Some(3) => None,
                _ => panic!("{}: {text}", script.display()),
            }
        });
        if found.is_none() {
            eprintln!("skipped without Prometheus: {what}");
        }
        found.as_deref().map(Self)
    }

    pub fn promtool(&self) -> PathBuf {
        self.0.join("promtool")
    }

    /// Returns what `promtool check metrics` reports about a page.
    pub fn check_metrics(&self, page: &str) -> String {
        let mut child = Command::new(self.promtool())
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(page.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }
}

/// A server that scrapes one Envoy twice a second.
pub struct Prometheus {
    // Declared before the folder, because the process must end first.
    _process: Guarded,
    _folder: Folder,
    address: SocketAddr,
}

impl Prometheus {
    pub fn start(tools: &Tools, envoy: SocketAddr, rules: &Path) -> Self {
        let folder = Folder::new("prometheus");
        let configuration = json!({
            "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"},
            "rule_files": [rules],
            "scrape_configs": [{"job_name": "envoy", "metrics_path": "/stats/prometheus", "static_configs": [{"targets": [envoy.to_string()]}]}],
        });
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, configuration.to_string()).unwrap();
        // Prometheus does not report which port it chose, so the test picks one that was free a
        // moment ago.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .unwrap();
        let log = folder.path().join("log");
        let mut command = Command::new(tools.0.join("prometheus"));
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap());
        let mut process = Guarded::spawn(&mut command).unwrap();
        eventually("Prometheus is ready, or ends", BOUND, || {
            assert!(
                !process.has_ended(),
                "{}",
                fs::read_to_string(&log).unwrap()
            );
            let ready = Connection::try_open(address)
                .ok()?
                .try_request("GET", "/-/ready", NO_HEADERS, b"")
                .ok()?;
            (ready.status == 200).then_some(())
        });
        Self {
            _process: process,
            _folder: folder,
            address,
        }
    }

    fn get(&self, path: &str) -> Value {
        let mut connection = Connection::open(self.address);
        let answer = connection.request("GET", path, NO_HEADERS, b"").json();
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer["data"].clone()
    }

    /// Returns the current values of an expression.
    #[track_caller]
    pub fn query(&self, expression: &str) -> Vec<String> {
        let encoded: String = expression
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect();
        let data = self.get(&format!("/api/v1/query?query={encoded}"));
        let results = data["result"].as_array().unwrap().iter();
        results
            .map(|result| result["value"][1].as_str().unwrap().to_owned())
            .collect()
    }

    /// Waits until an expression has this single value.
    #[track_caller]
    pub fn wait_for(&self, expression: &str, value: &str) {
        eventually(&format!("`{expression}` is {value}"), BOUND, || {
            (self.query(expression) == [value]).then_some(())
        });
    }

    /// Returns every alert and its health, once all have been evaluated.
    pub fn evaluated(&self) -> Option<Vec<(String, String)>> {
        let data = self.get("/api/v1/rules");
        let rules = data["groups"][0]["rules"].as_array()?;
        let text = |rule: &Value, name: &str| rule[name].as_str().unwrap().to_owned();
        let all = rules
            .iter()
            .map(|rule| (text(rule, "name"), text(rule, "health")));
        let all: Vec<_> = all.collect();
        all.iter()
            .all(|(_, health)| health != "unknown")
            .then_some(all)
    }
}
