//! One row of the trail, in words.

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::pages::parts::table::Column;
use crate::pages::parts::{Text, time};

/// `v2.iam.activity_log`: the members that pages read.
#[derive(Debug, Deserialize)]
pub(crate) struct Log {
    created: String,
    r#type: String,
    livemode: Option<bool>,
    actor: Value,
    keyward: Members,
}

#[derive(Debug, Deserialize)]
struct Members {
    address: Option<String>,
    changes: Vec<Change>,
    object: Option<Object>,
    reason: Option<String>,
    via: String,
}

#[derive(Debug, Deserialize)]
struct Change {
    member: Option<String>,
    #[serde(default)]
    before: Value,
    #[serde(default)]
    after: Value,
}

#[derive(Debug, Deserialize)]
struct Object {
    id: String,
    r#type: String,
}

/// The columns of a table of rows.
pub(crate) const COLUMNS: [Column; 5] = [
    Column::new("What"),
    Column::narrow("When"),
    Column::new("Who"),
    Column::new("On"),
    Column::new("Changes"),
];

/// The cells of a row.
pub(crate) fn cells(log: &Log, now: u64) -> Vec<Markup> {
    vec![
        html! {
            strong { (Text(&words(&log.r#type))) }
            @if let Some(live) = log.livemode { div.small.soft { (if live { "live" } else { "test" }) } }
            @if let Some(reason) = &log.keyward.reason { div.small.soft { "Why: " (Text(reason)) } }
        },
        time(&log.created, now),
        html! {
            (Text(&actor(&log.actor)))
            div.small.soft { "by " (Text(&log.keyward.via)) @if let Some(address) = &log.keyward.address { " from " (Text(address)) } }
        },
        log.keyward.object.as_ref().map_or_else(|| html! {}, object),
        changes(&log.keyward.changes),
    ]
}

/// Pages show `api_key_created` as `API key created`.
fn words(kind: &str) -> String {
    // What happened to the value matters, and Stripe's name for it does not say that.
    if kind == "api_key_viewed" {
        return "API key value shown".to_owned();
    }
    let text = kind.replace('_', " ");
    if let Some(rest) = text.strip_prefix("api key") {
        return format!("API key{rest}");
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn actor(actor: &Value) -> String {
    let text = |pointer: &str| actor.pointer(pointer).and_then(Value::as_str);
    text("/user/email")
        .or_else(|| text("/api_key/id"))
        .or_else(|| text("/id"))
        .or_else(|| text("/type"))
        .unwrap_or_default()
        .to_owned()
}

fn object(object: &Object) -> Markup {
    let href = match object.r#type.as_str() {
        "api_key" => Some(format!("/console/keys/{}", object.id)),
        "account" => Some(format!("/console/accounts/{}", object.id)),
        "grant_set" => Some(format!("/console/grant_sets/{}", object.id)),
        _ => None,
    };
    html! {
        @match href {
            Some(href) if !object.id.is_empty() => a href=(href) { code { (Text(&object.id)) } },
            Some(_) | None => code { (Text(&object.id)) },
        }
        div.small.soft { (Text(&object.r#type.replace('_', " "))) }
    }
}

/// How many members the row shows before it folds the rest.
const SHOWN: usize = 3;

fn changes(changes: &[Change]) -> Markup {
    let (first, rest) = changes.split_at(changes.len().min(SHOWN));
    html! {
        @for change in first { (one(change)) }
        @if !rest.is_empty() {
            details {
                summary { (rest.len()) " more" }
                @for change in rest { (one(change)) }
            }
        }
    }
}

fn one(change: &Change) -> Markup {
    let name = change
        .member
        .as_deref()
        .unwrap_or_default()
        .replace('_', " ");
    html! {
        div.small {
            span.soft { (Text(&name)) ": " }
            @if !change.before.is_null() { span.was { "− " (Text(&shown(&change.before))) } " " }
            @if !change.after.is_null() { span.is { "+ " (Text(&shown(&change.after))) } }
            @if change.before.is_null() && change.after.is_null() { "none" }
        }
    }
}

/// A value of a member, as short as possible.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(elements) if elements.is_empty() => "none".to_owned(),
        Value::Array(elements) => elements.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_said_in_words() {
        assert_eq!(words("api_key_created"), "API key created");
        assert_eq!(words("keys_revoked"), "Keys revoked");
        assert_eq!(words(""), "");
    }

    #[test]
    fn a_row_names_who_did_it_and_what_it_was_before() {
        let log: Log = serde_json::from_value(json!({
            "created": "2026-11-29T10:00:00.000Z", "type": "api_key_updated", "livemode": true,
            "actor": {"type": "user", "user": {"email": "<b>admin"}},
            "keyward": {
                "address": "203.0.113.9", "via": "console", "reason": "a\u{202e}b",
                "object": {"type": "api_key", "id": "mk_1"},
                "changes": [{"member": "permissions", "before": ["customer_read"], "after": ["charge_write", "customer_read"]}],
            },
        }))
        .unwrap();
        let shown: String = cells(&log, 0)
            .into_iter()
            .map(maud::PreEscaped::into_string)
            .collect();
        for part in [
            "&lt;b&gt;admin",
            "Why: a\\u{202e}b",
            "by console from 203.0.113.9",
            "<a href=\"/console/keys/mk_1\">",
            "− customer_read",
            "+ charge_write, customer_read",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }
}
