//! `keyward audit`: shows which permissions and keys could be removed, from access logs and, if
//! there is one, the key file. It reads the log in one pass, in bounded memory.

mod books;
mod build;
mod commands;
mod counts;
mod expand;
mod findings;
mod grants;
mod html;
mod inventory;
mod limits;
mod material;
mod report;
mod show;
mod timeline;

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::Result;

use super::access_log::{LogArguments, ProgressLine};
use super::exit::Exit;
use super::input;
use super::output::{self, OutputArguments};
use super::source::{Source, SourceArguments};
use super::times;
use books::Books;
use commands::Commands;
use inventory::Inventory;
use keyward_files::log_files::{self, Go};
use keyward_files::replace::{Access, replace};
use material::Material;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    log: LogArguments,
    #[command(flatten)]
    source: SourceArguments,
    /// Write the report as one self-contained page, with charts
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Report keys that were not used for this long
    #[arg(long, value_name = "LENGTH", default_value = "90d", value_parser = times::length)]
    unused_for: u64,
    /// Report keys that are still used and end within this time
    #[arg(long, value_name = "LENGTH", default_value = "14d", value_parser = times::length)]
    expiring_within: u64,
    /// Report keys that are used from at least this many addresses
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    many_clients: u16,
    #[command(flatten)]
    output: OutputArguments,
}

/// The values from which something is worth a look: two times in seconds, and a number of
/// addresses.
struct Thresholds {
    unused_for: u64,
    expiring_within: u64,
    clients: usize,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let now = input::now();
    let source = arguments.source.if_there();
    let inventory = match &source {
        Some(source) => Inventory::of(source, now)?,
        None => Inventory::empty(),
    };
    let mut books = Books::new(&inventory);
    let tally = log_files::read_what_there_is(
        &arguments.log.log(now),
        &ProgressLine::shown(),
        &mut |record| {
            books.add(record, &inventory);
            Ok(Go::On)
        },
    )?;
    let keys = match &source {
        Some(Source::Keys(path)) if arguments.source.names_keys() => {
            Some(path.display().to_string())
        }
        Some(Source::Keys(_) | Source::Configuration(_)) | None => None,
    };
    let report = build::report(&Material {
        books: &books,
        inventory: &inventory,
        tally: &tally,
        thresholds: &Thresholds {
            unused_for: arguments.unused_for,
            expiring_within: arguments.expiring_within,
            clients: usize::from(arguments.many_clients).max(2),
        },
        commands: &Commands {
            keys: keys.as_deref(),
        },
    });
    if let Some(path) = &arguments.html {
        replace(path, Access::Kept, html::page(&report).as_bytes())?;
    }
    if arguments.output.json {
        let mut out = BufWriter::new(std::io::stdout().lock());
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
        out.flush()?;
    } else {
        show::print(&report, &mut output::stdout())?;
    }
    Ok(if report.requests.total == 0 || !tally.is_whole() {
        Exit::Failed
    } else {
        Exit::Good
    })
}
