//! The tour: real requests to real Envoys, each with an expectation. Any other answer is a
//! surprise, and fails the tour.

mod accounts;
mod failures;
mod requests;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use keyward::reason::DenyReason;

use crate::envoy::{self, Envoy};
use crate::folder::{self, Host, root};
use crate::http::{Request, Response, send};
use crate::keys::{Keys, fewer_stars};
use crate::screen::Screen;

/// Plays the whole tour. An error means that it could not continue. A surprise is only counted, and
/// the tour continues.
pub(crate) fn play() -> Result<ExitCode> {
    // It is better to find out what is missing before the tour starts.
    let host = Host::chosen()?;
    let filter = host.filter()?;
    let trap_door = match host {
        Host::Wasm => Some(folder::trap_door_wasm()?),
        Host::Native => None,
    };
    let runs = root().join("target/demo");
    let _lock = lock(&runs)?;
    folder::remove(&runs)?;
    let mut tour = Tour {
        keys: Keys::mint()?,
        screen: Screen::new(),
        binary: envoy::binary()?,
        runs,
        host,
        filter,
        requests: 0,
        surprises: 0,
    };
    tour.screen.prose(&format!(
        "keyward in a real Envoy, started from {} as shipped (on free ports), with keys made \
         just now. What passes is answered by an upstream that shows the identity it received. Replies mask \
         keys to their full length; here four stars stand for more.",
        host.bootstrap()
    ));
    tour.gateway()?;
    match trap_door {
        Some(filter) => tour.broken_worker(&filter)?,
        None => tour.missing_module()?,
    }
    tour.no_key_in_files()?;
    Ok(tour.close())
}

