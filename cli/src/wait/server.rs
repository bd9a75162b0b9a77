//! Waits until a server reports that every worker of every gateway has a change.

use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use super::PAUSE;
use crate::exit::Exit;
use crate::http::Place;
use crate::output;
use crate::server::{Come, Follower, Server};

/// How long the server delays an answer, in seconds.
const HELD: u64 = 5;

/// What to wait for.
pub(super) struct Wanted<'a> {
    pub(super) place: &'a Place,
    pub(super) key_file: Option<&'a Path>,
    /// The change. `None` for the newest.
    pub(super) change: Option<u64>,
    pub(super) timeout: Duration,
    pub(super) json: bool,
}

pub(super) fn run(wanted: &Wanted<'_>) -> Result<Exit> {
    let server = Server::new(wanted.place, wanted.key_file, None)?;
    let change = match wanted.change {
        Some(change) => change,
        None => server.newest_change()?,
    };
    let start = Instant::now();
    loop {
        let left = wanted.timeout.saturating_sub(start.elapsed());
        let asked = Instant::now();
        let held = left.as_secs().saturating_add(1).min(HELD);
        let come = server.come(change, held)?;
        let is_done = come.state == "everywhere";
        if !is_done && start.elapsed() < wanted.timeout {
            if come.latest_by.is_none() && come.state == "published" {
                // The server answers this immediately, because it will never know more.
                return report(wanted, &server, &come, start.elapsed());
            }
            // With a mirror in between, the server never knows more, and answers immediately.
            if asked.elapsed() < PAUSE {
                thread::sleep(PAUSE);
            }
            continue;
        }
        return report(wanted, &server, &come, start.elapsed());
    }
}

fn report(wanted: &Wanted<'_>, server: &Server, come: &Come, took: Duration) -> Result<Exit> {
    let is_done = come.state == "everywhere";
    let late = match is_done {
        true => None,
        false => server.late_gateways()?,
    };
    if wanted.json {
        let names = late.iter().flatten().map(|gateway| gateway.name.as_str());
        output::print_json(&json!({
            "change": come.number, "state": come.state, "revision": come.revision,
            "latest_by": come.latest_by, "seconds": took.as_secs_f64(),
            "late_gateways": names.collect::<Vec<_>>(),
        }))?;
    } else {
        let mut out = output::stdout();
        let revision = come
            .revision
            .map(|revision| format!(", as revision {revision}"));
        let revision = revision.unwrap_or_default();
        writeln!(out, "change {}: {}{revision}", come.number, come.state)?;
        if let Some(until) = &come.latest_by {
            writeln!(out, "gateways that lack it deny everything from {until} on")?;
        }
        for gateway in late.iter().flatten() {
            writeln!(out, "{}", line(gateway))?;
        }
    }
    if is_done {
        return Ok(Exit::Good);
    }
    writeln!(
        output::stderr(),
        "keyward: change {} is not everywhere after {:.1} s{}",
        come.number,
        took.as_secs_f64(),
        match (come.state.as_str(), &come.latest_by) {
            ("published", None) =>
                "; the server cannot know more: gateways watch a file, which says nothing of them",
            _ => "",
        }
    )?;
    Ok(Exit::Failed)
}

fn line(gateway: &Follower) -> String {
    let workers = &gateway.workers;
    let why = gateway.refused_for.as_ref();
    let why = why.map(|word| format!(" ({word})")).unwrap_or_default();
    format!(
        "{}: {}{why}: {} of {} workers serve the newest revision",
        gateway.name, gateway.state, workers.serving, workers.all
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_gateway_is_named_with_what_is_wrong() {
        let gateway: Follower = serde_json::from_value(json!({
            "name": "edge-3", "state": "refused", "refused_for": "hash",
            "workers": {"all": 3, "serving": 1, "silent": 0},
        }))
        .unwrap();
        assert_eq!(
            line(&gateway),
            "edge-3: refused (hash): 1 of 3 workers serve the newest revision"
        );
    }
}
