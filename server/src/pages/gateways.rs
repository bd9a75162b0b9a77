//! The contents that gateways receive, and how far each gateway is.

use std::sync::Arc;

use maud::{Markup, html};
use serde::Deserialize;

use super::ask::Ask;
use super::objects::List;
use super::parts::mark::state_badge;
use super::parts::table::{Column, table};
use super::parts::text::{count, counted};
use super::parts::time::{full, time};
use super::parts::{Text, Tone, layout, mark, message, pairs};
use super::reply::PagePending;
use super::visit::Visit;
use crate::app::App;
use crate::routes::Verb;

#[derive(Deserialize)]
struct Snapshot {
    behind: u64,
    revision: u64,
    source: String,
    through: u64,
    restored: bool,
}

/// A gateway, as far as the pages show it.
#[derive(Deserialize)]
pub(super) struct Gateway {
    pub(super) name: String,
    group: String,
    state: String,
    revision: Option<u64>,
    wanted: Option<u64>,
    pub(super) workers: Workers,
    key_expires_at: Option<String>,
    refused_for: Option<String>,
    refused_at: Option<String>,
    has_strangers: bool,
    filter_versions: Vec<String>,
    last_poll: Option<String>,
    latest_by: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Workers {
    all: u64,
    serving: u64,
    pub(super) silent: u64,
}

const GATEWAYS: &str = "/v2/keyward/gateways";
pub(super) const GATEWAY: &str = "/v2/keyward/gateways/{name}";

/// The page.
pub(super) const HERE: &str = "/console/gateways";

/// How long before its end the page warns of a gateway's key, in seconds.
const SOON: u64 = 14 * 86_400;

/// Where the workers of a gateway are forgotten. The server accepts only names that a path can contain.
pub(super) fn forget_path(name: &str) -> String {
    format!("{HERE}/{name}/forget")
}

const COLUMNS: [Column; 5] = [
    Column::new("Gateway"),
    Column::narrow("State"),
    Column::narrow("Workers"),
    Column::new("Revision"),
    Column::narrow("Asked"),
];

/// `GET /console/gateways`
pub(super) fn show(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let ask = Ask::get("/v2/keyward/snapshots/current");
        let snapshot: Snapshot = visit.ask(&app, ask).await?.read()?;
        let gateways = if visit.may(Verb::Get, GATEWAYS) {
            let all: List<Gateway> = visit.ask(&app, Ask::get(GATEWAYS)).await?.read()?;
            Some(all.data)
        } else {
            None
        };
        let body = body(&visit, &snapshot, gateways.as_deref());
        Ok(visit.page("Gateways", body))
    })
}

fn body(visit: &Visit, snapshot: &Snapshot, gateways: Option<&[Gateway]>) -> Markup {
    let state = if snapshot.behind == 0 {
        mark(Tone::Good, "published")
    } else {
        mark(Tone::Warn, "behind")
    };
    html! {
        (layout::head(None, "Gateways", Some(html! { "The last publication, and what each gateway serves." }), html! {}))
        @if snapshot.restored {
            (message::note(Tone::Bad, html! { p { "Gateways serve a later state than this server's store has, such as after a disk was restored. Nothing is published, because keys that were revoked since would work again. Stop the server and run " code { "keyward-server resume" } "." } }))
        }
        @if let Some(all) = gateways {
            @if all.is_empty() { (files_only(snapshot)) } @else { (following(visit, all)) }
        }
        (layout::card("The newest snapshot", state, html! {
            div.pad.stack {
                @if snapshot.behind > 0 {
                    (message::note(Tone::Warn, html! { p { (counted(snapshot.behind, "change is", "changes are")) " not published yet. The server retries a failed publication every second, and logs the reason." } }))
                }
                (pairs::wide(&[
                    ("Revision", html! { span.num { (snapshot.revision) } div.soft { (full(snapshot.revision, visit.now)) } }),
                    ("Goes through", html! { "change " span.num { (count(snapshot.through)) } }),
                    ("Not published", html! { (counted(snapshot.behind, "change", "changes")) }),
                    ("Source", html! { code { (Text(&snapshot.source)) } }),
                ]))
            }
        }))
    }
}