/// What is expected of one request. The answer must contain the texts.
pub(super) enum Expected<'a> {
    /// It passes, and the upstream receives the caller.
    Caller(&'a [&'a str]),
    /// It passes, and the upstream receives no caller.
    Nobody,
    /// keyward denies it, with this text in the message.
    Denied(DenyReason, &'a str),
    /// Envoy answers with this status and this text.
    Envoy(u16, &'a str),
}

pub(super) struct Tour {
    keys: Keys,
    screen: Screen,
    binary: PathBuf,
    runs: PathBuf,
    host: Host,
    filter: PathBuf,
    requests: u64,
    surprises: u64,
}

impl Tour {
    /// Sends a request and shows the answer.
    fn step(
        &mut self,
        envoy: &Envoy,
        topic: &str,
        request: &Request,
        expected: &Expected<'_>,
    ) -> Result<()> {
        self.screen.topic(topic);
        self.screen.sent(&request.shown());
        let response = self.send(envoy, request)?;
        let got = shown(&response);
        match difference(expected, &response) {
            None => {
                self.screen.as_expected(&got.summary);
                if let Some(message) = got.message {
                    self.screen.more(&message);
                }
            }
            Some(wanted) => {
                self.surprises += 1;
                let message = got.message.unwrap_or_default();
                self.screen
                    .surprise(&wanted, &format!("{} {message}", got.summary));
            }
        }
        let raw = self.keys.all().into_iter().map(|key| &key.raw);
        if raw.into_iter().any(|raw| response.body.contains(raw)) {
            self.check("no raw key in a reply", Err("a raw key".to_owned()));
        }
        Ok(())
    }

    /// Sends a request that is not shown.
    fn send(&mut self, envoy: &Envoy, request: &Request) -> Result<Response> {
        self.requests += 1;
        send(envoy.gateway, request)
    }

    /// Shows another condition that must hold for a reply: the expected result, or what happened.
    fn check(&mut self, expected: &str, seen: Result<String, String>) {
        match seen {
            Ok(seen) => self.screen.as_expected(&seen),
            Err(seen) => {
                self.surprises += 1;
                self.screen.surprise(expected, &seen);
            }
        }
    }

    /// Searches everything that is on disk now for keys: configurations, Envoy's logs, access logs.
    fn no_key_in_files(&mut self) -> Result<()> {
        self.screen.heading("No key on disk");
        self.screen.topic(
            "Every file of this run: bootstraps, pushed configurations, Envoy's logs, access logs",
        );
        let mut files = Vec::new();
        collect_files(&self.runs, &mut files)?;
        let mut held = Vec::new();
        for file in &files {
            let bytes = fs::read(file).with_context(|| file.display().to_string())?;
            for key in self.keys.all() {
                for secret in [&key.raw, &key.basic()] {
                    if bytes
                        .windows(secret.len())
                        .any(|part| part == secret.as_bytes())
                    {
                        held.push(format!("{} in {}", key.id, file.display()));
                    }
                }
            }
        }
        let seen = if !held.is_empty() {
            Err(held.join(", "))
        } else if files.len() < 9 {
            Err(format!("{} files only", files.len()))
        } else {
            let (keys, files) = (self.keys.all().len(), files.len());
            Ok(format!(
                "none of the {keys} keys is in any of the {files} files under target/demo, in plain text or in Base64"
            ))
        };
        self.check("no raw key", seen);
        Ok(())
    }

    fn close(&self) -> ExitCode {
        let logs = "Envoy's logs are in target/demo.";
        println!();
        match self.surprises {
            0 => {
                let text = format!("{} requests, all as expected. {logs}", self.requests);
                self.screen.as_expected(&text);
                self.screen
                    .more("`make run` starts the same gateway for your own requests.");
                ExitCode::SUCCESS
            }
            surprises => {
                let plural = if surprises == 1 { "" } else { "s" };
                let got = format!("{surprises} surprise{plural}. {logs}");
                let wanted = format!("{} requests without a surprise", self.requests);
                self.screen.surprise(&wanted, &got);
                ExitCode::FAILURE
            }
        }
    }
}

struct Shown {
    summary: String,
    message: Option<String>,
}

fn shown(response: &Response) -> Shown {
    let status = response.status;
    let body = response.json();
    if let Some(reason) = response.header("x-keyward-denied") {
        let message = body["error"]["message"].as_str().unwrap_or(&response.body);
        return Shown {
            summary: format!("{status} {reason}"),
            message: Some(fewer_stars(message)),
        };
    }
    let summary = match (status, body["principal"].as_str()) {
        (200, Some(principal)) => format!("{status} {principal}"),
        (200, None) if body["path"].is_string() => {
            format!("{status} the upstream gets no identity")
        }
        _ if response.body.trim().is_empty() => format!("{status} and an empty body"),
        _ => format!("{status} {}", response.body.trim()),
    };
    Shown {
        summary,
        message: None,
    }
}

/// Returns what was expected, if `response` differs from it.
fn difference(expected: &Expected<'_>, response: &Response) -> Option<String> {
    let body = response.json();
    let principal = body["principal"].as_str();
    let (is_met, wanted) = match expected {
        Expected::Caller(parts) => (
            response.status == 200
                && principal.is_some_and(|held| parts.iter().all(|part| held.contains(part))),
            format!("200 {}", parts.join(", ")),
        ),
        Expected::Nobody => (
            response.status == 200 && body["path"].is_string() && principal.is_none(),
            "200 without an identity".to_owned(),
        ),
        Expected::Denied(reason, message) => {
            let said = body["error"]["message"].as_str();
            let is_met = response.status == reason.status()
                && response.header("x-keyward-denied") == Some(reason.name())
                && said.is_some_and(|said| said.contains(message));
            let wanted = format!("{} {} {message}", reason.status(), reason.name());
            (is_met, wanted)
        }
        Expected::Envoy(status, text) => (
            response.status == *status
                && response.header("x-keyward-denied").is_none()
                && response.body.contains(text),
            format!("{status} {text}"),
        ),
    };
    (!is_met).then_some(wanted)
}

/// Locks the folder, because two tours at the same time would remove each other's.
fn lock(runs: &Path) -> Result<File> {
    let path = runs.with_extension("lock");
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let file = File::create(&path).with_context(|| path.display().to_string())?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("another `make demo` is running in this folder"),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// Collects the files below `folder`, except those that links point to.
fn collect_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect_files(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}
