//! The history of a key: what was done, and by whom.

use std::collections::BTreeMap;
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
                html! { "The trail has no row about this key." },
                html! {},
            )
        } else {
            let mut own = BTreeMap::new();
            for id in rows.data.iter().filter_map(Log::key) {
                if visit.is_portal() && own.len() < MOST_KEYS && !own.contains_key(id) {
                    let ask = Ask::get("/v2/iam/api_keys/{id}").target(id);
                    own.insert(id.to_owned(), visit.ask(&app, ask).await.is_ok());
                }
            }
            let all: Vec<Vec<Markup>> =
                rows.data.iter().map(|log| row(&visit, log, &own)).collect();
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
    /// Whether it interests a person: much of a new key's record is always the same.
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

/// As many keys are looked for among those of the person's account.
const MOST_KEYS: usize = 20;

impl Log {
    /// The key that did it.
    fn key(&self) -> Option<&str> {
        self.actor.pointer("/api_key/id").and_then(Value::as_str)
    }

    /// Whether people of a portal may see who did it, and from where: their own people and keys. Everyone else appears as the provider.
    fn is_of_own(&self, visit: &Visit, own: &BTreeMap<String, bool>) -> bool {
        let is_own_key = |id| own.get(id).copied().unwrap_or_default();
        !visit.is_portal() || self.keyward.via == "portal" || self.key().is_some_and(is_own_key)
    }
}

/// The parts of a change that customers do not see: operators' notes and trials.
fn is_for_customers(change: &Change) -> bool {
    !matches!(change.member.as_str(), "labels" | "enforcement")
}

fn row(visit: &Visit, log: &Log, own: &BTreeMap<String, bool>) -> Vec<Markup> {
    let actor = ["/user/email", "/api_key/id", "/id"]
        .iter()
        .find_map(|place| log.actor.pointer(place).and_then(Value::as_str))
        .or_else(|| log.actor.get("type").and_then(Value::as_str));
    let is_of_own = log.is_of_own(visit, own);
    let is_new = matches!(
        log.r#type.as_str(),
        "api_key_created" | "api_key_imported" | "api_key_rotated"
    );
    vec![
        time(&log.created, visit.now),
        html! { (words(&log.r#type)) @if let Some(reason) = log.keyward.reason.as_ref().filter(|_| is_of_own) { div.small.soft { (Text(reason)) } } },
        html! {
            @if is_of_own {
                span.wrap { (Text(actor.unwrap_or_default())) }
                div.small.soft { (Text(&log.keyward.via)) @if let Some(address) = &log.keyward.address { " · " (Text(address)) } }
            } @else { (Text(visit.provider())) }
        },
        html! {
            @for change in log.keyward.changes.iter().filter(|change| change.says_something() && (!visit.is_portal() || is_for_customers(change))) {
                div.wrap {
                    b { (Text(&change.member.replace('_', " "))) } ": "
                    // A new key had nothing before.
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
