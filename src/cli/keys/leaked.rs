//! `keyward keys find`: whose key a leaked value is, what it may do, and what to do now. The value is read from standard input and shown nowhere.

use std::io::Write;

use anyhow::Result;
use serde_json::{Value as Json, json};

use super::view::{self, Status};
use crate::cli::exit::Exit;
use crate::cli::input;
use crate::cli::output::{self, OutputArguments, Tone, toned};
use crate::cli::store::Store;
use crate::digest::KeyDigest;
use crate::key::KeyKind;
use crate::key_file::{Key, KeyFile};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Read the value from standard input; it is never an argument, which process lists and shell histories show
    #[arg(long, required = true)]
    key_stdin: bool,
}

pub(super) fn run(arguments: &Arguments, store: &Store, output: OutputArguments) -> Result<Exit> {
    let _ = arguments.key_stdin;
    let value = input::key()?;
    let file = store.read()?;
    let now = input::now();
    let Some(key) = file.key_of_digest(&KeyDigest::of(value.as_bytes())) else {
        if output.json {
            output::print_json(&Json::Null)?;
        }
        let looks = if file.profile().is_like_a_key(value.as_bytes()) {
            "it has the prefix of a key: it may be of another key file, purged, or cut short"
        } else {
            "it has no prefix of this API's keys; give the whole value, alone on a line"
        };
        writeln!(
            output::stderr(),
            "no key of this file has this value; {looks}"
        )?;
        return Ok(Exit::Failed);
    };
    let status = Status::of(key, &file, now);
    let next = next(key, status);
    if output.json {
        let mut json = view::json(key, &file, now);
        json.insert("next".to_owned(), json!(next));
        output::print_json(&Json::Object(json))?;
        return Ok(Exit::Good);
    }
    let mut out = output::stdout();
    let name = key.name.as_deref().unwrap_or("without a name");
    writeln!(
        out,
        "{}  {name}  {}",
        toned(Tone::Good, &key.id),
        toned(status.tone(), status.name())
    )?;
    writeln!(out, "{}", danger(&file, key, status))?;
    if !next.is_empty() {
        writeln!(out, "next:")?;
    }
    for command in next {
        writeln!(out, "  {command}")?;
    }
    Ok(Exit::Good)
}

/// What whoever has it can do with it.
fn danger(file: &KeyFile, key: &Key, status: Status) -> String {
    let whose = format!(
        "a {} key of {} in {} mode",
        key.kind.name(),
        key.owner,
        key.mode.name()
    );
    if status != Status::Active {
        return format!("{whose}; it does not work now: {}", status.name());
    }
    let place = if key.allowed_ips.is_empty() {
        "from everywhere".to_owned()
    } else {
        format!("from {}", key.allowed_ips.join(" "))
    };
    format!(
        "{whose}; it works {place}, permissions: {}",
        view::permissions(key, file)
    )
}

/// The commands to run now, in this order.
fn next(key: &Key, status: Status) -> Vec<String> {
    let id = &key.id;
    let push = "keyward push".to_owned();
    match (key.kind, status) {
        (_, Status::Deleted | Status::Expired) => Vec::new(),
        (KeyKind::Publishable, _) => vec![format!(
            "keyward keys show {id}    # publishable keys are public: nothing leaked"
        )],
        (_, Status::Inactive | Status::Suspended | Status::Active) => vec![
            format!(
                "keyward keys delete {id} --yes    # ends it; or, for a replacement first: keyward keys rotate {id}"
            ),
            push,
            format!("keyward keys show {id}    # what it could do, and who made it"),
        ],
    }
}
