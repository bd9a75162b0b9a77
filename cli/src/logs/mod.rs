//! `keyward logs`: the requests of an access log, those that are asked for, in the order of the log. What Stripe's Dashboard has as "View request logs" of a key.

mod show;

use std::io::{BufWriter, Write};

use anyhow::Result;

use super::access_log::{Choice, ChoiceArguments, LogArguments, ProgressLine, ascii_json};
use super::exit::Exit;
use super::input;
use super::output::{self, OutputArguments};
use keyward::profile::Profile;
use keyward_files::log_files::{self, Go};
use show::Table;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    log: LogArguments,
    #[command(flatten)]
    choice: ChoiceArguments,
    /// No more requests than this
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    output: OutputArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let progress = ProgressLine::shown();
    let choice = Choice::new(&arguments.choice);
    let limit = arguments.limit.unwrap_or(u64::MAX);
    let profile = Profile::stripe();
    let prefixes = profile.known_prefixes();
    let mut table = Table::new();
    let mut lines = BufWriter::new(std::io::stdout());
    let mut shown = 0;
    let tally = log_files::read(&arguments.log.log(input::now()), &progress, &mut |record| {
        if !choice.takes(record) {
            return Ok(Go::On);
        }
        shown += 1;
        if arguments.output.json {
            let json = ascii_json(&show::json(record, prefixes));
            progress.aside(|| writeln!(lines, "{json}"))?;
        } else {
            table.push(show::cells(record, prefixes));
            if table.is_full() {
                progress.aside(|| table.print(&mut output::stdout()))?;
            }
        }
        Ok(if shown == limit { Go::Stop } else { Go::On })
    })?;
    lines.flush()?;
    table.print(&mut output::stdout())?;
    if shown == 0 {
        let read = tally.requests();
        writeln!(output::stderr(), "keyward: none of {read} requests")?;
    }
    tally.tell(&mut output::stderr())?;
    Ok(if shown == 0 || !tally.is_whole() {
        Exit::Failed
    } else {
        Exit::Good
    })
}
