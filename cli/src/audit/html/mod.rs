//! The report as one self-contained page: it loads no script, font or picture, and its content security policy forbids all three. Every text from outside goes through [`Text`].

mod charts;
mod keys;
mod text;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::report::{Finding, Kind, Organization, PermissionState, Report, folded};
use crate::output::Tone;
use crate::times::length_in_words;
use charts::Bar;
use text::{Text, joined, number, percent, sentence};

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(super) fn page(report: &Report) -> String {
    let digest = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { "keyward audit" }
                style { (PreEscaped(STYLE)) }
            }
            body { main {
                (header(report))
                (tiles(report))
                (over_time(report))
                (why_and_what(report))
                (findings(report))
                (organizations(report))
                (keys::section(report))
                (limits(report))
            } }
        }
    };
    page.into_string() + "\n"
}

fn header(report: &Report) -> Markup {
    html! {
        header {
            h1 { "Keys and what they are used for" }
            @if let (Some(from), Some(to)) = (&report.log.from, &report.log.to) {
                p.period {
                    time { (Text(from)) } " to " time { (Text(to)) } ", " (length_in_words(report.log.covers))
                }
            } @else {
                p.period { "No request was found in this log." }
            }
            @for sentence in &report.log.skipped { p.note { (Text(sentence)) } }
        }
    }
}

fn tiles(report: &Report) -> Markup {
    let requests = &report.requests;
    let seen = report.keys.iter().filter(|key| key.calls > 0).count();
    let idle = report.keys.len() - seen;
    let of_kind = |kind: Kind| {
        let findings = report.findings.iter();
        findings.filter(|finding| finding.finding == kind).count()
    };
    let could_lose = of_kind(Kind::Unused) + of_kind(Kind::CanBeLimited);
    let tile = |class: &str, count: String, what: &str, more: Markup| {
        html! { div class={ "tile " (class) } { b { (count) } span { (what) } small { (more) } } }
    };
    let or_good = |is_worse: bool, class: &'static str| if is_worse { class } else { "good" };
    html! {
        section.tiles {
            (tile("", number(requests.total), "requests", html! {
                @if requests.none == 0 { "every one judged" } @else { (number(requests.none)) " without a verdict" }
            }))
            (tile(or_good(requests.denied > 0, "bad"), number(requests.denied), "refused", html! {
                (percent(requests.denied, requests.total)) " of all"
                @if requests.shadow > 0 { ", " (number(requests.shadow)) " only in shadow" }
            }))
            (tile("", number(seen), "keys used", html! { (number(idle)) " listed and not in this log" }))
            (tile(or_good(could_lose > 0, "warn"), number(could_lose), "keys with more than they use", html! {
                (number(of_kind(Kind::CanBeLimited))) " of them have every permission"
            }))
            (tile(or_good(!report.findings.is_empty(), "warn"), number(report.findings.len()), "worth a look", html! {
                (number(keys_found(&report.findings))) " keys"
            }))
        }
    }
}

fn keys_found(findings: &[Finding]) -> usize {
    let keys = findings.iter().filter_map(|finding| finding.key.as_deref());
    keys.collect::<std::collections::BTreeSet<_>>().len()
}

fn over_time(report: &Report) -> Markup {
    let step = match report.timeline.step {
        1 => "second".to_owned(),
        86_400 => "day".to_owned(),
        3_600 => "hour".to_owned(),
        60 => "minute".to_owned(),
        step => length_in_words(step),
    };
    html! {
        @if !report.timeline.steps.is_empty() {
            section {
                h2 { "Requests over time" }
                p.legend { i.pass {} "passed " i.deny {} "refused " span { "per " (step) ", UTC" } }
                (charts::timeline(&report.timeline))
            }
        }
    }
}

