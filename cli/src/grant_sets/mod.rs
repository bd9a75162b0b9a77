//! `keyward grant-sets`: permissions under a name. A key that was created with `--from-grant-set`
//! has the permissions of the set, even after the set changes.

use std::io::Write;

use anyhow::{Result, anyhow};
use clap::Subcommand;
use serde_json::{Map, Value as Json, json};

use super::exit::Exit;
use super::input;
use super::output::{self, OutputArguments, Rows, Tone, toned};
use super::records::{OnRecords, Records, Step};
use super::rules;
use keyward::management::{Command as Rule, Grant};
use keyward_files::key_file::{Granted, KeyFile};

pub(super) type Arguments = OnRecords<Command>;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the grant sets and their permissions
    #[command(
        after_help = "Examples:\n  keyward grant-sets list\n  keyward grant-sets list --json"
    )]
    List,
    /// Make a grant set, or replace its permissions; the keys that follow it get the new ones
    #[command(
        after_help = "It replaces the set, so name all its permissions.\n\nExamples:\n  keyward grant-sets put support --grant customer=read --grant charge=read\n  keyward grant-sets put support --grant category:billing=write"
    )]
    Put {
        /// Its name
        name: String,
        /// Grant a permission, `customer=read`, or all of a category, `category:billing=write`; may be repeated; a later one wins
        #[arg(long = "grant", value_name = "PERMISSION=LEVEL", value_parser = super::keys::grant, required = true)]
        grants: Vec<Grant>,
        /// In a folder of key files: the file for a new set, made if it does not exist
        #[arg(long, value_name = "FILE")]
        file: Option<String>,
    },
    /// Remove a grant set that no key follows
    #[command(after_help = "Examples:\n  keyward grant-sets remove support")]
    Remove {
        /// Its name
        name: String,
    },
    /// Show the permissions of a grant set
    #[command(after_help = "Examples:\n  keyward grant-sets show support")]
    Show {
        /// Its name
        name: String,
    },
}

impl OnRecords<Command> {
    /// Whether the command only prints and changes nothing.
    pub(super) fn only_shows(&self) -> bool {
        match self.command {
            Command::List | Command::Show { .. } => true,
            Command::Put { .. } | Command::Remove { .. } => false,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let (records, output) = (&arguments.records.open()?, arguments.output);
    match &arguments.command {
        Command::List => list(records.grant_sets()?.file(), output),
        Command::Show { name } => show(records.grant_sets()?.file(), name, output),
        Command::Put { name, grants, file } => {
            let command = Rule::PutGrantSet {
                name: name.clone(),
                grants: grants.clone(),
            };
            change(records, "grant-sets put", &command, file.as_deref())?;
            tell(records, output, name, "put")
        }
        Command::Remove { name } => {
            let command = Rule::RemoveGrantSet { name: name.clone() };
            change(records, "grant-sets remove", &command, None)?;
            tell(records, output, name, "removed")
        }
    }
}

fn change(records: &Records, name: &str, command: &Rule, place: Option<&str>) -> Result<()> {
    let step = Step {
        name,
        command,
        now: input::now(),
        seen: None,
        place,
    };
    records.change(&step, |_| Ok(()))
}

fn list(file: &KeyFile, output: OutputArguments) -> Result<Exit> {
    if output.json {
        let sets = file.grant_sets();
        let sets = sets.map(|(name, granted)| json!({"name": name, "grants": levels(granted)}));
        output::print_json(&Json::Array(sets.collect()))?;
        return Ok(Exit::Good);
    }
    if file.grant_sets().next().is_none() {
        writeln!(
            output::stderr(),
            "no grant sets yet; `keyward grant-sets put support --grant customer=read` makes one"
        )?;
        return Ok(Exit::Good);
    }
    let mut rows = Rows::new(&["name", "permissions"]);
    for (name, granted) in file.grant_sets() {
        let names = granted.iter();
        let names: Vec<String> = names
            .map(|(name, level)| format!("{name}={}", level.name()))
            .collect();
        rows.push([(Tone::Plain, name), (Tone::Plain, names.join(" ").as_str())]);
    }
    rows.print()?;
    Ok(Exit::Good)
}

fn show(file: &KeyFile, name: &str, output: OutputArguments) -> Result<Exit> {
    let granted = file
        .grant_set(name)
        .ok_or_else(|| anyhow!(rules::missing_set(name, file)))?;
    if output.json {
        output::print_json(&json!({"name": name, "grants": levels(granted)}))?;
        return Ok(Exit::Good);
    }
    writeln!(output::stdout(), "{}", toned(Tone::Good, name))?;
    let registry = file.permissions();
    let mut rows = Rows::without_headings();
    for (name, level) in granted {
        let known = registry.find(name);
        let label = known.and_then(|permission| registry.label(permission));
        rows.push([
            (Tone::Plain, name.as_str()),
            (Tone::Plain, level.title()),
            (Tone::Dim, label.unwrap_or("custom")),
        ]);
    }
    rows.print()?;
    Ok(Exit::Good)
}

fn levels(granted: &Granted) -> Map<String, Json> {
    let levels = granted.iter();
    levels
        .map(|(name, level)| (name.clone(), json!(level.name())))
        .collect()
}

fn tell(records: &Records, output: OutputArguments, name: &str, did: &str) -> Result<Exit> {
    if output.json {
        output::print_json(&json!({"grant_set": name, "did": did}))?;
    } else {
        writeln!(output::stdout(), "{did} {}", toned(Tone::Good, name))?;
    }
    writeln!(output::stderr(), "{}", records.next())?;
    Ok(Exit::Good)
}
