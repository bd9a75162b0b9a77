//! `keyward doctor`: reads the configuration of a running Envoy, and reports what lets requests
//! bypass keyward, lets clients forge the data that keyward uses to decide, or lets keys leak. It
//! changes nothing, and never reports as good what it cannot read.

mod chain;
mod clusters;
mod dump;
mod exits;
mod expression;
mod feed;
mod format;
mod headers;
mod instance;
mod levels;
mod listeners;
mod logs;
mod manager;
mod mutations;
mod native;
mod neighbours;
mod operators;
mod plugin;
mod report;
mod routes;
mod server;
mod shown;
mod socket;
mod state;
mod stats;
mod tap;
mod tracing;
mod unread;
mod upstreams;

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use super::exit::Exit;
use super::{http, input};
use dump::{Dump, Manager};
use exits::Exits;
use instance::Plugin;
use report::{Check, Level, Report};
use server::Sockets;

/// The maximum size of a dump, which contains the snapshot as text and so may have a million keys.
const LONGEST_DUMP: usize = 1 << 30;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Envoy's admin interface: `http://HOST[:PORT]` (default: `http://127.0.0.1:9901`)
    #[arg(long, value_name = "URL", value_parser = http::authority)]
    admin: Option<http::Authority>,
    /// A file with the output of its `/config_dump`; `-` reads standard input. The stats and log levels are then not checked
    #[arg(long, value_name = "FILE", conflicts_with = "admin")]
    dump: Option<PathBuf>,
    /// Wait up to this long, such as `30s`, until Envoy is ready: for a check at its start
    #[arg(long, value_name = "TIME", value_parser = super::wait::time, conflicts_with = "dump")]
    wait: Option<Duration>,
    /// Count warnings as failures
    #[arg(long)]
    strict: bool,
}

/// The pause between two checks.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a VM may take to report itself.
const SETTLES: Duration = Duration::from_secs(3);

/// The default address of Envoy's admin interface, as in `envoy/bootstrap.yaml`.
const ADMIN: &str = "http://127.0.0.1:9901";

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let admin = match (&arguments.admin, &arguments.dump) {
        (None, None) => Some(http::authority(ADMIN)?),
        (admin, _) => admin.clone(),
    };
    if let (Some(admin), Some(time)) = (&admin, arguments.wait) {
        until_ready(admin, time)?;
    }
    let dump = match (&admin, &arguments.dump) {
        (Some(admin), _) => {
            ask(admin, "GET", "/config_dump").map_err(|error| match arguments.admin.is_some() {
                true => error,
                false => anyhow!(
                    "{error:#}; --admin http://HOST:PORT names another Envoy's admin interface"
                ),
            })?
        }
        (None, Some(file)) => input::read(file)?,
        (None, None) => bail!("expected `--admin` or `--dump`"),
    };
    let dump = Dump::parse(&dump).context("the configuration dump cannot be read")?;
    let mut report = Report::default();
    let sockets = Sockets::of(&dump);
    let plugins = examine(&dump, &sockets, &mut report)?;
    socket::check(admin.as_ref(), &sockets, &mut report);
    let workers = match &admin {
        Some(admin) => examine_process(admin, &plugins, &mut report)?,
        None => None,
    };
    feed::check_room(&dump, &plugins, workers, &mut report);
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

