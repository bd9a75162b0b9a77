//! `keyward-server apply`: a key file as the truth for the records that come from it, by the server that runs on this machine.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::json;

use crate::admin::{Refused, post};
use crate::commands::Data;
use crate::configuration::{Configuration, FILE};

/// The arguments of `apply`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    data: Data,
    /// The name of the file on the server: what comes from it is read-only for everyone else
    #[arg(long = "as", value_name = "NAME")]
    name: String,
    /// Show what would change, and change nothing: exit code 0 for nothing, 1 for something, 4 if it is refused
    #[arg(long)]
    dry_run: bool,
    /// The key file, or a folder of `.toml` files that are read as one
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What a dry run that finds changes exits with.
const CHANGES: u8 = 1;

/// What a file that is refused exits with.
const REFUSED: u8 = 4;

/// The most that is read of an answer: a plan shows 100 changes, and the ids of what stays.
const LARGEST: usize = 4 << 20;

/// `keyward.plan`: the members that are shown.
#[derive(Debug, Deserialize)]
struct Plan {
    plan: String,
    count: u64,
    changes: Vec<Change>,
    ended: Vec<String>,
    kept: Vec<String>,
    same: u64,
}

#[derive(Debug, Deserialize)]
struct Change {
    change: String,
    object: String,
    id: String,
    members: Vec<String>,
}

/// Plans, shows the plan, and carries it out.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    match apply(arguments) {
        Err(error) if error.is::<Refused>() => {
            writeln!(std::io::stderr().lock(), "keyward-server: {error}")?;
            Ok(ExitCode::from(REFUSED))
        }
        applied => applied,
    }
}

fn apply(arguments: &Arguments) -> Result<ExitCode> {
    let configuration = Configuration::read(&arguments.data.path().join(FILE))?;
    let socket = &configuration.listen.admin;
    let body = json!({"as": arguments.name, "files": texts(&arguments.file)?}).to_string();
    let answer = post(socket, "/v2/keyward/key_file/plan", &body, LARGEST)?;
    let plan: Plan = serde_json::from_slice(&answer).context("the server's answer")?;
    shown(&plan)?;
    if plan.count == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.dry_run {
        return Ok(ExitCode::from(CHANGES));
    }
    let body = json!({"plan": plan.plan, "confirm": plan.count}).to_string();
    post(socket, "/v2/keyward/key_file/apply", &body, LARGEST)?;
    writeln!(std::io::stdout().lock(), "{} changes were made", plan.count)?;
    Ok(ExitCode::SUCCESS)
}

/// The texts by their names.
fn texts(path: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        let entries = fs::read_dir(path).with_context(|| format!("`{}`", path.display()))?;
        let entries: std::io::Result<Vec<PathBuf>> =
            entries.map(|entry| Ok(entry?.path())).collect();
        files = entries?;
        files.retain(|file| file.extension().is_some_and(|ending| ending == "toml"));
        if files.is_empty() {
            bail!("`{}` has no `.toml` file", path.display());
        }
    }
    let named = files.into_iter().map(|file| {
        let text = fs::read_to_string(&file)
            .with_context(|| format!("`{}` cannot be read as text", file.display()))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        Ok((name.into_owned(), text))
    });
    named.collect()
}

fn shown(plan: &Plan) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for Change {
        change,
        object,
        id,
        members,
    } in &plan.changes
    {
        let members = members.join(", ");
        let object = object.replace('_', " ");
        if members.is_empty() {
            writeln!(out, "{change} {object} {id}")?;
        } else {
            writeln!(out, "{change} {object} {id}: {members}")?;
        }
    }
    let shown = u64::try_from(plan.changes.len()).unwrap_or(u64::MAX);
    if plan.count > shown {
        writeln!(out, "and {} more", plan.count.saturating_sub(shown))?;
    }
    for id in &plan.ended {
        writeln!(out, "stays ended, though the file has it in use: {id}")?;
    }
    for id in &plan.kept {
        writeln!(out, "stays, because something else needs it: {id}")?;
    }
    writeln!(
        out,
        "{} changes; {} records are as the file has them",
        plan.count, plan.same
    )?;
    Ok(())
}
