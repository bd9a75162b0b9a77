//! `keyward logs`: shows selected requests of an access log, in the order of the log. It
//! corresponds to "View request logs" of a key in Stripe's Dashboard.

mod show;

use std::cell::RefCell;
use std::io::{self, BufWriter, Stdout, Write};

use anyhow::Result;

use super::access_log::{Choice, ChoiceArguments, LogArguments, ProgressLine, ascii_json};
use super::exit::Exit;
use super::input;
use super::output::{self, OutputArguments};
use keyward::profile::Profile;
use keyward_files::access_log::Record;
use keyward_files::log_files::{self, Go, Log};
use show::Table;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    log: LogArguments,
    #[command(flatten)]
    choice: ChoiceArguments,
    /// Keep reading what is added to the file, as `tail -F` does
    #[arg(long)]
    follow: bool,
    /// Show at most this many requests
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    output: OutputArguments,
}

/// How many rows or lines to show, and how many have been shown.
struct Shown {
    table: Table,
    lines: BufWriter<Stdout>,
    count: u64,
}

impl Shown {
    fn flush(&mut self) -> Result<()> {
        self.lines.flush()?;
        let mut out = output::stdout();
        self.table.print(&mut out)?;
        Ok(out.flush()?)
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    // A followed file has no end, so no progress is shown.
    let progress = match arguments.follow {
        true => ProgressLine::hidden(),
        false => ProgressLine::shown(),
    };
    let choice = Choice::new(&arguments.choice);
    let limit = arguments.limit.unwrap_or(u64::MAX);
    let profile = Profile::stripe();
    let prefixes = profile.known_prefixes();
    let shown = RefCell::new(Shown {
        table: Table::new(),
        lines: BufWriter::new(io::stdout()),
        count: 0,
    });
    let log = Log {
        follow: arguments.follow,
        ..arguments.log.log(input::now())
    };
    let mut each = |record: &Record<'_>| {
        if !choice.takes(record) {
            return Ok(Go::On);
        }
        let shown = &mut *shown.borrow_mut();
        shown.count += 1;
        if arguments.output.json {
            let json = ascii_json(&show::json(record, prefixes));
            progress.aside(|| writeln!(shown.lines, "{json}"))?;
        } else {
            shown.table.push(show::cells(record, prefixes));
            if shown.table.is_full() {
                progress.aside(|| shown.flush())?;
            }
        }
        Ok(if shown.count == limit {
            Go::Stop
        } else {
            Go::On
        })
    };
    let mut wait = || progress.aside(|| shown.borrow_mut().flush());
    let tally = log_files::stream(&log, &progress, &mut each, &mut wait)?;
    let mut shown = shown.into_inner();
    shown.flush()?;
    if shown.count == 0 {
        let read = tally.requests();
        writeln!(output::stderr(), "keyward: none of {read} requests")?;
    }
    tally.tell(&mut output::stderr())?;
    Ok(if shown.count == 0 || !tally.is_whole() {
        Exit::Failed
    } else {
        Exit::Good
    })
}
