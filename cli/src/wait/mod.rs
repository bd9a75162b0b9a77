//! `keyward wait`: returns when every named Envoy serves a revision on every worker, so that no
//! request which begins later is decided by an older one. It trusts only what the filter's VMs
//! report together (`src/filter/census.rs`), never what one of them reports for the others.

pub(crate) mod page;
mod progress;
mod server;
mod target;
mod verdict;

use std::io::Write;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::exit::Exit;
use super::http::Place;
use super::output::{self, OutputArguments};
use keyward::snapshot::Revision;
use progress::Progress;
use target::Target;
use verdict::{Verdict, Wanted};

/// The pause between two checks.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The revision to wait for; a later one also counts
    #[arg(long, value_name = "N", value_parser = revision, required_unless_present = "server", conflicts_with = "server")]
    revision: Option<Revision>,
    /// Envoy's admin interface, such as `http://127.0.0.1:9901`; may be given several times
    #[arg(long, value_name = "URL", value_parser = target::admin)]
    admin: Vec<Target>,
    /// A page for Prometheus, such as `http://10.0.0.7:15090/stats/prometheus`; may be given several times
    #[arg(long, value_name = "URL", value_parser = target::prometheus)]
    prometheus: Vec<Target>,
    /// Ask a keyward-server instead of Envoys whether every worker that follows its feed has a change: `unix:PATH`, `https://HOST[:PORT]` or `http://127.0.0.1:PORT`
    #[arg(long, value_name = "URL", value_parser = Place::of_server, conflicts_with_all = ["admin", "prometheus", "plugin", "ignore_draining"])]
    server: Option<Place>,
    /// The change to wait for, as `Keyward-Change` names it (default: the newest)
    #[arg(long, value_name = "N", requires = "server")]
    change: Option<u64>,
    /// The server's API key, in a file (default: `$KEYWARD_API_KEY`)
    #[arg(long, value_name = "FILE", requires = "server")]
    api_key_file: Option<PathBuf>,
    /// Give up after this time, such as `90s` or `5m`
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    timeout: Duration,
    /// Wait only for the plugin of this name (default: for every keyward in the process)
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
    /// Do not wait for old connections of listeners that were replaced
    #[arg(long)]
    ignore_draining: bool,
    #[command(flatten)]
    output: OutputArguments,
}

fn revision(text: &str) -> Result<Revision> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number
        .and_then(Revision::new)
        .context("expected a revision: a whole number from 1 to 10^15 - 1")
}

/// Parses a time on the command line.
pub(super) fn time(text: &str) -> Result<Duration> {
    let time: SignedDuration = text
        .parse()
        .ok()
        .context("expected a time such as `90s` or `5m`")?;
    Duration::try_from(time)
        .ok()
        .context("expected a time that is not negative")
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    if let Some(place) = &arguments.server {
        return server::run(&server::Wanted {
            place,
            key_file: arguments.api_key_file.as_deref(),
            change: arguments.change,
            timeout: arguments.timeout,
            json: arguments.output.json,
        });
    }
    let revision = arguments.revision.context("name a --revision")?;
    let targets: Vec<&Target> = arguments
        .admin
        .iter()
        .chain(&arguments.prometheus)
        .collect();
    if targets.is_empty() {
        bail!(
            "name the Envoys to wait for: `--admin URL`, or `--prometheus URL` where the admin interface is out of reach"
        );
    }
    let wanted = Wanted {
        revision,
        plugin: arguments.plugin.as_deref(),
        ignore_draining: arguments.ignore_draining,
    };
    let start = Instant::now();
    let mut progress = Progress::new(revision);
    loop {
        // This is checked before looking, so that the last look is complete.
        let is_last = start.elapsed() >= arguments.timeout;
        let verdicts = look(&targets, wanted);
        let is_done = verdicts
            .iter()
            .all(|verdict| matches!(verdict, Verdict::Serves(_)));
        let is_refused = verdicts
            .iter()
            .any(|verdict| matches!(verdict, Verdict::Refused(_)));
        if is_done || is_refused || is_last {
            progress.end();
            let seen: Vec<_> = targets.iter().copied().zip(&verdicts).collect();
            return report(arguments, revision, &seen, start.elapsed());
        }
        progress.show(&targets, &verdicts)?;
        thread::sleep(PAUSE);
    }
}

/// Looks at all of them at the same time, so that one that hangs does not delay the others.
fn look(targets: &[&Target], wanted: Wanted<'_>) -> Vec<Verdict> {
    thread::scope(|scope| {
        let looks: Vec<_> = targets
            .iter()
            .map(|target| scope.spawn(move || target.look(wanted)))
            .collect();
        let ended = looks.into_iter().map(thread::ScopedJoinHandle::join);
        ended
            .map(|verdict| {
                verdict.unwrap_or_else(|_| Verdict::Waiting("cannot be asked".to_owned()))
            })
            .collect()
    })
}

fn report(
    arguments: &Arguments,
    revision: Revision,
    seen: &[(&Target, &Verdict)],
    took: Duration,
) -> Result<Exit> {
    let number = revision.number();
    let is_done = seen
        .iter()
        .all(|(_, verdict)| matches!(verdict, Verdict::Serves(_)));
    if arguments.output.json {
        let envoys: Vec<Value> = seen
            .iter()
            .map(|(target, verdict)| match verdict {
                Verdict::Serves(revision) => {
                    json!({"url": target.url(), "serves": true, "revision": revision})
                }
                Verdict::Waiting(why) => {
                    json!({"url": target.url(), "serves": false, "refused": false, "why": why})
                }
                Verdict::Refused(why) => {
                    json!({"url": target.url(), "serves": false, "refused": true, "why": why})
                }
            })
            .collect();
        output::print_json(&json!({
            "revision": number, "served": is_done, "seconds": took.as_secs_f64(), "envoys": envoys,
        }))?;
    } else {
        let mut out = output::stdout();
        for (target, verdict) in seen {
            let url = target.url();
            match verdict {
                Verdict::Serves(revision) => {
                    writeln!(out, "{url}: serves revision {revision} on every worker")?;
                }
                Verdict::Waiting(why) => writeln!(out, "{url}: behind: {why}")?,
                Verdict::Refused(why) => writeln!(out, "{url}: refused: {why}")?,
            }
        }
    }
    if is_done {
        return Ok(Exit::Good);
    }
    let behind = seen
        .iter()
        .filter(|(_, verdict)| !matches!(verdict, Verdict::Serves(_)))
        .count();
    writeln!(
        output::stderr(),
        "keyward: revision {number} is not served by {behind} of {} after {:.1} s",
        seen.len(),
        took.as_secs_f64()
    )?;
    Ok(Exit::Failed)
}
