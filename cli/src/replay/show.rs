//! Shows the results of a replay to people and programs, and in a pull request. All text that a
//! client chose is already printable ASCII.

use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

use crate::output::{Rows, Tone};
use keyward_files::key_file::instant;
use keyward_files::log_files::Tally;
use keyward_files::replay::{Extent, Group, Outcome, Side, Sum};

/// What no log contains, so no replay can show it.
const LIMITS: [&str; 6] = [
    "The query is not logged: what `expand` asks for is not checked against the new grants, and a key or an account in the query is taken for one in a header.",
    "Bodies are not logged, and keyward reads none.",
    "The log shows a header only through the verdict: replay assumes a version that the old snapshot serves, and no `Upgrade`, override or folded header.",
    "Replay knows keys by their ids in the old snapshot: a request with any other key shows nothing, and neither do clients that have not called yet.",
    "The address is the log's `client_address`; it must be the one that keyward saw.",
    "Every request is decided at one time, by both snapshots, and `max_snapshot_age` is left aside.",
];

/// The maximum number of groups in a pull request. The others are counted.
const MOST_IN_MARKDOWN: usize = 50;

pub(super) struct Told<'a> {
    pub(super) old: &'a Side,
    pub(super) new: &'a Side,
    pub(super) sum: &'a Sum,
    pub(super) tally: &'a Tally,
    pub(super) at: String,
}

impl Told<'_> {
    fn headline(&self) -> String {
        let (flips, compared) = (self.sum.flips(), self.sum.compared);
        match flips {
            0 => format!("No verdict flips, of {compared} requests"),
            1 => format!("1 of {compared} requests flips"),
            _ => format!("{flips} of {compared} requests flip"),
        }
    }

    fn sides(&self) -> String {
        let revision = |side: &Side| {
            let revision = side.revision();
            revision.map_or("no snapshot".to_owned(), |revision| revision.to_string())
        };
        format!(
            "Old revision {}, new revision {}, as of {}.",
            revision(self.old),
            revision(self.new),
            self.at
        )
    }

    fn counts(&self) -> String {
        let sum = self.sum;
        format!(
            "{} passed and would be refused, {} were refused and would pass, {} would be answered by another; {} keep their verdict for another reason.",
            sum.breaks, sum.opens, sum.moves, sum.reasons
        )
    }

    /// Returns one sentence for each thing that is unknown.
    fn unknown(&self) -> Vec<String> {
        let unclear = self.sum.unclear.iter();
        let mut all: Vec<String> = unclear
            .map(|(why, count)| format!("{count} not compared: {}", why.text()))
            .collect();
        if let Some(lost) = self.old.versions_lost_in(self.new) {
            all.push(format!(
                "The new snapshot no longer serves {lost}; which requests name it no log holds"
            ));
        }
        if self.sum.ungrouped > 0 {
            all.push(format!(
                "{} of those that change are not listed",
                self.sum.ungrouped
            ));
        }
        all.extend(self.tally.sentences());
        all
    }

    pub(super) fn json(&self) -> Value {
        let sum = self.sum;
        let groups: Vec<Value> = sum
            .groups()
            .into_iter()
            .map(|(group, extent)| {
                json!({
                    "change": group.change.name(), "flips": group.change.is_flip(), "count": extent.count, "key": group.key, "endpoint": group.endpoint,
                    "old": group.before.name(), "old_missing": group.before.missing(),
                    "new": group.after.name(), "new_missing": group.after.missing(),
                    "first": time(extent.first), "last": time(extent.last),
                })
            })
            .collect();
        let unclear: Vec<Value> = sum
            .unclear
            .iter()
            .map(|(why, count)| json!({"count": count, "why": why.text()}))
            .collect();
        json!({
            "old_revision": self.old.revision(), "new_revision": self.new.revision(), "at": self.at,
            "requests": self.tally.requests(), "compared": sum.compared, "flips": sum.flips(),
            "breaks": sum.breaks, "opens": sum.opens, "moves": sum.moves, "reasons": sum.reasons,
            "groups": groups, "ungrouped": sum.ungrouped, "not_compared": unclear,
            "versions_lost": self.old.versions_lost_in(self.new),
            "lines_skipped": self.tally.skipped(), "limits": LIMITS,
        })
    }

    pub(super) fn print(&self, out: &mut impl Write) -> Result<()> {
        writeln!(out, "{}. {}", self.headline(), self.sides())?;
        writeln!(out, "{}", self.counts())?;
        let groups = self.sum.groups();
        if !groups.is_empty() {
            let mut rows = Rows::new(&[
                "change", "requests", "key", "endpoint", "old", "new", "last",
            ]);
            for (group, extent) in groups {
                let tone = if group.change.is_flip() {
                    Tone::Bad
                } else {
                    Tone::Dim
                };
                rows.push([
                    (tone, group.change.name()),
                    (Tone::Plain, &*extent.count.to_string()),
                    (Tone::Plain, group.key.as_deref().unwrap_or("-")),
                    (Tone::Plain, &*group.endpoint),
                    (Tone::Plain, &*said(&group.before)),
                    (Tone::Plain, &*said(&group.after)),
                    (Tone::Plain, &*time(extent.last)),
                ]);
            }
            writeln!(out)?;
            rows.write(out)?;
        }
        writeln!(out)?;
        for sentence in self.unknown() {
            writeln!(out, "{sentence}.")?;
        }
        writeln!(out, "What a log cannot show:")?;
        for limit in LIMITS {
            writeln!(out, "- {limit}")?;
        }
        Ok(())
    }

    pub(super) fn markdown(&self, out: &mut impl Write) -> Result<()> {
        let sign = if self.sum.flips() == 0 { "✅" } else { "❌" };
        writeln!(out, "### {sign} keyward replay: {}\n", self.headline())?;
        writeln!(out, "{}\n\n{}\n", self.sides(), self.counts())?;
        let groups = self.sum.groups();
        let more = groups.len().saturating_sub(MOST_IN_MARKDOWN);
        if !groups.is_empty() {
            writeln!(out, "| change | requests | key | endpoint | old | new |")?;
            writeln!(out, "|---|---:|---|---|---|---|")?;
            for (group, extent) in groups.into_iter().take(MOST_IN_MARKDOWN) {
                writeln!(out, "{}", row(group, extent))?;
            }
            writeln!(out)?;
        }
        if more > 0 {
            writeln!(out, "And {more} groups more.\n")?;
        }
        for sentence in self.unknown() {
            writeln!(out, "- {}", sentence.replace(['<', '>', '|'], "_"))?;
        }
        writeln!(
            out,
            "\n<details><summary>What a log cannot show</summary>\n"
        )?;
        for limit in LIMITS {
            writeln!(out, "- {limit}")?;
        }
        writeln!(out, "\n</details>")?;
        Ok(())
    }
}

fn row(group: &Group, extent: &Extent) -> String {
    let key = group.key.as_deref().map_or("–".to_owned(), code);
    format!(
        "| {} | {} | {key} | {} | {} | {} |",
        group.change.name(),
        extent.count,
        code(&group.endpoint),
        code(&said(&group.before)),
        code(&said(&group.after)),
    )
}

/// Formats printable ASCII as code in a table cell, in which nothing is Markdown, HTML or the end
/// of the cell.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace('|', "\\|"))
}

fn said(outcome: &Outcome) -> String {
    match outcome.missing() {
        Some(missing) => format!("{} ({missing})", outcome.name()),
        None => outcome.name(),
    }
}

/// Formats milliseconds since 1970 as a time.
fn time(milliseconds: u64) -> String {
    instant::show(milliseconds / 1000)
}
