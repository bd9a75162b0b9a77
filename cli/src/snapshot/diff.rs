//! `keyward snapshot diff A B`: describes the changes from one snapshot to another.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value, json};

use super::load::load;
use crate::exit::Exit;
use crate::output::{self, Tone, toned};
use keyward_files::snapshot::diff::{Difference, Direction, between, names};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Before: a snapshot or a plugin configuration, JSON, or a key file
    a: PathBuf,
    /// After
    b: PathBuf,
}

pub(super) fn run(arguments: &Arguments, is_json: bool) -> Result<Exit> {
    let (a, b) = (load(&arguments.a)?, load(&arguments.b)?);
    let differences = between(&a, &b);
    if is_json {
        let shown: Vec<Value> = differences.iter().map(shown).collect();
        output::print_json(&json!({"differences": shown}))?;
    } else {
        print(&differences, &names(&a, &b))?;
    }
    Ok(if differences.is_empty() {
        Exit::Good
    } else {
        Exit::Failed
    })
}

/// Prints one line per change.
pub(crate) fn print(differences: &[Difference], names: &HashMap<&str, &str>) -> Result<()> {
    let mut out = output::stdout();
    if differences.is_empty() {
        writeln!(out, "no difference")?;
    }
    for difference in differences {
        let (sign, tone) = match difference.direction {
            Direction::More => ("+", Tone::Good),
            Direction::Less => ("-", Tone::Bad),
            Direction::Other => ("~", Tone::Warning),
        };
        let name = names.get(&*difference.id);
        let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
        writeln!(
            out,
            "{} {} {}{name} {}",
            toned(tone, sign),
            difference.subject,
            difference.id,
            difference.what
        )?;
    }
    Ok(())
}

/// Returns a change as JSON, for programs.
pub(crate) fn shown(difference: &Difference) -> Value {
    json!({
        "subject": difference.subject,
        "id": difference.id,
        "what": difference.what,
        "passes": match difference.direction {
            Direction::More => "more",
            Direction::Less => "less",
            Direction::Other => "other",
        },
    })
}
