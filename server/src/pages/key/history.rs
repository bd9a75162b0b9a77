//! What was done with a key, and by whom.

use std::sync::Arc;

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::{Tab, page};
use crate::app::App;
use crate::pages::ask::Ask;
use crate::pages::keys;
use crate::pages::objects::List;
use crate::pages::parts::table::{Column, table};
use crate::pages::parts::{Text, layout, message, time};
use crate::pages::reply::PagePending;
use crate::pages::visit::Visit;

/// `GET /console/keys/{id}/history`
pub(in crate::pages) fn show(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let ask = Ask::get("/v2/iam/activity_logs")
            .query("object", &key.id)
            .query("limit", "100");
        let rows: List<Log> = visit.ask(&app, ask).await?.read()?;
        let body = if rows.data.is_empty() {
            message::empty(
                "Nothing yet",
                html! { "The trail has no row of this key." },
                html! {},
            )
        } else {
            let all: Vec<Vec<Markup>> = rows.data.iter().map(|log| row(&visit, log)).collect();
            layout::card("What was done", html! {}, table("History", &COLUMNS, &all))
        };
        Ok(page(&visit, &key, Tab::History, body))
    })
}

#[derive(Deserialize)]
struct Log {
    actor: Value,
    created: String,
    r#type: String,
    keyward: Members,
}

#[derive(Deserialize)]
struct Members {
    address: Option<String>,
    changes: Vec<Change>,
    reason: Option<String>,
    via: String,
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    member: String,
    #[serde(default)]
    before: Value,
    #[serde(default)]
    after: Value,
}

impl Change {
    /// Whether somebody wants to know it: a new key's record says much that is as it always is.
    fn says_something(&self) -> bool {
        let is_nothing = match &self.after {
            Value::Null | Value::Bool(false) => true,
            Value::Array(all) => all.is_empty(),
            Value::Object(members) => members.is_empty(),
            Value::String(text) => text == "enforce",
            Value::Bool(true) | Value::Number(_) => false,
        };
        !(self.before.is_null() && is_nothing) && self.member != "ends_with"
    }
}

const COLUMNS: [Column; 4] = [
    Column::narrow("When"),
    Column::new("What"),
    Column::new("Who"),
    Column::new("Changes"),
];

fn row(visit: &Visit, log: &Log) -> Vec<Markup> {
    let actor = ["/user/email", "/api_key/id", "/id"]
        .iter()
        .find_map(|place| log.actor.pointer(place).and_then(Value::as_str))
        .or_else(|| log.actor.get("type").and_then(Value::as_str));
    let is_new = matches!(
        log.r#type.as_str(),
        "api_key_created" | "api_key_imported" | "api_key_rotated"
    );
    vec![
        time(&log.created, visit.now),
        html! { (words(&log.r#type)) @if let Some(reason) = &log.keyward.reason { div.small.soft { (Text(reason)) } } },
        html! {
            span.wrap { (Text(actor.unwrap_or_default())) }
            div.small.soft { (Text(&log.keyward.via)) @if let Some(address) = &log.keyward.address { " · " (Text(address)) } }
        },
        html! {
            @for change in log.keyward.changes.iter().filter(|change| change.says_something()) {
                div.wrap {
                    b { (Text(&change.member.replace('_', " "))) } ": "
                    // Of a new key there was nothing before.
                    @if !(is_new && change.before.is_null()) { (shown(&change.before)) " → " }
                    (shown(&change.after))
                }
            }
        },
    ]
}

/// `api_key_created`: `created`.
fn words(kind: &str) -> Markup {
    let words = kind
        .strip_prefix("api_key_")
        .unwrap_or(kind)
        .replace('_', " ");
    html! { (Text(if words == "viewed" { "value shown" } else { &words })) }
}

fn shown(value: &Value) -> Markup {
    html! {
        @match value {
            Value::Null => span.soft { "nothing" },
            Value::String(text) => (Text(text)),
            Value::Array(all) if all.is_empty() => span.soft { "nothing" },
            Value::Array(all) => @for (index, one) in all.iter().enumerate() { @if index > 0 { ", " } (shown(one)) },
            other => (Text(&other.to_string())),
        }
    }
}
