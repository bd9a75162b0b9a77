//! What a change would have refused of the last requests of a key, or of all keys of a grant set: asked for by the button Check, before anything is saved.

use std::sync::Arc;

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::app::App;
use crate::http::failure::Failure;
use crate::pages::ask::Ask;
use crate::pages::parts::actions::{Weight, submit_as};
use crate::pages::parts::table::{Column, table};
use crate::pages::parts::text::{count, counted};
use crate::pages::parts::{Text, Tone, message, time};
use crate::pages::visit::Visit;
use crate::routes::Verb;

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Key,
    GrantSet,
}

impl Of {
    /// The endpoint that answers.
    fn endpoint(self) -> &'static str {
        match self {
            Self::Key => "/v2/keyward/api_keys/{id}/preview",
            Self::GrantSet => "/v2/keyward/grant_sets/{name}/preview",
        }
    }

    /// Said where the logs have no request.
    fn has_none(self) -> &'static str {
        match self {
            Self::Key => "The logs of the last 7 days have no request of this key",
            Self::GrantSet => "The logs of the last 7 days have no request of a key of this set",
        }
    }
}

/// `keyward.preview`.
#[derive(Debug, Deserialize)]
pub(super) struct Preview {
    compared: u64,
    refused: u64,
    allowed: u64,
    refused_by: Vec<RefusedBy>,
    not_compared: Vec<NotCompared>,
    keyward: Read,
}

#[derive(Debug, Deserialize)]
struct RefusedBy {
    count: u64,
    endpoint: String,
    last: String,
    missing_permission: Option<String>,
    reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct NotCompared {
    count: u64,
}

#[derive(Debug, Deserialize)]
struct Read {
    is_whole: bool,
    notes: Vec<String>,
}

/// Whether there are logs to check against, and this person may see what is in them.
pub(super) fn is_offered(app: &App, visit: &Visit, of: Of) -> bool {
    app.requests.are_files() && visit.may(Verb::Post, of.endpoint())
}

/// The button, where there is something to check against.
pub(super) fn button(is_offered: bool) -> Markup {
    html! { @if is_offered { (submit_as(Weight::Usual, "check", "yes", "Check against the last 7 days")) } }
}

/// Whether the form was sent by that button.
pub(super) fn is_asked(visit: &Visit) -> bool {
    visit.form.has("check")
}

/// The version that the person saw: a check shows the form again, and no one else's change.
pub(super) fn version(visit: &Visit, present: u64) -> u64 {
    let seen = visit.form.text("version").parse().ok();
    seen.filter(|_| is_asked(visit)).unwrap_or(present)
}

/// Asks what the change would have refused. Nothing is changed.
pub(super) async fn ask(
    app: &Arc<App>,
    visit: &Visit,
    of: Of,
    body: Value,
) -> Result<Preview, Failure> {
    let ask = Ask::post(of.endpoint()).target(&visit.target).body(body);
    visit.ask(app, ask).await?.read()
}

const COLUMNS: [Column; 4] = [
    Column::new("Request"),
    Column::narrow("How often"),
    Column::new("Why"),
    Column::narrow("Last"),
];

/// What came of it.
pub(super) fn result(visit: &Visit, of: Of, preview: &Preview) -> Markup {
    let requests = counted(preview.compared, "request", "requests");
    let unknown: u64 = preview.not_compared.iter().map(|one| one.count).sum();
    let (tone, title) = match (preview.compared, preview.refused) {
        (0, _) => (Tone::Info, of.has_none().to_owned()),
        (_, 0) => (
            Tone::Good,
            format!("Of {requests} in 7 days, none would be refused"),
        ),
        (_, refused) => (
            Tone::Warn,
            format!(
                "Of {requests} in 7 days, {} would be refused",
                count(refused)
            ),
        ),
    };
    let rows: Vec<Vec<Markup>> = preview
        .refused_by
        .iter()
        .map(|one| row(visit, one))
        .collect();
    html! {
        div.stack role="status" data-preview {
            (message::titled(tone, &title, html! {
                @if preview.allowed > 0 { p { (counted(preview.allowed, "request", "requests")) " that did not pass would." } }
                @if unknown > 0 { p { (counted(unknown, "request", "requests")) " could not be compared: the log does not say enough of them." } }
                @if !preview.keyward.is_whole { p { "Not everything was read: " @for note in &preview.keyward.notes { (Text(note)) " " } } }
                p.small { "Nothing is saved yet. A log knows what came, and not what will come; it has no queries and no bodies." }
            }))
            @if !rows.is_empty() { section.card { (table("Requests that would be refused", &COLUMNS, &rows)) } }
        }
    }
}

fn row(visit: &Visit, one: &RefusedBy) -> Vec<Markup> {
    vec![
        html! { code.wrap { (Text(&one.endpoint)) } },
        html! { span.num { (count(one.count)) } },
        html! {
            @match (&one.missing_permission, &one.reason) {
                (Some(name), _) => { "missing: " (Text(name)) },
                (None, Some(reason)) => (Text(reason)),
                (None, None) => "refused",
            }
        },
        time(&one.last, visit.now),
    ]
}
