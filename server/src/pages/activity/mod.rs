//! The trail: who changed what, when, and what it was before.

mod row;

use std::sync::Arc;

use maud::{Markup, html};
use serde::Deserialize;

use self::row::{COLUMNS, Log, cells};
use super::ask::Ask;
use super::objects::{List, cursor};
use super::parts::actions::{Weight, chip, link};
use super::parts::fields::{self, Field};
use super::parts::table::{pager, table};
use super::parts::text::{count, counted};
use super::parts::{Text, layout, message, pairs};
use super::reply::PagePending;
use super::visit::Visit;
use crate::app::App;
use crate::http::failure::Failure;
use crate::routes::Verb;

const HERE: &str = "/console/activity";
const HEAD: &str = "/v2/keyward/activity_logs/head";

/// The parameters of this page.
const FILTERS: [&str; 5] = ["object", "actor", "group", "since", "until"];

/// Groups of actions, as chips.
const GROUPS: [(&str, &str); 5] = [
    ("api_key", "keys"),
    ("account", "accounts"),
    ("grant_set", "grant sets"),
    ("key_policy", "policies"),
    ("console_session", "sessions"),
];

/// The end of the chain.
#[derive(Debug, Deserialize)]
struct Head {
    sequence: u64,
    sha256: String,
    at: String,
}

/// `GET /console/activity`
pub(super) fn list(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let (listed, refused) = match visit.ask(&app, question(&visit)).await {
            Ok(answered) => (Some(answered.read::<List<Log>>()?), None),
            // The page shows an error in a filter next to it.
            Err(failure) if failure.status().is_client_error() => (None, Some(failure)),
            Err(failure) => return Err(failure),
        };
        let head = if visit.may(Verb::Get, HEAD) {
            Some(visit.ask(&app, Ask::get(HEAD)).await?.read::<Head>()?)
        } else {
            None
        };
        let body = html! {
            (layout::head(None, "Activity", Some(html! { "Every change, and every time a value was shown. Each row contains the digest of the previous one, so no row can be changed unnoticed." }), html! {}))
            (search(&visit, refused.as_ref()))
            @if let Some(failure) = &refused { (message::failure(failure)) }
            @if let Some(listed) = &listed { (found(&visit, listed)) }
            @if let Some(head) = &head { (chain(head)) }
        };
        Ok(visit.page("Activity", body))
    })
}

fn question(visit: &Visit) -> Ask {
    let mut ask = Ask::get("/v2/iam/activity_logs").query("limit", "50");
    for (ours, theirs) in [
        ("object", "object"),
        ("actor", "actor"),
        ("group", "action_groups[0]"),
        ("page", "page"),
    ] {
        let text = visit.parameter(ours);
        if !text.is_empty() {
            ask = ask.query(theirs, text);
        }
    }
    // A browser's field for a time has no zone: the page says that it is UTC.
    for name in ["since", "until"] {
        let text = visit.parameter(name);
        if !text.is_empty() {
            let seconds = if text.len() == 16 { ":00" } else { "" };
            ask = ask.query(name, &format!("{text}{seconds}Z"));
        }
    }
    ask
}

fn with(visit: &Visit, name: &str, value: &str) -> String {
    visit.filtered(HERE, &FILTERS, name, value)
}

fn search(visit: &Visit, refused: Option<&Failure>) -> Markup {
    let text = |name: &'static str| visit.parameter(name);
    let is_used = refused.is_some()
        || ["object", "actor", "since", "until"]
            .iter()
            .any(|name| !text(name).is_empty());
    html! {
        div.stack {
            div.row {
                @for (group, label) in GROUPS {
                    @let is_on = text("group") == group;
                    (chip(label, &with(visit, "group", if is_on { "" } else { group }), is_on))
                }
                @for (name, label) in [("object", "on"), ("actor", "by"), ("since", "since"), ("until", "until")] {
                    @if !text(name).is_empty() { (chip(&format!("{label} {}", text(name)), &with(visit, name, ""), true)) }
                }
            }
            details open[is_used] {
                summary { "More filters" }
                form.stack.pad method="get" action=(HERE) {
                    @if !text("group").is_empty() { input type="hidden" name="group" value=(text("group")); }
                    div.columns.four {
                        (fields::code(&Field { name: "object", label: "On", value: text("object"), hint: Some("The id of a key or account."), ..Field::default() }))
                        (fields::code(&Field { name: "actor", label: "By", value: text("actor"), hint: Some("The id of a key, or a person."), ..Field::default() }))
                        (fields::of_type(&Field { name: "since", label: "Since (UTC)", value: text("since"), ..Field::default() }, "datetime-local"))
                        (fields::of_type(&Field { name: "until", label: "Until (UTC)", value: text("until"), ..Field::default() }, "datetime-local"))
                    }
                    div.row { button.button type="submit" { "Apply" } }
                }
            }
        }
    }
}

fn found(visit: &Visit, listed: &List<Log>) -> Markup {
    if listed.data.is_empty() {
        let is_filtered = FILTERS.iter().any(|name| !visit.parameter(name).is_empty());
        return html! {
            section.card {
                @if is_filtered {
                    (message::empty("Nothing matches", html! { "No row matches these filters." }, link(Weight::Usual, HERE, "Clear all filters")))
                } @else {
                    (message::empty("Nothing has happened yet", html! { "The first change will appear here." }, html! {}))
                }
            }
        };
    }
    let rows: Vec<Vec<Markup>> = listed
        .data
        .iter()
        .map(|log| cells(log, visit.now))
        .collect();
    let page = |url: Option<&str>| {
        let here = with(visit, "", "");
        let join = if here.contains('?') { '&' } else { '?' };
        cursor(url).map(|cursor| format!("{here}{join}page={cursor}"))
    };
    let shown = counted(u64::try_from(rows.len()).unwrap_or(0), "row", "rows");
    html! {
        section.card {
            (table("Activity", &COLUMNS, &rows))
            (pager(page(listed.previous_page_url.as_deref()).as_deref(), &shown, page(listed.next_page_url.as_deref()).as_deref()))
        }
    }
}

fn chain(head: &Head) -> Markup {
    layout::card(
        "The end of the trail",
        html! {},
        html! {
            div.pad.stack {
                p { "Record it elsewhere, once a day. Changing an older row changes this digest, and " code { "keyward-server audit verify" } " names the first row that does not match." }
                (pairs::wide(&[
                    ("Row", html! { span.num { (count(head.sequence)) } " at " (Text(&head.at)) }),
                    ("SHA-256", html! { code { (Text(&head.sha256)) } }),
                ]))
            }
        },
    )
}