/// Checks what the dump does not contain: counters and log levels. Returns the number of workers.
fn examine_process(
    admin: &http::Authority,
    plugins: &[Plugin<'_>],
    report: &mut Report,
) -> Result<Option<u64>> {
    let page = || -> Result<String> {
        let page = ask(admin, "GET", "/stats?usedonly")?;
        Ok(String::from_utf8_lossy(&page).into_owned())
    };
    let start = Instant::now();
    // VMs report themselves with a timer, so right after a start some have not reported yet.
    let (page, missing) = loop {
        let page = page()?;
        let missing = stats::missing(&page, plugins);
        let is_whole = missing.as_ref().is_none_or(Vec::is_empty);
        if is_whole || start.elapsed() >= SETTLES {
            break (page, missing);
        }
        thread::sleep(PAUSE);
    };
    stats::check(&page, report);
    stats::check_workers(missing, report);
    let levels = ask(admin, "POST", "/logging").ok();
    let levels = levels.map(|page| String::from_utf8_lossy(&page).into_owned());
    levels::check(levels.as_deref(), report);
    Ok(stats::workers(&page))
}

/// Waits until Envoy is ready. Before, it may lack some listeners and even the address of its admin
/// interface.
fn until_ready(admin: &http::Authority, time: Duration) -> Result<()> {
    let start = Instant::now();
    loop {
        let is_last = start.elapsed() >= time;
        match ask(admin, "GET", "/ready") {
            Ok(_) => return Ok(()),
            Err(error) if is_last => return Err(error),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

fn ask(admin: &http::Authority, method: &str, path: &str) -> Result<Vec<u8>> {
    let host = admin.as_str();
    let answer = http::ask(admin, method, path, LONGEST_DUMP)
        .with_context(|| format!("`http://{host}{path}` does not answer"))?;
    if answer.status != 200 {
        bail!("`http://{host}{path}` answers {}", answer.status);
    }
    Ok(answer.body)
}

/// Checks everything in the dump, and returns the keyward filters that it contains.
fn examine<'a>(
    dump: &'a Dump,
    sockets: &Sockets<'a>,
    report: &mut Report,
) -> Result<Vec<Plugin<'a>>> {
    let managers = dump.managers();
    if managers.is_empty() {
        bail!("there is no HTTP connection manager in the dump");
    }
    manager::check_process(dump.bootstrap(), report);
    unread::check_dump(dump, report);
    tap::check(dump, report);
    let (guarded, unguarded): (Vec<_>, Vec<_>) = managers
        .iter()
        .partition(|manager| !dump.plugins(manager.filters()).is_empty());
    for manager in &unguarded {
        examine_unguarded(dump, manager, sockets, report);
    }
    let mut all = Vec::new();
    let mut owners = Vec::new();
    for manager in &guarded {
        all.extend(examine_guarded(dump, manager, sockets, report));
        owners.resize(all.len(), *manager);
    }
    feed::check_names(&owners, &all, report);
    listeners::check(dump, &guarded, &unguarded, sockets, report);
    if guarded.is_empty() {
        report.found(
            Level::Fail,
            Check::Filter,
            "every listener",
            "keyward is in no chain",
            "see README.md, \"Into your own Envoy\"",
        );
    }
    Ok(all)
}

fn examine_unguarded(
    dump: &Dump,
    manager: &Manager<'_>,
    sockets: &Sockets<'_>,
    report: &mut Report,
) {
    let filters = manager.filters();
    let (level, what, mend) = if instance::is_wrapped(filters) {
        (
            Level::Fail,
            "keyward is in another filter and not in the chain itself: for which requests it runs cannot be judged",
            "put it into the chain by itself",
        )
    } else if chain::is_closed(filters) {
        (
            Level::Note,
            "there is an interlock in its chain and no keyward: nothing passes here",
            "",
        )
    } else {
        (
            Level::Note,
            "keyward is not in its chain: whatever comes in here passes unchecked",
            "",
        )
    };
    report.found(level, Check::Filter, &manager.place, what, mend);
    // Anything that bypasses the interlock of a guarded chain also bypasses this one.
    if chain::is_closed(filters) {
        let place = &manager.place;
        let locks = chain::check(dump, manager.listener, filters, &[], place, report);
        routes::check(dump, manager, &[], &locks, report);
        server::check(dump, manager, &[], &locks, sockets, report);
    }
}

fn examine_guarded<'a>(
    dump: &'a Dump,
    manager: &Manager<'a>,
    sockets: &Sockets<'_>,
    report: &mut Report,
) -> Vec<Plugin<'a>> {
    let plugins = dump.plugins(manager.filters());
    let enabled = routes::enabled(dump, manager);
    let locks = chain::check(
        dump,
        manager.listener,
        manager.filters(),
        &enabled,
        &manager.place,
        report,
    );
    unread::check_manager(manager, report);
    manager::check(dump, manager, &plugins, report);
    routes::check(dump, manager, &plugins, &locks, report);
    server::check(dump, manager, &plugins, &locks, sockets, report);
    let exits = Exits::of_manager(dump, manager);
    clusters::check(
        dump,
        manager,
        &plugins,
        exits.clusters.iter().copied(),
        report,
    );
    logs::check(manager, &plugins, report);
    tracing::check(dump, manager, &plugins, report);
    for plugin in &plugins {
        plugin::check(plugin, dump.bootstrap(), &manager.place, report);
        feed::check(dump, manager, plugin, report);
    }
    plugins
}
