//! `keyward snapshot check`: reports everything that is wrong and, for a valid snapshot, everything
//! that a person should look at.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};
use jiff::{Span, SpanRelativeTo, Unit};
use serde_json::{Value, json};

use super::findings::{self, Finding, Policy, Subject};
use super::load::load;
use crate::counted::counted;
use crate::exit::Exit;
use crate::store::StoreArguments;
use crate::{borrowed, input, output};
use keyward::refusal::Place;
use keyward_files::key_file::KeyFile;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A snapshot or a plugin configuration, JSON (`-` reads standard input), or a key file (default: the one of --keys)
    file: Option<PathBuf>,
    /// Warn of keys that expire within this time (default: 14d, for live keys)
    #[arg(long, value_name = "TIME", value_parser = duration)]
    within: Option<u64>,
    /// Warn of keys older than this, such as 90d; only a key file has the times they were made
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_key_age: Option<u64>,
}

/// Parses `90d`, `12h` or `1w` to seconds. A day has 24 hours.
pub(crate) fn duration(text: &str) -> Result<u64> {
    let seconds = text
        .parse::<Span>()
        .ok()
        .and_then(|span| {
            let days = SpanRelativeTo::days_are_24_hours();
            span.total((Unit::Second, days)).ok()
        })
        .filter(|seconds| seconds.is_sign_positive())
        .and_then(|seconds| format!("{seconds:.0}").parse().ok());
    match seconds {
        Some(seconds) => Ok(seconds),
        None => bail!("expected a time such as `14d`, `12h` or `30m`"),
    }
}

pub(super) fn run(arguments: &Arguments, store: &StoreArguments, json: bool) -> Result<Exit> {
    let path = arguments.file.as_ref().unwrap_or(&store.path);
    let source = load(path)?;
    let policy = Policy {
        now: input::now(),
        within: arguments.within,
        max_key_age: arguments.max_key_age,
    };
    let mut out = output::stdout();
    let feed = source.configuration.settings().feed.as_ref();
    let (Some(snapshot), Some(written)) = (source.configuration.snapshot(), source.snapshot())
    else {
        let findings = findings::of_feed(&source.configuration, policy.now);
        if json {
            let shown: Vec<Value> = findings.iter().map(Finding::json).collect();
            output::print_json(&json!({"good": true, "findings": shown}))?;
            return Ok(exit(&findings));
        }
        match feed {
            Some(feed) => writeln!(
                out,
                "good: without a snapshot, it follows the feed `{}` through the cluster `{}`; `keyward doctor` looks at the cluster",
                feed.name, feed.cluster
            )?,
            None => writeln!(out, "good, but without a snapshot: every request is denied")?,
        }
        findings::print(&findings, &mut out)?;
        return Ok(exit(&findings));
    };
    let subject = Subject {
        snapshot,
        written,
        profile: source.configuration.profile(),
        place: source.place.clone(),
    };
    let file: Option<&KeyFile> = source.key_file.as_ref();
    let mut findings = findings::of(&subject);
    findings.extend(findings::risks(&subject, file, &policy));
    findings.extend(findings::of_feed(&source.configuration, policy.now));
    // A bare snapshot does not name the profile that it is served with.
    let has_profile = file.is_some() || source.place != Place::default();
    if let (Some(text), true) = (borrowed::told(&source.configuration), has_profile) {
        findings.push(Finding::warning(
            Place::member("configuration").then("profile"),
            text,
        ));
    }
    if json {
        let shown: Vec<Value> = findings.iter().map(Finding::json).collect();
        output::print_json(&json!({
            "good": true,
            "revision": snapshot.revision().number(),
            "keys": snapshot.key_count(),
            "accounts": snapshot.accounts().len(),
            "findings": shown,
        }))?;
    } else {
        writeln!(
            out,
            "good: revision {}, {}, {}",
            snapshot.revision().number(),
            counted(snapshot.key_count(), "key", "keys"),
            counted(snapshot.accounts().len(), "account", "accounts"),
        )?;
        findings::print(&findings, &mut out)?;
    }
    Ok(exit(&findings))
}

fn exit(findings: &[Finding]) -> Exit {
    match findings.iter().any(Finding::is_warning) {
        true => Exit::Failed,
        false => Exit::Good,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("14d", 1_209_600),
            ("12h", 43_200),
            ("1w", 604_800),
            ("30m", 1_800),
        ] {
            assert_eq!(duration(text).unwrap(), seconds);
        }
        for text in ["", "14", "-1d", "soon"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
