//! The keys on the page: one card each, the most called first.

use maud::{Markup, html};

use super::super::report::{Key, Permission, PermissionState, Report, Tops};
use super::charts;
use super::text::{Text, joined, number};

/// How many keys have a card. All are in the JSON.
const CARDS: usize = 200;
/// How many endpoints, accounts and clients of one key are listed.
const LISTED: usize = 6;

pub(super) fn section(report: &Report) -> Markup {
    let (idle, used): (Vec<&Key>, Vec<&Key>) = report.keys.iter().partition(|key| key.calls == 0);
    let more = used.len().saturating_sub(CARDS);
    html! {
        section {
            h2 { "Keys" }
            p.legend {
                span.chip.used { "used" } " " span.chip.unused { "granted, not used" } " " span.chip.missing { "refused" }
            }
            @for key in used.iter().take(CARDS) { (card(key)) }
            @if more > 0 { p.note { (more) " more keys are in " code { "keyward audit --json" } "." } }
        }
        @if !idle.is_empty() {
            section {
                h2 { "Listed and not in this log" }
                .wide { table {
                    thead { tr { @for heading in ["key", "name", "kind", "owner", "ends"] { th { (heading) } } } }
                    tbody { @for key in idle.iter().take(CARDS) { (idle_row(key)) } }
                } }
            }
        }
    }
}

fn idle_row(key: &Key) -> Markup {
    html! {
        tr id=(Text(&key.id)) {
            th { code { (Text(&key.id)) } }
            td { (Text(key.name.as_deref().unwrap_or("–"))) }
            td { (badge(key.mode)) " " (badge(key.kind)) }
            td { (Text(key.owner.as_deref().unwrap_or("–"))) }
            td { (Text(key.expires.as_deref().unwrap_or("never"))) }
        }
    }
}

fn badge(word: &str) -> Markup {
    html! { span class={ "badge " (Text(word)) } { (Text(word)) } }
}

fn card(key: &Key) -> Markup {
    html! {
        article id=(Text(&key.id)) {
            .head {
                div {
                    h3 {
                        code { (Text(&key.id)) }
                        @if let Some(name) = &key.name { " " span.name { (Text(name)) } }
                    }
                    p {
                        (badge(key.mode)) " " (badge(key.kind))
                        @if let Some(owner) = key.owner.as_ref().or(key.org.as_ref()) { " " code.dim { (Text(owner)) } }
                    }
                    p.facts { (facts(key)) }
                }
                (charts::spark(&key.timeline))
            }
            (permissions(key))
            (lists(key))
            (commands(key))
        }
    }
}

fn facts(key: &Key) -> Markup {
    let time = |what, at: Option<&String>| Some(html! { (what) " " time { (Text(at?)) } });
    let facts = [
        Some(html! { b { (number(key.calls)) } " calls" }),
        (key.denied > 0).then(|| html! { b.bad { (number(key.denied)) } " refused" }),
        (key.shadow > 0).then(|| html! { b.warn { (number(key.shadow)) } " in shadow" }),
        time("last used", key.last_used.as_ref()),
        time("ends", key.expires.as_ref()),
    ];
    joined(facts.into_iter().flatten(), " · ")
}

fn permissions(key: &Key) -> Markup {
    let (connected, own): (Vec<_>, Vec<_>) = key.permissions.iter().partition(|one| one.connected);
    html! {
        @if key.told_by == "endpoint" {
            p.dim { "This key has every permission; these are what its calls needed." }
        }
        @if !own.is_empty() { p.chips { @for permission in own { (chip(permission)) } } }
        @if !connected.is_empty() {
            p.chips { span.dim { "connected accounts" } " " @for permission in connected { (chip(permission)) } }
        }
    }
}

fn chip(permission: &Permission) -> Markup {
    let (class, note) = match permission.state {
        PermissionState::Used => ("used", format!(" {}", number(permission.calls))),
        PermissionState::Missing => ("missing", format!(" {}", number(permission.calls))),
        PermissionState::Unused => {
            let note = match (permission.used_level, permission.may_be_expanded) {
                (Some(used), _) => format!(" used to {used}"),
                (None, true) => " unless expanded".to_owned(),
                (None, false) => String::new(),
            };
            ("unused", note)
        }
    };
    html! { span class={ "chip " (class) } { (Text(&permission.permission)) " " i { (permission.level) } (note) } }
}

fn lists(key: &Key) -> Markup {
    let most = key.endpoints.iter().map(|one| one.calls).max().unwrap_or(1);
    let uncatalogued = list(
        "Not in the catalogue, so it is not known what these needed",
        &key.uncatalogued,
    );
    html! {
        .lists {
            @if !key.endpoints.is_empty() {
                div {
                    h4 { "Endpoints" }
                    ul {
                        @for one in key.endpoints.iter().take(LISTED) {
                            li { (charts::meter(one.calls, 0, most)) " " span.n { (number(one.calls)) } " " code { (Text(&one.endpoint)) } }
                        }
                        (beyond(key.endpoints.len(), key.endpoints.len()))
                    }
                }
            }
            @if let Some(list) = list("Accounts", &key.accounts) { div { (list) } }
            @if let Some(list) = list("Clients", &key.clients) { div { (list) } }
            @if let Some(list) = uncatalogued { .all { (list) } }
        }
    }
}

fn list(title: &str, tops: &Tops) -> Option<Markup> {
    (tops.distinct > 0).then(|| {
        html! {
            h4 { (title) }
            ul {
                @for top in tops.listed.iter().take(LISTED) {
                    li { span.n { (number(top.calls)) } " " code { (Text(&top.value)) } }
                }
                (beyond(tops.distinct, tops.listed.len()))
            }
        }
    })
}

/// How many of `all` are not shown of those that are listed.
fn beyond(all: usize, listed: usize) -> Markup {
    let more = all.saturating_sub(listed.min(LISTED));
    html! { @if more > 0 { li.dim { (more) " more" } } }
}

fn commands(key: &Key) -> Markup {
    let what = match key.commands.len() {
        0 => return Markup::default(),
        1 => "Without what it does not use",
        _ => "The key that could take its place",
    };
    let lines = key.commands.iter().map(|line| html! { (Text(line)) });
    html! { details { summary { (what) } pre { (joined(lines, "\n")) } } }
}
