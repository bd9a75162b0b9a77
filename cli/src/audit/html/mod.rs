//! The report as one self-contained page: it loads no script, font or picture, and its content security policy forbids all three. Every text goes through [`text()`].

mod charts;
mod keys;
mod text;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::report::{Finding, Kind, Organization, Report, folded};
use crate::output::Tone;
use crate::times::length_in_words;
use charts::Bar;
use text::{number, percent, text};

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(super) fn page(report: &Report) -> String {
    let digest = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    );
    let body = [
        header(report),
        tiles(report),
        over_time(report),
        why_and_what(report),
        findings(report),
        organizations(report),
        keys::section(report),
        limits(report),
    ]
    .concat();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>keyward audit</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

fn header(report: &Report) -> String {
    let period = match (&report.log.from, &report.log.to) {
        (Some(from), Some(to)) => format!(
            "<p class=\"period\"><time>{}</time> to <time>{}</time>, {}</p>",
            text(from),
            text(to),
            text(&length_in_words(report.log.covers))
        ),
        _ => "<p class=\"period\">No request was found in this log.</p>".to_owned(),
    };
    let skipped: String = report
        .log
        .skipped
        .iter()
        .map(|sentence| format!("<p class=\"note\">{}</p>", text(sentence)))
        .collect();
    format!("<header><h1>Keys and what they are used for</h1>{period}{skipped}</header>\n")
}

fn tiles(report: &Report) -> String {
    let requests = &report.requests;
    let seen = report.keys.iter().filter(|key| key.calls > 0).count();
    let idle = report.keys.len() - seen;
    let of_kind = |kind: Kind| {
        let findings = report.findings.iter();
        findings.filter(|finding| finding.finding == kind).count()
    };
    let could_lose = of_kind(Kind::Unused) + of_kind(Kind::CanBeLimited);
    let tile = |class: &str, count: String, what: &str, more: String| {
        format!(
            "<div class=\"tile {class}\"><b>{count}</b><span>{what}</span><small>{more}</small></div>"
        )
    };
    let count = |count: usize| number(u64::try_from(count).unwrap_or(u64::MAX));
    let shadow = match requests.shadow {
        0 => String::new(),
        some => format!(", {} only in shadow", number(some)),
    };
    let broken = match requests.none {
        0 => "every one judged".to_owned(),
        some => format!("{} without a verdict", number(some)),
    };
    [
        "<section class=\"tiles\">".to_owned(),
        tile("", number(requests.total), "requests", broken),
        tile(
            if requests.denied > 0 { "bad" } else { "good" },
            number(requests.denied),
            "refused",
            format!(
                "{} of all{shadow}",
                percent(requests.denied, requests.total)
            ),
        ),
        tile(
            "",
            count(seen),
            "keys used",
            format!("{} listed and not in this log", count(idle)),
        ),
        tile(
            if could_lose > 0 { "warn" } else { "good" },
            count(could_lose),
            "keys with more than they use",
            format!(
                "{} of them have every permission",
                count(of_kind(Kind::CanBeLimited))
            ),
        ),
        tile(
            if report.findings.is_empty() {
                "good"
            } else {
                "warn"
            },
            count(report.findings.len()),
            "worth a look",
            format!("{} keys", count(keys_found(&report.findings))),
        ),
        "</section>\n".to_owned(),
    ]
    .concat()
}

fn keys_found(findings: &[Finding]) -> usize {
    let keys = findings.iter().filter_map(|finding| finding.key.as_deref());
    keys.collect::<std::collections::BTreeSet<_>>().len()
}

fn over_time(report: &Report) -> String {
    if report.timeline.steps.is_empty() {
        return String::new();
    }
    let step = match report.timeline.step {
        1 => "second".to_owned(),
        86_400 => "day".to_owned(),
        3_600 => "hour".to_owned(),
        60 => "minute".to_owned(),
        step => length_in_words(step),
    };
    format!(
        "<section><h2>Requests over time</h2><p class=\"legend\"><i class=\"pass\"></i>passed <i class=\"deny\"></i>refused <span>per {step}, UTC</span></p>{}</section>\n",
        charts::timeline(&report.timeline)
    )
}

