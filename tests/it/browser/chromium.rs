//! A page in a headless Chromium, and what it reports. If there is no Chromium, the tests that need
//! one print a line and are skipped.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::process::{Folder, Guarded};
use crate::support::upstream::{Reply, Seen};
use crate::support::{BOUND, LONG, Upstream, eventually};

const PAGE: &str = include_str!("../../browser/page.html");

/// No prompts, accounts or updates, and only protocols over TCP.
pub const FLAGS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// Returns `$CHROMIUM_BIN`, or the Chromium that `scripts/chromium.sh` finds or installs.
fn binary() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM_BIN").filter(|named| !named.is_empty()) {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join("chromium"))
        .find(|path| path.is_file())
}

/// Returns Chromium's path. If Chromium is missing, prints that `test` is skipped, directly to the
/// terminal, because the test harness captures the output of a passing test.
pub fn binary_or_skip(test: &str) -> Option<PathBuf> {
    let found = binary();
    if found.is_none() {
        let line =
            format!("SKIPPED: {test}: no Chromium here (scripts/chromium.sh, or $CHROMIUM_BIN)\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    found
}

/// A server of pages. Its IP address and the name `localhost` make it two origins.
pub(super) struct Site {
    chromium: PathBuf,
    server: Upstream,
    shared: Arc<Mutex<Exchange>>,
}

#[derive(Default)]
struct Exchange {
    calls: Value,
    report: Option<Value>,
}

impl Site {
    /// Starts the server, or returns `None` if there is no Chromium.
    pub(super) fn open(test: &str) -> Option<Self> {
        let chromium = binary_or_skip(test)?;
        let shared = Arc::new(Mutex::new(Exchange::default()));
        let server = Upstream::answering({
            let shared = Arc::clone(&shared);
            move |seen| answer(&mut shared.lock().unwrap(), seen)
        });
        Some(Self {
            chromium,
            server,
            shared,
        })
    }

    /// Returns the origin of its pages.
    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Returns another origin with the same pages.
    pub(super) fn other_origin(&self) -> String {
        format!("http://localhost:{}", self.server.address().port())
    }

    /// Opens the page under `origin` in a new Chromium. Returns what the page saw of each call:
    /// `status`, `headers` and `body`, or `error`.
    #[track_caller]
    pub(super) fn visit(&self, origin: &str, calls: &[Call]) -> Vec<Value> {
        let list = calls.iter().map(|call| &call.0).collect::<Vec<_>>();
        *self.shared.lock().unwrap() = Exchange {
            calls: json!(list),
            report: None,
        };
        let folder = Folder::new("chromium");
        let log = File::create(folder.path().join("chromium.log")).unwrap();
        let profile = folder.path().join("profile");
        let mut command = Command::new(&self.chromium);
        command
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(format!("{origin}/page"))
            .env("HOME", folder.path())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let browser = Guarded::spawn(&mut command)
            .unwrap_or_else(|error| panic!("{}: {error}", self.chromium.display()));
        let report = eventually("the page reports", LONG, || {
            self.shared.lock().unwrap().report.take()
        });
        drop(browser);
        // Chromium's helper processes end a moment later, and write until then.
        eventually("Chromium's profile can be removed", BOUND, || {
            std::fs::remove_dir_all(&profile).ok()
        });
        let seen = report.as_array().unwrap().clone();
        assert_eq!(seen.len(), calls.len());
        seen
    }
}

/// One `fetch` in the page.
pub(super) struct Call(Value);

impl Call {
    pub(super) fn new(method: &str, gateway: SocketAddr, path: &str) -> Self {
        let url = format!("http://{gateway}{path}");
        Self(json!({"url": url, "init": {"method": method, "headers": {}}}))
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.0["init"]["headers"][name] = json!(value);
        self
    }

    /// Sends a form. `fetch` needs no preflight for it.
    pub(super) fn form(mut self, body: &str) -> Self {
        self.0["init"]["body"] = json!(body);
        self.header("content-type", "application/x-www-form-urlencoded")
    }
}

fn answer(exchange: &mut Exchange, seen: &Seen) -> Reply {
    let (status, kind, body) = match seen.path.as_slice() {
        b"/page" => (200, "text/html", PAGE.as_bytes().to_vec()),
        b"/calls" => (
            200,
            "application/json",
            exchange.calls.to_string().into_bytes(),
        ),
        b"/report" => {
            exchange.report = serde_json::from_slice(&seen.body).ok();
            (200, "text/plain", Vec::new())
        }
        _ => (404, "text/plain", Vec::new()),
    };
    Reply {
        status,
        headers: vec![("content-type".to_owned(), kind.to_owned())],
        body,
    }
}
