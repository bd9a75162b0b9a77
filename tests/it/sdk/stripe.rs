//! An upstream that answers as Stripe would in cases that localstripe does not cover: restricted
//! and publishable keys, contexts, `/v2`, searches, uploads and idempotency keys.

use std::collections::HashSet;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::support::Upstream;
use crate::support::upstream::{Reply, Seen};

pub fn start() -> Upstream {
    let used_keys = Mutex::new(HashSet::new());
    Upstream::answering(move |seen| {
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let (body, mut id) = (answer(seen), String::new());
        if let Some(key) = seen.header("idempotency-key") {
            id = format!("obj_{}", key.len());
            if !used_keys.lock().unwrap().insert(key.to_owned()) {
                headers.push(("idempotent-replayed".into(), "true".into()));
            }
        }
        let mut body = body.unwrap_or_else(|| json!({"object": object(seen)}));
        body.as_object_mut()
            .unwrap()
            .entry("id")
            .or_insert(json!(id));
        Reply {
            status: 200,
            headers,
            body: body.to_string().into_bytes(),
        }
    })
}

/// Returns the path without its query.
pub fn path(seen: &Seen) -> &str {
    let path = std::str::from_utf8(&seen.path).unwrap();
    path.split('?').next().unwrap()
}

/// Returns `charge` for `/v1/charges`.
fn object(seen: &Seen) -> &str {
    let segment = path(seen).split('/').nth(2).unwrap_or_default();
    segment.strip_suffix('s').unwrap_or(segment)
}

fn answer(seen: &Seen) -> Option<Value> {
    let target = std::str::from_utf8(&seen.path).unwrap();
    let has = |parameter: &str| {
        target
            .split(['?', '&'])
            .skip(1)
            .any(|held| held == parameter)
    };
    let customer =
        |name: &str| json!({"object": "customer", "id": format!("cus_{name}"), "name": name});
    let answer = match (seen.method.as_slice(), path(seen)) {
        (b"GET", "/v1/customers") if has("starting_after=cus_two") => {
            json!({"object": "list", "url": "/v1/customers", "has_more": false, "data": [customer("three")]})
        }
        (b"GET", "/v1/customers") => {
            json!({"object": "list", "url": "/v1/customers", "has_more": true, "data": [customer("one"), customer("two")]})
        }
        (b"GET", "/v1/customers/search") => {
            let (names, next) = if has("page=second") {
                ("three", Value::Null)
            } else {
                ("two", json!("second"))
            };
            json!({"object": "search_result", "url": "/v1/customers/search", "has_more": !next.is_null(), "next_page": next, "data": [customer(names)]})
        }
        (b"POST", "/v1/files") => {
            let body = String::from_utf8_lossy(&seen.body);
            let content = "%PDF-1.7 evidence";
            let size = if body.contains(content) && body.contains("dispute_evidence") {
                content.len()
            } else {
                0
            };
            json!({"object": "file", "size": size})
        }
        (b"GET", "/v2/core/events") => {
            let event = |id: &str| json!({"object": "v2.core.event", "id": id, "type": "v1.billing.meter.error_report_triggered"});
            if has("page=second") {
                json!({"data": [event("evt_2")], "next_page_url": null, "previous_page_url": "/v2/core/events"})
            } else {
                json!({"data": [event("evt_1")], "next_page_url": "/v2/core/events?page=second", "previous_page_url": null})
            }
        }
        (b"POST", "/v2/billing/meter_events") => {
            let sent: Value = serde_json::from_slice(&seen.body).unwrap();
            json!({"object": "v2.billing.meter_event", "event_name": sent["event_name"]})
        }
        _ => return None,
    };
    Some(answer)
}
