//! `keyward keys show`: everything about one key, its permissions with the names on Stripe's pages,
//! and who changed what.

use std::io::Write;

use anyhow::Result;
use serde_json::{Value as Json, json};

use super::view::{self, Status};
use crate::exit::Exit;
use crate::find_key::find;
use crate::input;
use crate::output::{self, OutputArguments, Rows, Tone, toned};
use crate::records::Records;
use crate::times::relative;
use keyward::invariant::Held;
use keyward::key::KeyKind;
use keyward::snapshot::Enforcement;
use keyward_files::key_file::{Key, KeyFile, KeyGrants, instant};
use keyward_files::store::Step;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The key, by its id
    #[arg(value_name = "KEY")]
    key: String,
}

pub(super) fn run(
    arguments: &Arguments,
    records: &Records,
    output: OutputArguments,
) -> Result<Exit> {
    let seen = records.shown_key(&arguments.key)?;
    let file = seen.file();
    let key = find(file, &arguments.key)?;
    let now = input::now();
    let history = records.history(&key.id)?;
    if output.json {
        let mut json = view::json(key, file, now);
        if let Some(history) = &history {
            let steps = history.iter().map(step_json);
            json.insert("history".to_owned(), Json::Array(steps.collect()));
        }
        output::print_json(&Json::Object(json))?;
        return Ok(Exit::Good);
    }
    let status = Status::of(key, file, now);
    let name = key.name.as_deref().unwrap_or("without a name");
    writeln!(
        output::stdout(),
        "{}  {name}  {}",
        toned(Tone::Good, &key.id),
        toned(status.tone(), status.name())
    )?;
    let mut rows = Rows::without_headings();
    for (member, value) in members(file, key, now) {
        rows.push([(Tone::Dim, member), (Tone::Plain, value.as_str())]);
    }
    rows.print()?;
    print_grants(file, key, false)?;
    print_grants(file, key, true)?;
    print_history(history.as_deref())
}

fn members(file: &KeyFile, key: &Key, now: u64) -> Vec<(&'static str, String)> {
    let time = |at: u64| format!("{} ({})", instant::show(at), relative(at, now));
    let owner = file
        .account(&key.owner)
        .and_then(|owner| owner.name.as_deref());
    let labels = key.labels.iter();
    let labels: Vec<String> = labels
        .map(|(name, text)| format!("{name}={text}"))
        .collect();
    let some = |text: String| (!text.is_empty()).then_some(text);
    let members = [
        ("kind", Some(key.kind.name().to_owned())),
        ("mode", Some(key.mode.name().to_owned())),
        (
            "owner",
            Some(match owner {
                Some(name) => format!("{} ({name})", key.owner),
                None => key.owner.clone(),
            }),
        ),
        ("note", key.note.clone()),
        ("labels", some(labels.join(" "))),
        ("created", key.created.map(time)),
        ("created by", key.created_by.clone()),
        (
            "expires",
            Some(key.expires.map_or("never".to_owned(), time)),
        ),
        ("not before", key.not_before.map(time)),
        (
            "IP limits",
            Some(some(key.allowed_ips.join(" ")).unwrap_or("none".to_owned())),
        ),
        (
            "enforcement",
            (key.enforcement == Enforcement::Shadow)
                .then(|| "shadow: refusals are noted and not carried out".to_owned()),
        ),
        ("replaces", key.replaces.clone()),
        ("replaced by", key.replaced_by.clone()),
        ("last4", key.last4.clone()),
        ("value", key.value.clone()),
        ("file", file.file_of_key(&key.id).map(str::to_owned)),
    ];
    members
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

fn print_grants(file: &KeyFile, key: &Key, connected: bool) -> Result<()> {
    let (title, grants) = if connected {
        ("on connected accounts", &key.connect_grants)
    } else {
        ("permissions", &key.grants)
    };
    let unlimited = match (key.kind, connected) {
        (KeyKind::Publishable, false) => Some("endpoints that are open to publishable keys"),
        (KeyKind::Secret | KeyKind::Organization, false) => Some("every permission"),
        (KeyKind::Secret | KeyKind::Organization, true) => Some("the same"),
        (KeyKind::Restricted, true) => Some("none"),
        (KeyKind::Restricted, false) | (KeyKind::Publishable, true) => None,
    };
    let mut out = output::stdout();
    let Some(grants) = grants else {
        if let Some(unlimited) = unlimited {
            writeln!(out, "\n{title}: {unlimited}")?;
        }
        return Ok(());
    };
    let granted = file
        .granted(grants)
        .cloned()
        .held("a set that is not there is refused");
    match grants {
        KeyGrants::Set(name) => writeln!(out, "\n{title}, of the grant set {name}:")?,
        KeyGrants::Inline(_) if granted.is_empty() => writeln!(out, "\n{title}: none")?,
        KeyGrants::Inline(_) => writeln!(out, "\n{title}:")?,
    }
    if granted.is_empty() {
        return Ok(());
    }
    drop(out);
    let registry = file.permissions();
    let mut rows = Rows::without_headings();
    for (name, level) in &granted {
        let known = registry.find(name);
        let label = known.and_then(|permission| registry.label(permission));
        rows.push([
            (Tone::Plain, name.as_str()),
            (Tone::Plain, level.title()),
            (Tone::Dim, label.unwrap_or("custom")),
        ]);
    }
    rows.print()
}

fn print_history(history: Option<&[Step]>) -> Result<Exit> {
    writeln!(output::stdout(), "\nhistory:")?;
    let Some(history) = history else {
        writeln!(
            output::stdout(),
            "  not shown: the API key of the command has no `activity_log=read`"
        )?;
        return Ok(Exit::Good);
    };
    if history.is_empty() {
        writeln!(
            output::stdout(),
            "  nothing: it was written by hand, or its journal was moved away"
        )?;
        return Ok(Exit::Good);
    }
    let mut rows = Rows::without_headings();
    for step in history {
        let what = if step.members.is_empty() {
            step.did.clone()
        } else {
            format!("{} {}", step.did, step.members.join(", "))
        };
        let what = match step.state.as_str() {
            "done" => what,
            "begun" => format!("{what} (broken off; the next change settles it)"),
            "undone" => format!("{what} (undone)"),
            other => format!("{what} ({other} after a crash)"),
        };
        rows.push([
            (Tone::Dim, step.at.as_str()),
            (Tone::Plain, step.by.as_str()),
            (Tone::Plain, step.command.as_str()),
            (Tone::Plain, what.as_str()),
        ]);
    }
    rows.print()?;
    Ok(Exit::Good)
}

fn step_json(step: &Step) -> Json {
    json!({
        "at": step.at,
        "by": step.by,
        "command": step.command,
        "did": step.did,
        "members": step.members,
        "state": step.state,
    })
}
