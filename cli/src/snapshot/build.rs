//! `keyward snapshot build`: makes a snapshot or a complete plugin configuration from the key file.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};

use super::pack;
use crate::exit::Exit;
use crate::input;
use crate::store::StoreArguments;
use keyward_files::key_file::{Issue, instant};
use keyward_files::replace::{Access, replace};
use keyward_files::snapshot::Checked;

/// Which snapshot is made: flatten it into the arguments of each command that makes one.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Issuing {
    /// The snapshot's revision (default: the time in Unix seconds, which rises by itself)
    #[arg(long, value_name = "N", conflicts_with = "after")]
    pub(crate) revision: Option<u64>,
    /// Use a revision above this one, whatever the clock shows
    #[arg(long, value_name = "N")]
    pub(crate) after: Option<u64>,
    /// Its time of issue, RFC 3339 or Unix seconds (default: now)
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) issued_at: Option<u64>,
    /// Make a snapshot without keys, which denies every request
    #[arg(long)]
    pub(crate) allow_empty: bool,
}

impl Issuing {
    /// Returns what the snapshot contains in addition to the key file's content.
    pub(crate) fn issue(&self, now: u64) -> Issue {
        let above = self.after.map_or(0, |after| after.saturating_add(1));
        Issue {
            revision: self.revision.unwrap_or(now.max(above)),
            issued_at: self.issued_at.unwrap_or(now),
            may_be_empty: self.allow_empty,
        }
    }
}

/// Parses a time in an argument.
pub(crate) fn time(text: &str) -> Result<u64> {
    match text.parse().ok().or_else(|| instant::parse(text)) {
        Some(seconds) => Ok(seconds),
        None => bail!("expected RFC 3339 such as 2026-11-20T10:00:00Z, or Unix seconds"),
    }
}

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    issuing: Issuing,
    /// Print the whole plugin configuration, not only the snapshot
    #[arg(long)]
    configuration: bool,
    /// Write the packed form, which carries a million keys
    #[arg(long)]
    packed: bool,
    /// Write to this file, completely or not at all (default: standard output)
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, store: &StoreArguments) -> Result<Exit> {
    let file = store.open()?.read()?;
    let name = store.path.display().to_string();
    let source = Checked::made(&name, file, &arguments.issuing.issue(input::now()))?;
    let json = match source.snapshot() {
        Some(snapshot) if !arguments.configuration => {
            keyward_files::snapshot::written::json(snapshot)
        }
        _ => source.written.to_json(),
    };
    if arguments.packed {
        let profile = source.configuration.profile();
        let output = arguments.output.as_deref();
        pack::write_made(json.to_string().as_bytes(), profile, output)?;
        return Ok(Exit::Good);
    }
    let mut text = serde_json::to_string_pretty(&json)?;
    text.push('\n');
    match &arguments.output {
        Some(path) => replace(path, Access::Kept, text.as_bytes())?,
        None => std::io::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(Exit::Good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_rises_by_itself_and_stays_above_the_last() {
        let revision = |revision, after| {
            let issuing = Issuing {
                revision,
                after,
                ..Issuing::default()
            };
            issuing.issue(1_795_194_529).revision
        };
        assert_eq!(revision(None, None), 1_795_194_529);
        assert_eq!(revision(None, Some(7)), 1_795_194_529);
        assert_eq!(revision(None, Some(1_795_194_600)), 1_795_194_601);
        assert_eq!(revision(Some(3), None), 3);
    }
}
