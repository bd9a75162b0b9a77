//! `keyward fleet`: what polls in access logs claim about the gateways, for a feed that is not
//! served by keyward-server.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value, json};

use super::arguments::shown;
use super::exit::Exit;
use super::output::{self, OutputArguments, Rows, Tone};
use keyward_files::feed::serve::Claim;
use keyward_files::log_files;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Access logs of the feed's source, the oldest first; `-` reads standard input
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// Fail if a worker's last poll claims an earlier revision
    #[arg(long, value_name = "N")]
    revision: Option<u64>,
    #[command(flatten)]
    output: OutputArguments,
}

/// The maximum number of workers that are distinguished. Anyone can invent workers.
const MOST: usize = 200_000;

/// A note in every output.
const NOTE: &str = "what polls say of themselves; nothing verifies it";

/// The last claim of each worker, by gateway.
#[derive(Default)]
struct Claims {
    gateways: BTreeMap<String, BTreeMap<String, Claim>>,
    workers: usize,
    /// The number of polls from workers beyond the maximum.
    beyond: u64,
}

impl Claims {
    fn take(&mut self, claim: Claim) {
        let workers = self.gateways.get(&claim.gateway);
        if !workers.is_some_and(|workers| workers.contains_key(&claim.vm)) {
            if self.workers >= MOST {
                self.beyond = self.beyond.saturating_add(1);
                return;
            }
            self.workers = self.workers.saturating_add(1);
        }
        let workers = self.gateways.entry(claim.gateway.clone()).or_default();
        workers.insert(claim.vm.clone(), claim);
    }
}

/// The summary of a gateway in one line.
struct Summary<'a> {
    name: &'a str,
    workers: usize,
    lowest: u64,
    highest: u64,
    late: usize,
    /// The last states of workers that are not well.
    troubles: Vec<&'a str>,
    versions: Vec<&'a str>,
}

fn summary<'a>(name: &'a str, workers: &'a BTreeMap<String, Claim>, wanted: u64) -> Summary<'a> {
    let revisions = || workers.values().map(|claim| claim.revision.unwrap_or(0));
    let words = |word: fn(&Claim) -> &str| {
        let mut words: Vec<&str> = workers.values().map(word).collect();
        words.sort_unstable();
        words.dedup();
        words
    };
    let mut troubles = words(|claim| &claim.state);
    troubles.retain(|word| !matches!(*word, "ok" | ""));
    Summary {
        name,
        workers: workers.len(),
        lowest: revisions().min().unwrap_or(0),
        highest: revisions().max().unwrap_or(0),
        late: revisions().filter(|revision| *revision < wanted).count(),
        troubles,
        versions: words(|claim| &claim.version),
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let mut claims = Claims::default();
    let tally = log_files::lines(&arguments.logs, shown, &mut |line| {
        let line = String::from_utf8_lossy(line);
        if let Some(claim) = Claim::in_line(&line) {
            claims.take(claim);
        }
    })?;
    let wanted = arguments.revision.unwrap_or(0);
    let all: Vec<Summary<'_>> = claims
        .gateways
        .iter()
        .filter(|(_, workers)| !workers.is_empty())
        .map(|(name, workers)| summary(name, workers, wanted))
        .collect();
    if arguments.output.json {
        output::print_json(&json!({
            "note": NOTE, "beyond": claims.beyond, "lines": tally.json(),
            "gateways": all.iter().map(object).collect::<Vec<_>>(),
        }))?;
    } else {
        rows(&all).print()?;
        writeln!(
            output::stdout(),
            "This is {NOTE}. A worker that stopped is listed; one that never asked is not."
        )?;
        tally.tell(&mut output::stderr())?;
        if claims.beyond > 0 {
            writeln!(
                output::stderr(),
                "keyward: {} polls are of more workers than {MOST}, and are not shown",
                claims.beyond
            )?;
        }
    }
    let is_late = all.iter().any(|gateway| gateway.late > 0);
    match !all.is_empty() && !is_late && tally.is_whole() && claims.beyond == 0 {
        true => Ok(Exit::Good),
        false => Ok(Exit::Failed),
    }
}

fn rows(all: &[Summary<'_>]) -> Rows {
    let mut rows = Rows::new(&["gateway", "workers", "late", "revision", "says", "filter"]);
    for gateway in all {
        let name = match gateway.name {
            "" => "(no name)",
            name => name,
        };
        let revision = match gateway.lowest == gateway.highest {
            true => gateway.lowest.to_string(),
            false => format!("{} to {}", gateway.lowest, gateway.highest),
        };
        let says = match gateway.troubles.is_empty() {
            true => "ok".to_owned(),
            false => gateway.troubles.join(", "),
        };
        let tone = match gateway.late > 0 || !gateway.troubles.is_empty() {
            true => Tone::Bad,
            false => Tone::Plain,
        };
        rows.push([
            (Tone::Plain, name),
            (Tone::Plain, &*gateway.workers.to_string()),
            (tone, &*gateway.late.to_string()),
            (Tone::Plain, &*revision),
            (tone, &*says),
            (Tone::Plain, &*gateway.versions.join(", ")),
        ]);
    }
    rows
}

fn object(gateway: &Summary<'_>) -> Value {
    json!({
        "name": gateway.name, "workers": gateway.workers, "late": gateway.late,
        "lowest_revision": gateway.lowest, "highest_revision": gateway.highest,
        "states": gateway.troubles, "filter_versions": gateway.versions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(gateway: &str, vm: &str, revision: u64, state: &str) -> Claim {
        let agent = format!("keyward/0.1.0 (gw={gateway}; vm={vm}; rev={revision}; state={state})");
        Claim::read(&agent).unwrap()
    }

    #[test]
    fn made_up_gateways_take_no_room_beyond_the_bound() {
        let mut claims = Claims {
            workers: MOST,
            ..Claims::default()
        };
        claims.take(claim("edge-1", "0a", 9, "ok"));
        assert_eq!((claims.gateways.len(), claims.beyond), (0, 1));
    }

    #[test]
    fn the_last_poll_of_each_worker_counts() {
        let mut claims = Claims::default();
        for one in [
            claim("edge-1", "0a", 9, "ok"),
            claim("edge-1", "0b", 7, "ok"),
            claim("edge-1", "0a", 8, "hash"),
        ] {
            claims.take(one);
        }
        let gateway = summary("edge-1", &claims.gateways["edge-1"], 8);
        assert_eq!((gateway.workers, gateway.late), (2, 1));
        assert_eq!((gateway.lowest, gateway.highest), (7, 8));
        assert_eq!(gateway.troubles, ["hash"]);
    }
}