fn why_and_what(report: &Report) -> String {
    let reasons: Vec<Bar> = report
        .reasons
        .iter()
        .map(|reason| Bar {
            label: reason.reason.to_owned(),
            value: reason.denied,
            light: reason.shadow,
            class: "deny",
        })
        .collect();
    let mut permissions: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    for key in &report.keys {
        for permission in &key.permissions {
            if permission.calls > 0 && permission.state == super::report::PermissionState::Used {
                *permissions.entry(&permission.permission).or_default() += permission.calls;
            }
        }
    }
    let mut permissions: Vec<Bar> = permissions
        .into_iter()
        .map(|(name, calls)| Bar {
            label: name.to_owned(),
            value: calls,
            light: 0,
            class: "pass",
        })
        .collect();
    permissions.sort_by(|a, b| b.value.cmp(&a.value).then_with(|| a.label.cmp(&b.label)));
    permissions.truncate(12);
    let nothing = "<p class=\"empty\">None.</p>".to_owned();
    let bars = |bars: &[Bar]| {
        if bars.is_empty() {
            nothing.clone()
        } else {
            charts::bars(bars)
        }
    };
    format!(
        "<div class=\"two\"><section><h2>Why requests were refused</h2><p class=\"legend\"><i class=\"deny\"></i>refused <i class=\"light\"></i>passed in shadow</p>{}</section>\
         <section><h2>Permissions used</h2><p class=\"legend\"><i class=\"pass\"></i>calls, of all keys</p>{}</section></div>\n",
        bars(&reasons),
        bars(&permissions)
    )
}

fn findings(report: &Report) -> String {
    if report.findings.is_empty() {
        return "<section><h2>Worth a look</h2><p class=\"empty\">Nothing.</p></section>\n"
            .to_owned();
    }
    let mut out = String::from("<section><h2>Worth a look</h2><dl class=\"findings\">");
    for kind in Kind::ALL {
        let groups = folded(&report.findings, kind);
        let count: usize = groups.iter().map(Vec::len).sum();
        if count == 0 {
            continue;
        }
        out.push_str(&format!(
            "<dt class=\"{}\">{} <span class=\"dim\">{}</span></dt>",
            class(kind.tone()),
            kind.title(),
            number(u64::try_from(count).unwrap_or(u64::MAX))
        ));
        for group in groups.iter().take(FINDINGS) {
            let keys: Vec<String> = group
                .iter()
                .take(FINDINGS)
                .filter_map(|one| key_of(one))
                .collect();
            let more = group.len().saturating_sub(FINDINGS);
            let more = match more {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let of = match group.as_slice() {
                [one, _, ..] => format!("{} keys: {}<br>", group.len(), text::sentence(&one.text)),
                _ => String::new(),
            };
            let after = match group.as_slice() {
                [one] => format!(" {}", text::sentence(&one.text)),
                _ => String::new(),
            };
            out.push_str(&format!("<dd>{of}{}{more}{after}</dd>", keys.join(", ")));
        }
    }
    out.push_str("</dl></section>\n");
    out
}

/// A finding's key, with its name and owner.
fn key_of(finding: &Finding) -> Option<String> {
    let key = text(finding.key.as_deref()?);
    let whose = match finding.whose() {
        whose if whose.is_empty() => String::new(),
        whose => format!(" <span class=\"dim\">{}</span>", text(&whose)),
    };
    Some(format!("<a href=\"#{key}\"><code>{key}</code></a>{whose}"))
}

/// How many findings of one kind, and keys of one finding, are listed.
const FINDINGS: usize = 50;

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Bad => "bad",
        Tone::Warning => "warn",
        Tone::Good => "good",
        Tone::Plain | Tone::Dim => "plain",
    }
}

fn organizations(report: &Report) -> String {
    if report.organizations.is_empty() {
        return String::new();
    }
    let most = report.organizations.iter().map(|one| one.calls).max();
    let row = |one: &Organization| {
        let accounts: Vec<String> = one
            .accounts
            .listed
            .iter()
            .take(4)
            .map(|top| format!("<code>{}</code> {}", text(&top.value), number(top.calls)))
            .collect();
        let more = one.accounts.distinct.saturating_sub(accounts.len());
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        format!(
            "<tr><th>{}</th><td class=\"n\">{}</td><td class=\"n\">{}{}</td><td class=\"n\">{}</td><td>{}{more}</td><td><time>{}</time></td></tr>",
            one.id
                .as_deref()
                .map_or("no organization".to_owned(), |id| format!(
                    "<code>{}</code>",
                    text(id)
                )),
            one.keys,
            charts::meter(one.calls, one.denied, most.unwrap_or(1)),
            number(one.calls),
            number(one.denied),
            accounts.join(", "),
            text(&one.last_used),
        )
    };
    let rows: String = report.organizations.iter().take(200).map(row).collect();
    format!(
        "<section><h2>Organizations</h2><div class=\"wide\"><table><thead><tr><th>organization</th><th class=\"n\">keys</th><th class=\"n\">calls</th><th class=\"n\">refused</th><th>calls by account</th><th>last used</th></tr></thead><tbody>{rows}</tbody></table></div></section>\n"
    )
}

fn limits(report: &Report) -> String {
    let items: String = report
        .limits
        .iter()
        .map(|limit| format!("<li>{}</li>", text::sentence(limit)))
        .collect();
    format!("<section class=\"limits\"><h2>What this cannot know</h2><ul>{items}</ul></section>\n")
}