fn why_and_what(report: &Report) -> Markup {
    let reasons = report.reasons.iter().map(|reason| Bar {
        label: reason.reason.to_owned(),
        value: reason.denied,
        light: reason.shadow,
        class: "deny",
    });
    let mut permissions: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    for permission in report.keys.iter().flat_map(|key| &key.permissions) {
        if permission.calls > 0 && permission.state == PermissionState::Used {
            *permissions.entry(&permission.permission).or_default() += permission.calls;
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
    let bars = |bars: &[Bar]| {
        html! { @if bars.is_empty() { p.empty { "None." } } @else { (charts::bars(bars)) } }
    };
    html! {
        .two {
            section {
                h2 { "Why requests were refused" }
                p.legend { i.deny {} "refused " i.light {} "passed in shadow" }
                (bars(&reasons.collect::<Vec<_>>()))
            }
            section {
                h2 { "Permissions used" }
                p.legend { i.pass {} "calls, of all keys" }
                (bars(&permissions))
            }
        }
    }
}

/// How many findings of one kind, and keys of one finding, are listed.
const FINDINGS: usize = 50;

fn findings(report: &Report) -> Markup {
    let of_kind = |kind: Kind| {
        let groups = folded(&report.findings, kind);
        let count: usize = groups.iter().map(Vec::len).sum();
        html! {
            @if count > 0 {
                dt class=(class(kind.tone())) { (kind.title()) " " span.dim { (number(count)) } }
                @for group in groups.iter().take(FINDINGS) { dd { (together(group)) } }
            }
        }
    };
    html! {
        section {
            h2 { "Worth a look" }
            @if report.findings.is_empty() {
                p.empty { "Nothing." }
            } @else {
                dl.findings { @for kind in Kind::ALL { (of_kind(kind)) } }
            }
        }
    }
}

/// Findings of the same words.
fn together(group: &[&Finding]) -> Markup {
    let more = group.len().saturating_sub(FINDINGS);
    let keys = group.iter().take(FINDINGS).filter_map(|one| key_of(one));
    html! {
        @if let [one, _, ..] = group { (group.len()) " keys: " (sentence(&one.text)) br; }
        (joined(keys, ", "))
        @if more > 0 { " and " (more) " more" }
        @if let [one] = group { " " (sentence(&one.text)) }
    }
}

/// A finding's key, with its name and owner.
fn key_of(finding: &Finding) -> Option<Markup> {
    let key = Text(finding.key.as_deref()?);
    let whose = finding.whose();
    Some(html! {
        a href={ "#" (key) } { code { (key) } }
        @if !whose.is_empty() { " " span.dim { (Text(&whose)) } }
    })
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Bad => "bad",
        Tone::Warning => "warn",
        Tone::Good => "good",
        Tone::Plain | Tone::Dim => "plain",
    }
}

fn organizations(report: &Report) -> Markup {
    let most = report.organizations.iter().map(|one| one.calls).max();
    let row = |one: &Organization| {
        let shown = one.accounts.listed.iter().take(4);
        let more = one.accounts.distinct.saturating_sub(shown.len());
        let accounts =
            shown.map(|top| html! { code { (Text(&top.value)) } " " (number(top.calls)) });
        html! {
            tr {
                th { @if let Some(id) = &one.id { code { (Text(id)) } } @else { "no organization" } }
                td.n { (one.keys) }
                td.n { (charts::meter(one.calls, one.denied, most.unwrap_or(1))) (number(one.calls)) }
                td.n { (number(one.denied)) }
                td { (joined(accounts, ", ")) @if more > 0 { " and " (more) " more" } }
                td { time { (Text(&one.last_used)) } }
            }
        }
    };
    html! {
        @if !report.organizations.is_empty() {
            section {
                h2 { "Organizations" }
                .wide { table {
                    thead { tr {
                        th { "organization" }
                        @for heading in ["keys", "calls", "refused"] { th.n { (heading) } }
                        th { "calls by account" }
                        th { "last used" }
                    } }
                    tbody { @for one in report.organizations.iter().take(200) { (row(one)) } }
                } }
            }
        }
    }
}

fn limits(report: &Report) -> Markup {
    html! {
        section.limits {
            h2 { "What this cannot know" }
            ul { @for limit in &report.limits { li { (sentence(limit)) } } }
        }
    }
}
