//! A key at a glance: what it may do, its limits, and where it came from.

use std::sync::Arc;

use maud::{Markup, html};
use serde_json::json;

use super::{Tab, asked, page};
use crate::app::App;
use crate::pages::ask::Ask;
use crate::pages::keys;
use crate::pages::objects::{Key, List};
use crate::pages::parts::actions::{Weight, link};
use crate::pages::parts::matrix::{Permission, of_names};
use crate::pages::parts::time::full;
use crate::pages::parts::{Text, Tone, layout, mark, message, pairs, time};
use crate::pages::reply::PagePending;
use crate::pages::reply::Reply;
use crate::pages::visit::Visit;
use crate::routes::Verb;

/// `GET /console/keys/{id}`, `GET /portal/keys/{id}`
pub(in crate::pages) fn show(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let all: List<Permission> = visit
            .ask(&app, Ask::get("/v2/keyward/permissions"))
            .await?
            .read()?;
        let before = before(&app, &visit, &key).await;
        let asked = asked::note(&app, &visit, &key, &all.data).await?;
        let body = html! {
            (asked)
            (notes(&visit, &key))
            (replaces(&visit, before.as_ref()))
            div.columns.side {
                div.stack {
                    (layout::card("Permissions", html! {}, permissions(&visit, &key, &all.data)))
                    (layout::card("Limits", html! {}, html! { div.pad { (limits(&visit, &key)) } }))
                }
                div.stack { (layout::card("About", about_link(&visit, &key), html! { div.pad { (about(&visit, &key)) } })) }
            }
        };
        Ok(page(&visit, &key, Tab::Overview, body))
    })
}

/// The key that this one replaces, while both work. Without it the page says less, and nothing wrong.
async fn before(app: &Arc<App>, visit: &Visit, key: &Key) -> Option<Key> {
    let id = key
        .keyward
        .replaces
        .as_deref()
        .filter(|_| key.is_in_use())?;
    let ask = Ask::get("/v2/iam/api_keys/{id}").target(id);
    let before: Key = visit.ask(app, ask).await.ok()?.read().ok()?;
    before.is_in_use().then(|| visit.seen(before))
}

/// Who has rotated a key comes here, and ends the old one when the new one is in place.
fn replaces(visit: &Visit, before: Option<&Key>) -> Markup {
    html! { @if let Some(before) = before {
        (message::note(Tone::Info, html! { p {
            "It replaces " a href=(visit.key_home(&before.id)) { (Text(before.redacted())) } ", which works until it ends"
            @if let Some(end) = &before.expires_at { " " (time(end, visit.now)) }
            ". " a href={(visit.key_home(&before.id)) "/expire"} { "End the old key" }
        } }))
    } }
}

/// `GET /console/changes/{id}`: how far a change has come, for the script.
pub(in crate::pages) fn change(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        #[derive(serde::Deserialize)]
        struct Change {
            state: String,
            revision: Option<u64>,
            latest_by: Option<String>,
        }
        let ask = Ask::get("/v2/keyward/changes/{number}").target(&visit.target);
        let change: Change = visit.ask(&app, ask).await?.read()?;
        let (text, done) = match (change.state.as_str(), change.revision) {
            ("committed", _) => ("On its way to the gateways …".to_owned(), false),
            ("everywhere", _) => ("Every gateway serves it.".to_owned(), true),
            // If gateways report what they serve, the page waits for that.
            (_, Some(revision)) => (
                format!("Published to the gateways, as revision {revision}."),
                change.latest_by.is_none(),
            ),
            (_, None) => ("Published to the gateways.".to_owned(), true),
        };
        Ok(Reply::json(&json!({"text": text, "done": done})))
    })
}

/// `GET /portal/keys/{id}/working`: whether the last change of the key holds, for the script. How it came there, and after how many changes of others, is not for customers.
pub(in crate::pages) fn working(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let done = key.keyward.propagation.is_settled();
        let text = if done {
            "The last change is in force."
        } else {
            "The last change is on its way, usually within seconds …"
        };
        Ok(Reply::json(&json!({"text": text, "done": done})))
    })
}

