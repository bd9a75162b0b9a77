//! `keyward-server audit verify`, and what it is held against.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use super::{Data, FOUND, say};
use crate::store::activity::{Verified, verify_lines};
use crate::store::{Inspection, Scope};

/// What to do with the trail.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Verify the trail, row by row
    Verify(Verify),
    /// Show the end of the trail. Note it elsewhere: later it shows whether the trail was replaced
    Head(Head),
    /// Write the trail as lines of JSON
    Export(Export),
}

/// Of what trail, and against what.
#[derive(clap::Args, Debug)]
pub struct Verify {
    #[command(flatten)]
    data: Data,
    /// Verify this export, `-` for standard input, instead of the data folder
    #[arg(long, value_name = "FILE", conflicts_with = "path")]
    export: Option<PathBuf>,
    /// An earlier output of `audit head`: the trail must contain that row
    #[arg(long, value_name = "HEAD", value_parser = parse_head)]
    against: Option<Verified>,
}

/// Of what store.
#[derive(clap::Args, Debug)]
pub struct Head {
    #[command(flatten)]
    data: Data,
}

/// Of what store, and from where on.
#[derive(clap::Args, Debug)]
pub struct Export {
    #[command(flatten)]
    data: Data,
    /// Start after this row
    #[arg(long, value_name = "SEQUENCE", default_value_t = 0)]
    after: u64,
}

/// How many rows are in memory at once.
const ROWS: u32 = 1_000;

pub(super) fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Verify(arguments) => verify(arguments),
        Command::Head(arguments) => {
            let inspection = Inspection::of_folder(&arguments.data.path)?;
            say(&inspection.read(|reader| reader.head())?.to_string())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Export(arguments) => export(arguments),
    }
}

fn verify(arguments: &Verify) -> Result<ExitCode> {
    let noted = arguments.against.as_ref();
    let verified = match &arguments.export {
        Some(path) => {
            let shown = path.display();
            verify_lines(lines_of(path)?, noted)
                .with_context(|| format!("`{shown}` cannot be read"))?
        }
        None => Inspection::of_folder(&arguments.data.path)?
            .read(|reader| reader.verify_activity(noted))?,
    };
    match verified {
        Ok(Verified { sequence, sha256 }) => {
            let head = format!("{sequence}:{}", hex::encode(sha256));
            say(&format!("the trail is what was written, to {head}"))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(broken) => {
            say(&broken.to_string())?;
            Ok(ExitCode::from(FOUND))
        }
    }
}

fn lines_of(path: &PathBuf) -> Result<Box<dyn BufRead>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file = File::open(path).with_context(|| format!("`{}`", path.display()))?;
    Ok(Box::new(BufReader::new(file)))
}

fn export(arguments: &Export) -> Result<ExitCode> {
    let inspection = Inspection::of_folder(&arguments.data.path)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut after = arguments.after;
    loop {
        let scope = Scope::everything();
        let rows = inspection.read(|reader| reader.activity_after(&scope, after, ROWS))?;
        let Some(last) = rows.last() else {
            break;
        };
        after = last.sequence;
        for row in &rows {
            writeln!(out, "{}", row.line())?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn parse_head(text: &str) -> std::result::Result<Verified, String> {
    let expected = || "expected SEQUENCE:SHA256, as `audit head` shows it".to_owned();
    let (sequence, digest) = text.split_once(':').ok_or_else(expected)?;
    let mut sha256 = [0; 32];
    hex::decode_to_slice(digest, &mut sha256).map_err(|_| expected())?;
    let sequence = sequence.parse().map_err(|_| expected())?;
    Ok(Verified { sequence, sha256 })
}
