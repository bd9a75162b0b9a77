//! The people who are signed in to the console, and the links that can still be used.

use std::sync::Arc;

use axum::http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::Ask;
use super::objects::{List, cursor};
use super::parts::actions::{Weight, button_form, form, submit};
use super::parts::fields::{self, Field};
use super::parts::table::{Column, pager, table};
use super::parts::text::counted;
use super::parts::{Text, Tone, layout, message, state_badge, time, value};
use super::reply::PagePending;
use super::reply::Reply;
use super::visit::Visit;
use crate::app::App;
use crate::http::failure::{Code, Failure};
use crate::routes::Verb;

const HERE: &str = "/console/sessions";
const TITLE: &str = "Sessions";
const ALL: &str = "/v2/keyward/console_sessions";
const REVOKE: &str = "/v2/keyward/console_sessions/{id}/revoke";

/// `keyward.console_session`: the members that the page reads. The link is not one of them.
#[derive(Debug, Deserialize)]
struct Session {
    id: String,
    status: String,
    role: Option<String>,
    actor: Value,
    made_by: Option<MadeBy>,
    expires_at: String,
    opened_at: Option<String>,
    last_seen: Option<String>,
    address: Option<String>,
}

#[derive(Debug, Deserialize)]
struct MadeBy {
    id: String,
}

impl Session {
    fn person(&self) -> &str {
        ["name", "email", "id"]
            .iter()
            .find_map(|name| self.actor.get(*name).and_then(Value::as_str))
            .unwrap_or("unknown")
    }
}

/// `GET /console/sessions`
pub(super) fn list(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let sessions = read(&app, &visit).await?;
        Ok(visit.page(TITLE, body(&visit, &sessions, None)))
    })
}

/// `POST /console/sessions`: makes a link, and shows it once.
pub(super) fn create(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let body =
            json!({"role": visit.form.text("role"), "actor": {"id": visit.form.text("who")}});
        let ask = Ask::post(ALL).body(body).once(&visit);
        match visit.ask(&app, ask).await {
            Ok(answered) => {
                let session: Session = answered.read()?;
                let url = answered.url().ok_or_else(|| {
                    Failure::new(Code::Internal, "The answer has no link to show.")
                })?;
                let page = layout::page(
                    &visit.frame(),
                    "A link to sign in",
                    link_page(&visit, &session),
                );
                Reply::with_value(page, url)
            }
            Err(failure) if failure.status().is_client_error() => {
                let sessions = read(&app, &visit).await?;
                let body = self::body(&visit, &sessions, Some(&failure));
                Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, TITLE, body))
            }
            Err(failure) => Err(failure),
        }
    })
}

/// `POST /console/sessions/{id}/end`
pub(super) fn end(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let ask = Ask::post(REVOKE).target(&visit.target);
        visit.ask(&app, ask).await?;
        Ok(Reply::see_other(HERE))
    })
}

async fn read(app: &Arc<App>, visit: &Visit) -> Result<List<Session>, Failure> {
    let mut ask = Ask::get(ALL).query("limit", "50");
    let page = visit.parameter("page");
    if !page.is_empty() {
        ask = ask.query("page", page);
    }
    visit.ask(app, ask).await?.read()
}

const COLUMNS: [Column; 6] = [
    Column::new("Who"),
    Column::narrow("Role"),
    Column::new("Signed in"),
    Column::narrow("Until"),
    Column::narrow("State"),
    Column::actions(),
];

fn body(visit: &Visit, sessions: &List<Session>, refused: Option<&Failure>) -> Markup {
    let may_make = visit.may(Verb::Post, ALL);
    let page = |url: Option<&str>| cursor(url).map(|cursor| format!("{HERE}?page={cursor}"));
    let older = page(sessions.next_page_url.as_deref());
    let newer = page(sessions.previous_page_url.as_deref());
    let count = u64::try_from(sessions.data.len()).unwrap_or(0);
    let shown = counted(count, "session", "sessions");
    html! {
        (layout::head(None, TITLE, Some(html! { "Who is signed in to this console, and unused links." }), html! {}))
        section.card {
            (table("Sessions", &COLUMNS, &sessions.data.iter().map(|one| row(visit, one)).collect::<Vec<_>>()))
            @if newer.is_some() || older.is_some() { (pager(newer.as_deref(), &shown, older.as_deref())) }
        }
        @if let Some(failure) = refused { (message::failure(failure)) }
        @if may_make {
            (layout::card("Make a sign-in link", html! {}, html! {
                div.pad {
                    (form(HERE, &visit.hidden(), &html! {
                        (fields::text(&Field { name: "who", label: "For whom", value: visit.form.text("who"), hint: Some("For example a mail address. The activity log shows it."), is_required: true, ..Field::default() }))
                        (fields::radios(&Field { name: "role", label: "Role", value: visit.form.given("role").unwrap_or("operator"), hint: Some("Each role includes the roles above it."), ..Field::default() }, &ROLES, true))
                        div.row { (submit(Weight::Main, "Make a link")) }
                    }))
                }
            }))
        }
    }
}

const ROLES: [(&str, &str); 4] = [
    ("viewer", "viewer: sees keys, accounts and gateways"),
    ("auditor", "auditor: sees the activity log and sessions"),
    ("operator", "operator: makes, changes and ends keys"),
    ("admin", "admin: everything"),
];

fn row(visit: &Visit, session: &Session) -> Vec<Markup> {
    let is_own = session.id == visit.session.id;
    vec![
        html! {
            strong { (Text(session.person())) } @if is_own { span.soft { " (this session)" } }
            @if let Some(by) = &session.made_by { div.small.soft { "link made by " (Text(&by.id)) } }
        },
        html! { (Text(session.role.as_deref().unwrap_or("none"))) },
        html! {
            @match &session.opened_at {
                Some(opened) => {
                    (time(opened, visit.now))
                    @if let Some(address) = &session.address { " from " code { (Text(address)) } }
                    @if let Some(seen) = &session.last_seen { div.small.soft { "last seen " (time(seen, visit.now)) } }
                }
                None => span.soft { "not yet" }
            }
        },
        time(&session.expires_at, visit.now),
        state_badge(&session.status),
        html! {
            @if visit.may(Verb::Post, REVOKE) {
                (button_form(&format!("{HERE}/{}/end", session.id), &visit.hidden(), Weight::Danger, if session.status == "open" { "End" } else { "Take back" }))
            }
        },
    ]
}

fn link_page(visit: &Visit, session: &Session) -> Markup {
    html! {
        (layout::head(Some((HERE, TITLE)), "A link to sign in", Some(html! { "For " (Text(session.person())) ", as " (Text(session.role.as_deref().unwrap_or("none"))) }), html! {}))
        div.narrow.stack {
            (message::titled(Tone::Warn, "Copy it now", html! { p { "The link is shown only once, and works once. It expires " (time(&session.expires_at, visit.now)) ". Anyone who has it can sign in as this person." } }))
            (value::field("Link", Reply::place()))
            (form_done())
        }
    }
}

/// Leaving by this form asks nothing.
fn form_done() -> Markup {
    html! { form method="get" action=(HERE) data-done { (submit(Weight::Main, "Done")) } }
}
