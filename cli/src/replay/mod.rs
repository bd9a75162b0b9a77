//! `keyward replay`: decides the requests of access logs with the present snapshot and with the one
//! that is about to be pushed, by the same code that runs in Envoy. It does not guess what the log
//! does not contain: a request whose verdict the old snapshot does not explain is listed
//! separately, with the reason.

mod show;

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::access_log::{LogArguments, ProgressLine};
use super::exit::Exit;
use super::input;
use super::output::{self, OutputArguments};
use super::snapshot::load::load;
use keyward_files::key_file::instant;
use keyward_files::log_files::{self, Go};
use keyward_files::replay::{Replay, Sum};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The snapshot that is served now: a plugin configuration or a snapshot, JSON or packed, or a key file
    #[arg(long, value_name = "FILE")]
    old: PathBuf,
    /// The snapshot to push, in the same forms
    #[arg(long, value_name = "FILE")]
    new: PathBuf,
    /// Decide every request at this time: Unix seconds, or as in `2026-11-20T12:00:00Z` (default: now)
    #[arg(long, value_name = "TIME", value_parser = super::explain::question::time)]
    at: Option<u64>,
    /// Print Markdown, for a pull request
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    #[command(flatten)]
    log: LogArguments,
    #[command(flatten)]
    output: OutputArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let started = input::now();
    let now = arguments.at.unwrap_or(started);
    let (old, new) = (load(&arguments.old)?, load(&arguments.new)?);
    let replay = Replay::of(&old, &new)?;
    let mut sum = Sum::default();
    let tally = log_files::read(
        &arguments.log.log(started),
        &ProgressLine::shown(),
        &mut |record| {
            replay.add(&mut sum, record, now);
            Ok(Go::On)
        },
    )?;
    let told = show::Told {
        old: replay.before(),
        new: replay.after(),
        sum: &sum,
        tally: &tally,
        at: instant::show(now),
    };
    if arguments.output.json {
        output::print_json(&told.json())?;
    } else if arguments.markdown {
        told.markdown(&mut output::stdout())?;
    } else {
        told.print(&mut output::stdout())?;
    }
    if sum.compared == 0 {
        bail!("none of {} requests could be compared", tally.requests());
    }
    Ok(if sum.flips() == 0 && tally.is_whole() {
        Exit::Good
    } else {
        Exit::Failed
    })
}
