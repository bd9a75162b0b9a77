//! A real Envoy. It is stopped when this value is dropped, and also when the demo ends without
//! dropping it.

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::folder::{Folder, root};
use crate::http::{Response, get, post, send};
use crate::wait::eventually;

/// Arguments for every Envoy here: the access log within a hundredth of a second (the default is
/// ten seconds), and no conflict with other Envoys over shared memory.
pub(crate) const ARGUMENTS: [&str; 5] = [
    "-c",
    "envoy/bootstrap.yaml",
    "--file-flush-interval-msec",
    "10",
    "--disable-hot-restart",
];

/// Returns the Envoy that `scripts/envoy.sh` finds.
pub(crate) fn binary() -> Result<PathBuf> {
    let script = root().join("scripts/envoy.sh");
    let output = Command::new(&script)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| script.display().to_string())?;
    if !output.status.success() {
        bail!("there is no Envoy to start");
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().into())
}

pub(crate) struct Envoy {
    child: Child,
    guard: Option<Child>,
    pub(crate) folder: Folder,
    log: PathBuf,
    access_log: PathBuf,
    admin: SocketAddr,
    pub(crate) gateway: SocketAddr,
}

impl Envoy {
    /// Starts Envoy in `folder`, with its logs there, and waits until it serves.
    pub(crate) fn start(binary: &Path, folder: Folder, workers: u32) -> Result<Self> {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let log = folder.path().with_extension("log");
        let access_log = folder.path().with_extension("access.log");
        let child = Command::new(binary)
            .args(ARGUMENTS)
            .args(["--admin-address-path", "admin.txt"])
            .args(["--concurrency", &workers.to_string()])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(File::create(&access_log)?)
            .stderr(File::create(&log)?)
            .spawn()
            .with_context(|| binary.display().to_string())?;
        let mut envoy = Self {
            child,
            guard: None,
            folder,
            log,
            access_log,
            admin: nowhere,
            gateway: nowhere,
        };
        envoy.guard = Some(guard(envoy.child.id())?);
        (envoy.admin, envoy.gateway) = eventually("Envoy is ready", || envoy.addresses())?;
        Ok(envoy)
    }

    /// Returns the addresses of the admin interface and of the gateway, once Envoy serves.
    fn addresses(&mut self) -> Result<Option<(SocketAddr, SocketAddr)>> {
        if let Some(status) = self.child.try_wait()? {
            let log = fs::read_to_string(&self.log)?;
            let last: Vec<_> = log.lines().rev().take(3).collect();
            let last = last.into_iter().rev().collect::<Vec<_>>().join("\n");
            bail!("Envoy ended at once ({status}):\n{last}");
        }
        let file = self.folder.path().join("admin.txt");
        let Some(admin) = fs::read_to_string(file)
            .ok()
            .and_then(|text| text.trim().parse().ok())
        else {
            return Ok(None);
        };
        if !send(admin, &get("/ready")).is_ok_and(|response| response.status == 200) {
            return Ok(None);
        }
        let listeners = send(admin, &get("/listeners?format=json"))?.json();
        let gateway = listeners["listener_statuses"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|listener| listener["name"] == "gateway")
            .and_then(|listener| listener["local_address"]["socket_address"]["port_value"].as_u64())
            .and_then(|port| u16::try_from(port).ok());
        Ok(gateway.map(|port| (admin, SocketAddr::from(([127, 0, 0, 1], port)))))
    }

    pub(crate) fn admin(&self, path: &'static str) -> Result<Response> {
        send(self.admin, &get(path))
    }

    /// Waits for a line of Envoy's log that contains `text`, and returns the last one from `text`
    /// on.
    pub(crate) fn logged(&self, text: &str) -> Result<String> {
        eventually(&format!("Envoy logs `{text}`"), || {
            let log = fs::read_to_string(&self.log)?;
            let found = log.lines().rev().find_map(|line| {
                Some(line.find(text))
                    .flatten()
                    .and_then(|start| line.get(start..))
            });
            Ok(found.map(str::to_owned))
        })
    }

    /// Waits for a line of the access log about `path`, and returns the last one.
    pub(crate) fn access(&self, path: &str) -> Result<Value> {
        eventually(&format!("the access log has `{path}`"), || {
            let log = fs::read_to_string(&self.access_log)?;
            let lines = log
                .lines()
                .rev()
                .filter_map(|line| serde_json::from_str(line).ok());
            Ok(lines.into_iter().find(|line: &Value| line["path"] == path))
        })
    }
}

/// Starts a shell that kills a process if the demo ends without cleaning up (Ctrl-C, a crash): it
/// reads from a pipe. A line means that the process has been waited for, and that another process
/// may have its id by now.
pub(crate) fn guard(envoy: u32) -> Result<Child> {
    let script = "trap '' INT TERM HUP; read -r _ || kill -KILL \"$0\" 2>/dev/null";
    Command::new("/bin/sh")
        .args(["-c", script, &envoy.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("/bin/sh")
}

impl Drop for Envoy {
    fn drop(&mut self) {
        // On this request, Envoy writes the rest of its logs.
        if send(self.admin, &post("/quitquitquit")).is_ok() {
            let _ = eventually("Envoy ends", || Ok(self.child.try_wait()?));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(mut guard) = self.guard.take() {
            if let Some(mut pipe) = guard.stdin.take() {
                let _ = pipe.write_all(b"ended\n");
            }
            let _ = guard.wait();
        }
    }
}
