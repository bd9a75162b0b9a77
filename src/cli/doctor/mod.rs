//! `keyward doctor`: reads the configuration that a running Envoy tells of, and says what in it lets requests past keyward, lets clients forge
//! what keyward decides by, or lets keys leak. It changes nothing, and what it cannot read it never calls good.

mod chain;
mod dump;
mod logs;
mod manager;
mod plugin;
mod report;
mod routes;
mod stats;

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::exit::Exit;
use super::{http, input};
use dump::Dump;
use report::{Level, Report};

/// A snapshot of a million keys stands in the dump as text.
const LONGEST_DUMP: u64 = 1 << 30;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Envoy's admin interface: `http://HOST[:PORT]`
    #[arg(long, value_name = "URL", value_parser = http::authority, required_unless_present = "dump")]
    admin: Option<http::Authority>,
    /// What `/config_dump` of it said, in a file; `-` reads standard input. Its stats are not looked at then
    #[arg(long, value_name = "FILE", conflicts_with = "admin")]
    dump: Option<PathBuf>,
    /// As a check at the start: wait so long, such as `30s`, until Envoy says that it is ready
    #[arg(long, value_name = "TIME", value_parser = super::wait::time, requires = "admin")]
    wait: Option<Duration>,
    /// Warnings fail, too
    #[arg(long)]
    strict: bool,
}

/// How long to pause between two looks.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    if let (Some(admin), Some(time)) = (&arguments.admin, arguments.wait) {
        until_ready(admin, time)?;
    }
    let (dump, stats) = match (&arguments.admin, &arguments.dump) {
        (Some(admin), _) => (
            ask(admin, "/config_dump")?,
            Some(ask(admin, "/stats?usedonly")?),
        ),
        (None, Some(file)) => (input::read(file)?, None),
        (None, None) => bail!("expected `--admin` or `--dump`"),
    };
    let dump = Dump::parse(&dump).context("the configuration dump cannot be read")?;
    let mut report = Report::default();
    examine(&dump, &mut report)?;
    if let Some(page) = stats {
        stats::check(&String::from_utf8_lossy(&page), &mut report);
    }
    let worst = report.worst();
    report.print(&mut std::io::stdout())?;
    let bad = if arguments.strict {
        Level::Warn
    } else {
        Level::Fail
    };
    Ok(if worst >= Some(bad) {
        Exit::Failed
    } else {
        Exit::Good
    })
}

/// Before it is ready, an Envoy may not have all of its listeners, nor an address for its admin interface.
fn until_ready(admin: &http::Authority, time: Duration) -> Result<()> {
    let start = Instant::now();
    loop {
        let is_last = start.elapsed() >= time;
        match ask(admin, "/ready") {
            Ok(_) => return Ok(()),
            Err(error) if is_last => return Err(error),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

fn ask(admin: &http::Authority, path: &str) -> Result<Vec<u8>> {
    let host = admin.as_str();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let answer = http::exchange(admin, request.as_bytes(), false, LONGEST_DUMP)
        .with_context(|| format!("`http://{host}{path}` does not answer"))?;
    if answer.status != 200 {
        bail!("`http://{host}{path}` answers {}", answer.status);
    }
    Ok(answer.body)
}

fn examine(dump: &Dump, report: &mut Report) -> Result<()> {
    let managers = dump.managers();
    if managers.is_empty() {
        bail!("there is no HTTP connection manager in the dump");
    }
    manager::check_process(dump.bootstrap(), report);
    let mut guarded = 0;
    for manager in &managers {
        let plugins = dump.plugins(manager.filters());
        if plugins.is_empty() {
            report.found(
                Level::Note,
                "filter",
                &manager.place,
                "keyward is not in its chain: whatever comes in here passes unchecked",
                "",
            );
            continue;
        }
        guarded += 1;
        let enabled = routes::enabled(dump, manager);
        let locks = chain::check(dump, manager.filters(), &enabled, &manager.place, report);
        manager::check(dump, manager, &plugins, report);
        routes::check(dump, manager, &plugins, &locks, report);
        logs::check(manager, &plugins, report);
        for plugin in &plugins {
            plugin::check(plugin, &manager.place, report);
        }
    }
    if guarded == 0 {
        report.found(
            Level::Fail,
            "filter",
            "every listener",
            "keyward is in no chain",
            "see README.md, \"Into your own Envoy\"",
        );
    }
    Ok(())
}
