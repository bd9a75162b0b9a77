//! Policies, as people and programs read them.

use std::io::Write;

use anyhow::Result;
use serde_json::Value as Json;

use crate::exit::Exit;
use crate::output::{self, OutputArguments, Rows, Tone, toned};
use crate::server::Policy;

pub(super) fn list(policies: &[Policy], output: OutputArguments) -> Result<Exit> {
    if output.json {
        let all = policies.iter().map(Policy::json).collect();
        output::print_json(&Json::Array(all))?;
        return Ok(Exit::Good);
    }
    let mut rows = Rows::new(&["name", "accounts", "keys may", "limits"]);
    for policy in policies {
        let limits = [
            policy
                .text("max_lifetime")
                .map(|span| format!("at most {span}")),
            policy
                .number("max_keys")
                .map(|most| format!("{most} keys a mode")),
        ];
        let limits: Vec<String> = limits.into_iter().flatten().collect();
        rows.push([
            (Tone::Plain, policy.name()),
            (Tone::Dim, policy.accounts().to_string().as_str()),
            (Tone::Plain, may(policy.permissions(), policy).as_str()),
            (Tone::Plain, or(limits.join(", "), "none").as_str()),
        ]);
    }
    rows.print()?;
    Ok(Exit::Good)
}

pub(super) fn one(policy: &Policy, output: OutputArguments) -> Result<Exit> {
    if output.json {
        output::print_json(&policy.json())?;
        return Ok(Exit::Good);
    }
    writeln!(output::stdout(), "{}", toned(Tone::Good, policy.name()))?;
    let accounts = match policy.accounts() {
        0 => "none has it by name".to_owned(),
        1 => "1 has it by name".to_owned(),
        many => format!("{many} have it by name"),
    };
    let no_limit = |text: Option<String>| text.unwrap_or_else(|| "no limit".to_owned());
    let needed = match (
        policy.is("require_ip_allowlist", "live"),
        policy.is("require_ip_allowlist", "test"),
    ) {
        (true, true) => "every key",
        (true, false) => "live keys",
        (false, true) => "test keys",
        (false, false) => "no key",
    };
    let bounds = match policy.text("delegation").as_deref() {
        Some("own") => "the policy, and what the maker's key may do itself",
        Some(_) | None => "the policy",
    };
    let overlaps: Vec<String> = policy
        .list("overlaps")
        .into_iter()
        .map(|span| match span.as_str() {
            "0" => "not at all".to_owned(),
            _ => span,
        })
        .collect();
    let offered: Vec<&str> = [
        ("allow_delete", "delete"),
        ("allow_requests", "requests"),
        ("allow_activity", "activity"),
    ]
    .into_iter()
    .filter(|(member, _)| policy.flag(member))
    .map(|(_, part)| part)
    .collect();
    let mut rows = Rows::without_headings();
    for (name, text) in [
        ("accounts", accounts),
        ("keys may", names(policy.permissions())),
        ("on connected accounts", names(policy.connect_permissions())),
        (
            "grant sets",
            or(policy.list("grant_sets").join(", "), "none"),
        ),
        ("chosen one by one", yes(policy.flag("free_choice"))),
        ("kinds", or(policy.list("kinds").join(", "), "none")),
        ("modes", or(policy.list("modes").join(", "), "none")),
        ("a key lasts at most", no_limit(policy.text("max_lifetime"))),
        (
            "unless it is said",
            policy
                .text("default_lifetime")
                .unwrap_or_else(|| "as long as it may".to_owned()),
        ),
        (
            "keys in each mode",
            no_limit(
                policy
                    .number("max_keys")
                    .map(|most| format!("at most {most}")),
            ),
        ),
        ("must name addresses", needed.to_owned()),
        (
            "a replaced key goes on",
            or(overlaps.join(", "), "not at all"),
        ),
        ("bounded by", bounds.to_owned()),
        (
            "the portal offers",
            or(offered.join(", "), "none of delete, requests, activity"),
        ),
    ] {
        rows.push([(Tone::Dim, name), (Tone::Plain, text.as_str())]);
    }
    rows.print()?;
    Ok(Exit::Good)
}

/// How many permissions a row of the list names.
const NAMED: usize = 3;

/// What keys may do, in a few words.
fn may(permissions: Option<&[String]>, policy: &Policy) -> String {
    let mut text = match permissions {
        Some(names) if names.len() > NAMED => {
            let more = names.len().saturating_sub(NAMED);
            let first: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
            format!("{}, {more} more", first.join(", "))
        }
        all => names(all),
    };
    let sets = policy.list("grant_sets");
    if !sets.is_empty() {
        text.push_str(&format!("; sets {}", sets.join(", ")));
    }
    text
}

fn names(permissions: Option<&[String]>) -> String {
    match permissions {
        None => "everything except managing keys".to_owned(),
        Some(names) => or(names.join(", "), "nothing"),
    }
}

fn or(text: String, empty: &str) -> String {
    if text.is_empty() {
        empty.to_owned()
    } else {
        text
    }
}

fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}