/// The most important facts first.
fn notes(visit: &Visit, key: &Key) -> Markup {
    let state = key.keyward.state.as_str();
    html! {
        @if !key.keyward.propagation.is_settled() {
            (message::note(Tone::Info, html! {
                @if visit.is_portal() {
                    p role="status" data-poll={(visit.key_home(&key.id)) "/working"} { "The last change is on its way, usually within seconds." }
                } @else {
                    p role="status" data-poll={"/console/changes/" (key.keyward.propagation.change)} { "The last change is on its way to the gateways." }
                }
            }))
        }
        @match state {
            "expired" => (message::note(Tone::Info, html! { p { "This key no longer works. Requests with it fail with the reason that it has expired. "
                @if visit.may(Verb::Post, "/v2/iam/api_keys/{id}") && key.keyward.replaced_by.is_none() { a href={(visit.key_home(&key.id)) "/expire"} { "Let it work again" } } } })),
            "deleted" => (message::note(Tone::Info, html! { p { "This key was deleted, which cannot be undone. Requests with it fail with that reason." } })),
            "suspended" => (message::note(Tone::Bad, html! { p { "The account " (Text(&key.keyward.owner)) " is suspended, so none of its keys work." } })),
            "inactive" => (message::note(Tone::Info, html! { p { "This key does not work yet." } })),
            _ => {}
        }
        @if let (Some(by), true) = (&key.keyward.replaced_by, key.is_in_use()) {
            (message::note(Tone::Warn, html! { p {
                "Replaced by " a href=(visit.key_home(by)) { (Text(by)) } ", and ends "
                @if let Some(end) = &key.expires_at { (time(end, visit.now)) }
                ". " a href={(visit.key_home(&key.id)) "/expire"} { "End it now" }
            } }))
        }
        @if key.keyward.enforcement == "shadow" && key.is_in_use() {
            (message::note(Tone::Warn, html! { p { "In shadow: requests that this key may not make are logged, but pass." } }))
        }
        @if let Some(file) = key.file() {
            (message::note(Tone::Info, html! { p { @if visit.is_portal() { "This key is kept by " (Text(visit.provider())) ". You can end it here." } @else { "This key comes from the file " code { (Text(file)) } ". Change it there. You can also end it here." } } }))
        }
    }
}

fn permissions(visit: &Visit, key: &Key, all: &[Permission]) -> Markup {
    let side = |names: &Option<Vec<String>>| {
        names
            .as_ref()
            .map(|names| of_names(names.iter().map(String::as_str)))
    };
    let rows = |names: &Option<Vec<String>>| -> Markup {
        let Some(chosen) = side(names) else {
            return html! { p.pad { (mark(Tone::Warn, "everything")) " This key may do everything that its account may." } };
        };
        if chosen.is_empty() {
            return html! { p.pad.soft { "Nothing." } };
        }
        html! {
            ul.pad.stack.tight {
                @for (name, level) in &chosen {
                    @let known = all.iter().find(|one| one.name == *name);
                    li.row { b { (level.name()) } span { (Text(known.map_or(name.as_str(), Permission::title))) } code.soft { (Text(name)) } }
                }
            }
        }
    };
    let set = key.keyward.grant_set.as_deref();
    let connected = key.connect_permissions.as_ref();
    html! {
        @if key.keyward.kind == "publishable" {
            p.pad { "A publishable key is public: it may call the endpoints that are open to such keys." }
        } @else {
            @if let Some(set) = set { p.pad { "By the " @if visit.is_portal() { "set " b { (Text(set)) } } @else { "grant set " a href={"/console/grant_sets/" (set)} { (Text(set)) } } "." } }
            (rows(&key.permissions))
            @if connected.is_some_and(|names| !names.is_empty()) {
                h3.pad { "On connected accounts" @if let Some(set) = &key.keyward.connect_grant_set { ", by the grant set " (Text(set)) } }
                (rows(&key.connect_permissions))
            }
        }
    }
}

