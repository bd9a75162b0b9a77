//! Shows the report on a terminal.

use std::io::Write;

use anyhow::Result;

use super::report::{Finding, Key, Kind, PermissionState, Report, folded};
use crate::output::{Rows, Tone, toned};
use crate::times::length_in_words;

pub(super) fn print(report: &Report, out: &mut impl Write) -> Result<()> {
    summary(report, out)?;
    if !report.keys.is_empty() {
        heading("Keys", out)?;
        keys(&report.keys).write(out)?;
    }
    if !report.organizations.is_empty() {
        heading("Organizations", out)?;
        organizations(report).write(out)?;
    }
    if !report.findings.is_empty() {
        heading("Worth a look", out)?;
        findings(&report.findings, out)?;
    }
    let with_commands: Vec<&Key> = report
        .keys
        .iter()
        .filter(|key| !key.commands.is_empty())
        .collect();
    if !with_commands.is_empty() {
        heading("What would have been enough", out)?;
        for key in with_commands {
            writeln!(out, "{}", toned(Tone::Dim, &format!("# {}", named(key))))?;
            for command in &key.commands {
                writeln!(out, "{command}")?;
            }
        }
        let new = "# $NEW is the id that `keyward keys create` prints; until `--enforcement enforce`, what the new key lacks is noted and passes";
        writeln!(out, "{}", toned(Tone::Dim, new))?;
    }
    heading("What this cannot know", out)?;
    for limit in &report.limits {
        writeln!(out, "- {limit}")?;
    }
    Ok(())
}

fn heading(text: &str, out: &mut impl Write) -> Result<()> {
    writeln!(out, "\n{}", toned(Tone::Plain, text))?;
    writeln!(out, "{}", "─".repeat(text.chars().count()))?;
    Ok(())
}

fn summary(report: &Report, out: &mut impl Write) -> Result<()> {
    let requests = &report.requests;
    if let (Some(from), Some(to)) = (&report.log.from, &report.log.to) {
        let covers = length_in_words(report.log.covers);
        writeln!(out, "{from} to {to} ({covers})")?;
    }
    writeln!(
        out,
        "{} requests: {} allowed by their keys, {} without a key (public or preflight), {} verifications, {} only in shadow, {} refused, {} without a verdict",
        requests.total,
        requests.allowed,
        requests.public + requests.preflight,
        requests.verify,
        requests.shadow,
        requests.denied,
        requests.none
    )?;
    for sentence in &report.log.skipped {
        writeln!(out, "{}", toned(Tone::Warning, sentence))?;
    }
    let reasons: Vec<String> = report
        .reasons
        .iter()
        .map(|reason| format!("{} {}", reason.denied + reason.shadow, reason.reason))
        .collect();
    if !reasons.is_empty() {
        writeln!(out, "reasons: {}", reasons.join(", "))?;
    }
    Ok(())
}

fn named(key: &Key) -> String {
    match &key.name {
        Some(name) => format!("{} ({name})", key.id),
        None => key.id.clone(),
    }
}

fn keys(keys: &[Key]) -> Rows {
    let mut rows = Rows::new(&[
        "key",
        "name",
        "kind",
        "mode",
        "calls",
        "refused",
        "last used",
        "permissions",
        "accounts",
        "clients",
    ]);
    for key in keys {
        let tone = if key.calls == 0 {
            Tone::Dim
        } else {
            Tone::Plain
        };
        let refused = if key.denied > 0 { Tone::Bad } else { tone };
        let permissions = permissions(key);
        let distinct = |count: usize, others: u64, listed: usize| match (count, others) {
            (0, _) => "–".to_owned(),
            (count, others) if others > 0 && count <= listed => format!("{count}+"),
            (count, _) => count.to_string(),
        };
        let accounts = &key.accounts;
        let clients = &key.clients;
        rows.push([
            (tone, key.id.as_str()),
            (tone, key.name.as_deref().unwrap_or("–")),
            (tone, key.kind),
            (tone, key.mode),
            (tone, key.calls.to_string().as_str()),
            (refused, key.denied.to_string().as_str()),
            (tone, key.last_used.as_deref().unwrap_or("never")),
            (tone, permissions.as_str()),
            (
                tone,
                distinct(accounts.distinct, accounts.others, accounts.listed.len()).as_str(),
            ),
            (
                tone,
                distinct(clients.distinct, clients.others, clients.listed.len()).as_str(),
            ),
        ]);
    }
    rows
}

/// Returns `3 used, 2 unused, 1 missing`.
fn permissions(key: &Key) -> String {
    let count = |state: PermissionState| {
        let all = key.permissions.iter();
        all.filter(|permission| permission.state == state).count()
    };
    let parts = [
        (count(PermissionState::Used), "used"),
        (count(PermissionState::Unused), "unused"),
        (count(PermissionState::Missing), "missing"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if parts.is_empty() {
        "–".to_owned()
    } else {
        parts.join(", ")
    }
}

fn organizations(report: &Report) -> Rows {
    let mut rows = Rows::new(&[
        "organization",
        "keys",
        "calls",
        "refused",
        "accounts",
        "last used",
    ]);
    for organization in &report.organizations {
        rows.push([
            (Tone::Plain, organization.id.as_deref().unwrap_or("none")),
            (Tone::Plain, organization.keys.to_string().as_str()),
            (Tone::Plain, organization.calls.to_string().as_str()),
            (Tone::Plain, organization.denied.to_string().as_str()),
            (
                Tone::Plain,
                organization.accounts.distinct.to_string().as_str(),
            ),
            (Tone::Plain, organization.last_used.as_str()),
        ]);
    }
    rows
}

/// The maximum number of keys that are named for one finding.
const NAMED: usize = 5;

/// Prints the findings, the worst first. Findings with the same text are one, with the number of
/// its keys.
fn findings(findings: &[Finding], out: &mut impl Write) -> Result<()> {
    for kind in Kind::ALL {
        let groups = folded(findings, kind);
        let count: usize = groups.iter().map(Vec::len).sum();
        if count > 0 {
            writeln!(out, "{} ({count})", toned(kind.tone(), kind.title()))?;
        }
        for group in groups {
            match group.as_slice() {
                [one] => writeln!(out, "  {}{}", subject(one), one.text)?,
                [first, ..] => {
                    writeln!(out, "  {} keys: {}", group.len(), first.text)?;
                    for one in group.iter().take(NAMED) {
                        let subject = subject(one);
                        writeln!(out, "    {}", subject.trim_end_matches(": "))?;
                    }
                    if group.len() > NAMED {
                        let more = group.len() - NAMED;
                        writeln!(out, "    and {more} more, which --json lists")?;
                    }
                }
                [] => {}
            }
        }
    }
    Ok(())
}

/// Returns `mk_1 (Billing, acct_1): `, or an empty text.
fn subject(finding: &Finding) -> String {
    match (&finding.key, finding.whose()) {
        (None, _) => String::new(),
        (Some(key), whose) if whose.is_empty() => format!("{key}: "),
        (Some(key), whose) => format!("{key} ({whose}): "),
    }
}
