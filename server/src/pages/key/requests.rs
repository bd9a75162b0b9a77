//! A key's requests, from the access logs that the configuration names.

use std::collections::BTreeSet;
use std::sync::Arc;

use maud::{Markup, html};
use serde::Deserialize;

use super::{Tab, page};
use crate::app::App;
use crate::http::failure::{Code, Failure};
use crate::pages::ask::Ask;
use crate::pages::keys;
use crate::pages::parts::actions::{Weight, chip, link};
use crate::pages::parts::table::{Column, table};
use crate::pages::parts::{Text, Tone, layout, mark, message, text, time};
use crate::pages::reply::PagePending;
use crate::pages::visit::Visit;

const DAY: u64 = 86_400;

/// `GET /console/keys/{id}/requests`
pub(in crate::pages) fn show(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let mut body = html! {};
        // Only operators see where logs are kept.
        let viewer = app.requests.link().filter(|_| !visit.is_portal());
        if let Some(template) = viewer {
            let href = template.replace("{key}", &key.id);
            body = html! { p { (link(Weight::Usual, &href, "Open in your log viewer")) } };
        }
        let denied = visit.parameter("decision") == "deny";
        let mut ask = Ask::get("/v2/keyward/api_keys/{id}/requests")
            .target(&key.id)
            .query("limit", "100")
            .query(
                "since",
                &crate::time::written(visit.now.saturating_sub(7 * DAY)),
            );
        if denied {
            ask = ask.query("decision", "deny");
        }
        let asked = visit.ask(&app, ask).await;
        let shown = match asked {
            Ok(answered) => found(&visit, &answered.read()?, &key.id, denied),
            Err(failure) if failure.is(Code::FeatureNotEnabled) => {
                if visit.is_portal() {
                    message::empty(
                        "No requests are shown here",
                        html! { (Text(visit.provider())) " has no log that this page can read." },
                        html! {},
                    )
                } else if viewer.is_some() {
                    html! {}
                } else {
                    not_configured()
                }
            }
            Err(failure) => return Err(failure),
        };
        Ok(page(&visit, &key, Tab::Requests, html! { (body) (shown) }))
    })
}

#[derive(Deserialize)]
struct Requests {
    data: Vec<Request>,
    keyward: Read,
}

#[derive(Deserialize)]
struct Read {
    matching: u64,
    is_whole: bool,
    notes: Vec<String>,
}

#[derive(Deserialize)]
struct Request {
    start_time: String,
    method: String,
    path: String,
    response_code: u16,
    client_address: Option<String>,
    decision: String,
    reason: Option<String>,
    permission: Option<String>,
    missing_permission: Option<String>,
    access: Option<String>,
}

fn not_configured() -> Markup {
    message::empty(
        "No access log is named",
        html! { "The server shows a key's requests if its configuration names the gateways' access logs, or a link to them:" },
        html! { pre { code { "[requests]\nfiles = [\"/var/log/envoy/access*.log*\"]\n# or: link = \"https://logs.example.com/?key={key}\"" } } },
    )
}

const COLUMNS: [Column; 5] = [
    Column::narrow("When"),
    Column::new("Request"),
    Column::narrow("Answer"),
    Column::new("Decision"),
    Column::new("From"),
];

fn found(visit: &Visit, found: &Requests, id: &str, denied: bool) -> Markup {
    let home = format!("{}/requests", visit.key_home(id));
    let rows: Vec<Vec<Markup>> = found.data.iter().map(|one| row(visit, one)).collect();
    html! {
        div.row {
            (chip("refused only", &if denied { home.clone() } else { format!("{home}?decision=deny") }, denied))
            span.soft { (text::counted(found.keyward.matching, "request", "requests")) " within 7 days" @if found.keyward.matching > 100 { ", of which the last 100" } }
        }
        @if !found.keyward.is_whole {
            (message::note(Tone::Warn, html! { p { "Not all logs were read." } @if !visit.is_portal() { ul { @for note in &found.keyward.notes { li { (Text(note)) } } } } }))
        }
        @if rows.is_empty() {
            (message::empty("No requests", html! { "The logs have no request with this key in the last 7 days." }, html! {}))
        } @else {
            (layout::card("Requests", html! {}, table("Requests", &COLUMNS, &rows)))
        }
    }
}

fn row(visit: &Visit, one: &Request) -> Vec<Markup> {
    // A request that a shadow trial would refuse passes, and the key's users see only that it passed.
    let is_tried = visit.is_portal() && one.decision == "shadow";
    let decision = if is_tried {
        "allow"
    } else {
        one.decision.as_str()
    };
    let tone = match decision {
        "allow" => Tone::Good,
        "shadow" => Tone::Warn,
        _ => Tone::Bad,
    };
    let needed = one.permission.as_deref();
    vec![
        time(&one.start_time, visit.now),
        html! { code.wrap { (Text(&one.method)) " " (Text(&one.path)) } },
        html! { span.num { (one.response_code) } },
        html! {
            (mark(tone, decision))
            @if let Some(reason) = one.reason.as_ref().filter(|_| !is_tried) { div.small.soft { (Text(reason)) } }
            @if let Some(name) = one.missing_permission.as_ref().filter(|_| !is_tried) { div.small { "missing: " (Text(name)) " " (Text(one.access.as_deref().unwrap_or_default())) } }
            @else if let Some(name) = needed { div.small.soft { (Text(name)) " " (Text(one.access.as_deref().unwrap_or_default())) } }
        },
        html! { code { (Text(one.client_address.as_deref().unwrap_or("–"))) } },
    ]
}

/// How many requests came within the last seconds, if known.
pub(super) async fn used_within(app: &Arc<App>, visit: &Visit, seconds: u64) -> Option<u64> {
    let ask = hint(visit, seconds);
    let read: Result<Requests, Failure> = match visit.ask(app, ask).await {
        Ok(answered) => answered.read(),
        Err(failure) => Err(failure),
    };
    Some(read.ok()?.keyward.matching)
}

/// The addresses of the last requests, if known.
pub(super) async fn addresses_of(app: &Arc<App>, visit: &Visit) -> Vec<String> {
    let ask = hint(visit, 7 * DAY);
    let Ok(answered) = visit.ask(app, ask).await else {
        return Vec::new();
    };
    let Ok(read) = answered.read::<Requests>() else {
        return Vec::new();
    };
    let all: BTreeSet<String> = read
        .data
        .into_iter()
        .filter_map(|one| one.client_address)
        .collect();
    all.into_iter().collect()
}

/// A call whose answer helps, and for which the page does not wait long.
fn hint(visit: &Visit, seconds: u64) -> Ask {
    Ask::get("/v2/keyward/api_keys/{id}/requests")
        .target(&visit.target)
        .query("limit", "100")
        .query(
            "since",
            &crate::time::written(visit.now.saturating_sub(seconds)),
        )
        .wait(std::time::Duration::from_secs(2))
}
