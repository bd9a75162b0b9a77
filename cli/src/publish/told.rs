//! Reports a publication to people.

use std::io::Write;

use anyhow::Result;

use super::say;
use crate::counted::counted;
use crate::times;
use keyward_files::feed::{Published, Step, StorePlace};
use keyward_files::key_file::instant;

/// Describes a publication in a line.
pub(super) fn published(
    published: &Published,
    to: &StorePlace,
    out: &mut impl Write,
) -> Result<()> {
    let Published {
        revision,
        keys,
        records,
        effect,
        steps,
        ..
    } = published;
    let shown = to;
    if steps.is_empty() {
        writeln!(
            out,
            "{shown} leads to revision {revision} already; its head was signed again"
        )?;
    } else {
        let steps: Vec<String> = steps.iter().map(step).collect();
        writeln!(
            out,
            "published revision {revision} with {} to {shown} ({}, {}): {}",
            counted(*keys, "key", "keys"),
            effect.counts(),
            counted(*records, "record", "records"),
            steps.join(", ")
        )?;
    }
    effect.name_accounts(out)
}

fn step(step: &Step) -> String {
    match step {
        Step::Begun(size) => format!("a base of {size} bytes, and a new line"),
        Step::Delta(size) => format!("a delta of {size} bytes"),
        Step::Jump(size) => {
            format!("a base of {size} bytes, for the change is more than deltas carry")
        }
        Step::Compacted(size, true) => format!("a new base of {size} bytes"),
        Step::Compacted(size, false) => {
            format!("a new base of {size} bytes, which running gateways load, too")
        }
    }
}

/// Describes what a publication would do.
pub(super) fn would(published: &Published, to: &StorePlace, out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "{} leads to revision {}; a publication would change {} ({})",
        to,
        published.revision,
        counted(published.records, "record", "records"),
        published.effect.counts()
    )?;
    published.effect.name_accounts(out)
}

/// Says when gateways will deny.
pub(super) fn deadline(
    published: &Published,
    age: u64,
    now: u64,
    out: &mut impl Write,
) -> Result<()> {
    let end = published.issued_at.saturating_add(age);
    writeln!(
        out,
        "gateways deny from {} on ({}) unless something is published before",
        instant::show(end),
        times::relative(end, now)
    )?;
    Ok(())
}

/// Describes a heartbeat.
pub(super) fn renewed(
    published: &Published,
    age: u64,
    now: u64,
    out: &mut impl Write,
) -> Result<()> {
    writeln!(
        out,
        "signed the head of revision {} again",
        published.revision
    )?;
    deadline(published, age, now, out)?;
    notes(published)
}

/// Prints the notes about a publication to standard error, which is the log of the process that
/// runs this.
pub(super) fn notes(published: &Published) -> Result<()> {
    if let Some(note) = &published.note {
        say(note);
    }
    if let Some(failure) = &published.uncollected {
        say(&format!(
            "published, but objects that are no longer needed could not be removed: {failure}"
        ));
    }
    Ok(())
}
