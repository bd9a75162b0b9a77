//! `keyward replay`: decides the requests of access logs with the present snapshot and with the one
//! that is about to be pushed, by the same code that runs in Envoy. It does not guess what the log
//! does not contain: a request whose verdict the old snapshot does not explain is listed
//! separately, with the reason.

mod outcome;
mod question;
mod show;
mod side;
mod stand_ins;
mod sum;
mod unclear;

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::access_log::{LogArguments, ProgressLine};
use super::exit::Exit;
use super::input;
use super::output::{self, OutputArguments};
use super::snapshot::load::load;
use keyward::decision::Environment;
use keyward_files::access_log::Record;
use keyward_files::key_file::instant;
use keyward_files::log_files::{self, Go};
use outcome::Outcome;
use question::Question;
use side::Side;
use stand_ins::StandIns;
use sum::Sum;
use unclear::Unclear;

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

/// The circumstances of a request in the log.
struct Given {
    now: u64,
    client: Option<std::net::IpAddr>,
}

impl Environment for Given {
    fn now(&self) -> Option<u64> {
        Some(self.now)
    }

    fn client_address(&self) -> Option<std::net::IpAddr> {
        self.client
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let started = input::now();
    let now = arguments.at.unwrap_or(started);
    let (old, new) = (load(&arguments.old)?, load(&arguments.new)?);
    let stand_ins = StandIns::of(&old, &new);
    let (old, new) = (Side::new(&old, &stand_ins)?, Side::new(&new, &stand_ins)?);
    let mut sum = Sum::default();
    let tally = log_files::read(
        &arguments.log.log(started),
        &ProgressLine::shown(),
        &mut |record| {
            match compare(&old, &new, &stand_ins, record, now) {
                Ok((before, after)) => sum.compared(&new, record, &before, &after),
                Err(why) => sum.unclear(why),
            }
            Ok(Go::On)
        },
    )?;
    let told = show::Told {
        old: &old,
        new: &new,
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

/// Returns the result of one request with each snapshot.
fn compare(
    old: &Side,
    new: &Side,
    stand_ins: &StandIns,
    record: &Record<'_>,
    now: u64,
) -> Result<(Outcome, Outcome), Unclear> {
    let state = record.state.as_ref().ok_or(Unclear::NoVerdict)?;
    if !record.path.as_str().starts_with('/') {
        return Err(Unclear::NoPath);
    }
    let asks_for =
        |(name, level)| old.asks_for(record.method.as_str(), record.path.as_str(), name, level);
    if !state.permission.is_none_or(asks_for) {
        return Err(Unclear::AnotherPermission);
    }
    let question = Question::of(record, state, old.configuration.profile(), stand_ins)?;
    let given = Given {
        now,
        client: record.client,
    };
    let before = old.judge(&question, &given);
    let logged = Outcome::logged(state);
    if !before.is_like(&logged) {
        if let Some(reason) = logged
            .reason()
            .filter(|reason| sum::is_beyond_a_log(*reason))
        {
            return Err(Unclear::BeyondALog(reason));
        }
        // If another snapshot decided the request, its answer may have been different. If this one
        // did, the log lacks something that the decision depended on.
        if state.revision == old.revision() {
            return Err(Unclear::NotExplained);
        }
    }
    Ok((before, new.judge(&question, &given)))
}