/// The gateways that follow the feed, the worst first.
fn following(visit: &Visit, all: &[Gateway]) -> Markup {
    let mut sorted: Vec<&Gateway> = all.iter().collect();
    let order = |gateway: &Gateway| match gateway.state.as_str() {
        "refused" => 0,
        "silent" => 1,
        "behind" => 2,
        _ => 3,
    };
    sorted.sort_by_key(|gateway| (order(gateway), gateway.name.as_str()));
    let well = all.iter().filter(|gateway| gateway.state == "serving");
    let well = u64::try_from(well.count()).unwrap_or(u64::MAX);
    let number = u64::try_from(all.len()).unwrap_or(u64::MAX);
    let state = match number.saturating_sub(well) {
        0 => mark(Tone::Good, "all serving"),
        rest => mark(
            Tone::Warn,
            &format!("{rest} of {}", counted(number, "gateway", "gateways")),
        ),
    };
    let rows: Vec<Vec<Markup>> = sorted.iter().map(|gateway| row(visit, gateway)).collect();
    layout::card(
        "Gateways that follow the feed",
        state,
        table("Gateways", &COLUMNS, &rows),
    )
}

fn row(visit: &Visit, gateway: &Gateway) -> Vec<Markup> {
    let now = visit.now;
    vec![
        html! {
            strong { (Text(&gateway.name)) }
            div.small.soft {
                (gateway.group)
                @for version in &gateway.filter_versions { " · " (Text(version)) }
            }
            @if gateway.has_strangers {
                div.small { "Something other than its workers also used its key. Give each gateway its own key." }
            }
            @if let Some(end) = soon(gateway, now) {
                div.small { (mark(Tone::Warn, "key ends")) " " (time(end, now)) ". Then it gets no change any more: rotate the key, and give the gateway the new one." }
            }
        },
        html! {
            (state_badge(&gateway.state))
            @if let Some(word) = &gateway.refused_for {
                div.small { "a worker says " code { (Text(word)) } @if let Some(at) = &gateway.refused_at { ", since " (time(at, now)) } }
            }
        },
        html! {
            span.num { (gateway.workers.serving) } " of " span.num { (gateway.workers.all) }
            @if gateway.workers.silent > 0 {
                div.small {
                    (counted(gateway.workers.silent, "asks", "ask")) " no more"
                    @if visit.may(Verb::Delete, GATEWAY) {
                        " · " a href=(forget_path(&gateway.name)) aria-label={"Forget workers of " (Text(&gateway.name))} { "forget" }
                    }
                }
            }
        },
        html! {
            @match gateway.revision {
                Some(revision) => span.num { (revision) },
                None => span.soft { "not known" },
            }
            @if let (Some(wanted), true) = (gateway.wanted, gateway.wanted != gateway.revision) {
                div.small.soft { "newest: " span.num { (wanted) } }
            }
            @if let Some(until) = &gateway.latest_by {
                div.small { "without it until " (time(until, now)) " at the latest" }
            }
        },
        html! {
            @match &gateway.last_poll {
                Some(at) => (time(at, now)),
                None => span.soft { "not since this server started" },
            }
        },
    ]
}

/// The end of a gateway's key, if it is near.
fn soon(gateway: &Gateway, now: u64) -> Option<&str> {
    let text = gateway.key_expires_at.as_deref()?;
    let end = crate::time::read(text)?;
    (end <= now.saturating_add(SOON)).then_some(text)
}

/// No gateway has asked for the feed.
fn files_only(snapshot: &Snapshot) -> Markup {
    layout::card(
        "Which gateway serves it",
        html! {},
        html! {
            div.pad.stack {
                p { "No gateway has asked this server for its feed. Gateways that watch a file do not report what they have loaded." }
                p { "To ask such a gateway, run this command. It waits until every worker serves the newest snapshot, and names those that do not." }
                pre { code { "keyward wait --revision " (snapshot.revision) " --admin http://127.0.0.1:9901" } }
            }
        },
    )
}
