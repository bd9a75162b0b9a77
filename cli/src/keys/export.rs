//! `keyward keys export`: prints keys with their digests, one JSON object per line, for `keyward
//! keys import --lines`.

use std::io::Write;

use anyhow::{Result, bail};

use super::bulk::selected;
use super::lines;
use super::selection::Selection;
use crate::exit::Exit;
use crate::input;
use crate::output::{self, Tone, toned};
use crate::records::Records;
use keyward_files::key_file::Key;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
}

pub(super) fn run(arguments: &Arguments, records: &Records) -> Result<Exit> {
    if let Records::Server(_) = records {
        bail!(
            "a server shows no digests; `keyward-server export` makes a key file of its records, and this reads that"
        );
    }
    let now = input::now();
    let selection = &arguments.selection;
    let (seen, usage) = selected(selection, records, now)?;
    let file = seen.file();
    let (ended, kept): (Vec<&Key>, Vec<&Key>) = selection
        .of(file, usage.as_ref(), now)
        .partition(|key| key.is_deleted() || key.is_expired(now));
    let mut out = std::io::stdout().lock();
    for key in kept {
        out.write_all(output::json_line(&lines::line(key)?)?.as_bytes())?;
    }
    out.flush()?;
    if !ended.is_empty() {
        let note = format!("{} that have ended left out", ended.len());
        writeln!(output::stderr(), "{}", toned(Tone::Dim, &note))?;
    }
    Ok(Exit::Good)
}