fn limits(visit: &Visit, key: &Key) -> Markup {
    let mut rows = vec![
        ("Ends", ends(visit, key)),
        (
            "Addresses",
            html! {
                @if key.ip_allowlist.is_empty() { span.soft { "from everywhere" } }
                @else { ul { @for ip in &key.ip_allowlist { li { code { (Text(ip)) } } } } }
            },
        ),
        (
            "Begins",
            match &key.keyward.not_before {
                Some(begin) => time(begin, visit.now),
                None => html! { span.soft { "at once" } },
            },
        ),
        (
            "Refusals",
            html! { @if key.keyward.enforcement == "shadow" { "logged only (shadow)" } @else { "enforced" } },
        ),
    ];
    rows.retain(|(name, _)| !visit.is_portal() || *name != "Refusals");
    pairs::wide(&rows)
}

/// The exact end: `in 89 days` for a key that was given 90 confuses people.
fn ends(visit: &Visit, key: &Key) -> Markup {
    let end = key.expires_at.as_deref().and_then(crate::time::read);
    match end {
        Some(end) => full(end, visit.now),
        None => keys::ends(key, visit.now),
    }
}

fn about_link(visit: &Visit, key: &Key) -> Markup {
    html! {
        @if visit.may(Verb::Post, "/v2/iam/api_keys/{id}") && key.file().is_none() && key.keyward.state != "deleted" {
            (link(Weight::Quiet, &format!("{}/details", visit.key_home(&key.id)), "Edit"))
        }
    }
}

fn about(visit: &Visit, key: &Key) -> Markup {
    let none = || html! { span.soft { "–" } };
    let of_key = |id: &Option<String>| match id {
        Some(id) => html! { a.wrap href=(visit.key_home(id)) { (Text(id)) } },
        None => none(),
    };
    let is_shown = |name: &str| match name {
        "Labels" => !key.keyward.labels.is_empty(),
        "Replaces" => key.keyward.replaces.is_some(),
        "Replaced by" => key.keyward.replaced_by.is_some(),
        "Policy" => key.keyward.policy.is_some(),
        "Account" => visit.is_tree(),
        _ => true,
    };
    let mut rows = vec![
        ("Id", html! { code { (Text(&key.id)) } }),
        (
            "Account",
            html! {
                @if visit.is_portal() { span.wrap { (Text(&key.keyward.owner)) } }
                @else { a.wrap href={"/console/accounts/" (key.keyward.owner)} { (Text(&key.keyward.owner)) } }
            },
        ),
        ("Kind", html! { (key.keyward.kind) ", " (key.mode()) }),
        (
            "Made",
            html! {
                @if let Some(created) = &key.created { (time(created, visit.now)) }
                @if let Some(by) = &key.keyward.created_by { " by " span.wrap { (Text(&by.id)) } }
                @if !visit.is_portal() { " (" (Text(&key.keyward.source)) ")" }
            },
        ),
        ("Last used", last_used(visit, key)),
        (
            "Note",
            key.note
                .as_deref()
                .map_or_else(none, |note| html! { span.wrap { (Text(note)) } }),
        ),
        (
            "Labels",
            html! { ul { @for (name, value) in &key.keyward.labels { li { (Text(name)) ": " (Text(value)) } } } },
        ),
        (
            "Policy",
            html! { (Text(key.keyward.policy.as_deref().unwrap_or_default())) },
        ),
        ("Replaces", of_key(&key.keyward.replaces)),
        ("Replaced by", of_key(&key.keyward.replaced_by)),
    ];
    rows.retain(|(name, _)| is_shown(name));
    pairs::pairs(&rows)
}

fn last_used(visit: &Visit, key: &Key) -> Markup {
    html! {
        @match key.last_used.as_deref() {
            Some(at) => (time(at, visit.now)),
            None if visit.may(Verb::Get, "/v2/keyward/api_keys/{id}/requests") => {
                a href={(visit.key_home(&key.id)) "/requests"} { "see its requests" }
            }
            None => span.soft { "not known" },
        }
    }
}
