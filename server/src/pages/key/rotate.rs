//! Replacing a key: a new value with the same permissions, while the old one still works for as long as is said.

use std::sync::Arc;

use maud::html;
use serde_json::{Map, Value, json};

use super::requests::used_within;
use super::{asking, buttons, hidden, of_form, version};
use crate::app::App;
use crate::http::failure::Failure;
use crate::pages::ask::Ask;
use crate::pages::create::{end, ends};
use crate::pages::keys;
use crate::pages::objects::Key;
use crate::pages::parts::actions::{Weight, submit};
use crate::pages::parts::fields::{self, Field};
use crate::pages::parts::{Tone, message, text};
use crate::pages::reply::PagePending;
use crate::pages::reply::Reply;
use crate::pages::value::{self, Made};
use crate::pages::visit::Visit;

/// `GET /console/keys/{id}/rotate`
pub(in crate::pages) fn form(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let used = used_within(&app, &visit, 3_600).await;
        Ok(page(&visit, &key, used, None))
    })
}

/// `POST /console/keys/{id}/rotate`
pub(in crate::pages) fn rotate(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let asked = match body(&visit, &key) {
            Ok(body) => {
                let ask = Ask::post("/v2/iam/api_keys/{id}/rotate")
                    .target(&visit.target)
                    .version(version(&visit)?)
                    .once(&visit)
                    .body(body);
                visit.ask(&app, ask).await
            }
            Err(failure) => Err(failure),
        };
        match asked {
            Ok(answered) => value::page(&visit, &answered, Made::Rotated),
            Err(failure) => match value::shown_before(&visit, &failure) {
                Some(reply) => Ok(reply),
                None => Ok(page(&visit, &key, None, Some(&of_form(failure)?))),
            },
        }
    })
}

fn body(visit: &Visit, key: &Key) -> Result<Value, Failure> {
    if key.livemode {
        visit.must_be_fresh()?;
    }
    let minutes: u64 = visit.form.text("overlap").parse().unwrap_or(0);
    let mut body = Map::new();
    body.insert("expire_current_key_in_minutes".to_owned(), json!(minutes));
    if key.expires_at.is_some() {
        let ends = visit.form.text("ends");
        let (name, value) = match end(ends, visit.form.text("date"), visit.now)? {
            Some(end) => ("expires_at", json!(end)),
            None => ("keyward", json!({"no_expiry": true})),
        };
        body.insert(name.to_owned(), value);
    }
    Ok(Value::Object(body))
}

/// In minutes.
const OVERLAPS: [(&str, &str); 5] = [
    ("0", "now"),
    ("60", "in 1 hour"),
    ("1440", "in 24 hours"),
    ("4320", "in 3 days"),
    ("10080", "in 7 days"),
];

fn page(visit: &Visit, key: &Key, used: Option<u64>, refused: Option<&Failure>) -> Reply {
    let chosen = visit.form.given("overlap").unwrap_or("1440");
    let ends_chosen = visit.form.given("ends").unwrap_or("90");
    let wrong = refused.filter(|failure| failure.param() == Some("expires_at"));
    let body = html! {
        form.stack.narrow method="post" action={(visit.key_home(&key.id)) "/rotate"} {
            (hidden(visit, key))
            p { "The replacement works within seconds, and may do what this key may. Put it where the old one is used, and the old one ends by itself." }
            (fields::radios(&Field { name: "overlap", label: "The old key ends", value: chosen, ..Field::default() }, &OVERLAPS, false))
            @if let Some(count) = used.filter(|count| *count > 0) {
                (message::note(Tone::Warn, html! { p { "It is in use: " (text::counted(count, "request", "requests")) " within the last hour. Ended now, the next one is refused." } }))
            }
            @if key.expires_at.is_some() { (ends("The replacement ends", ends_chosen, visit.form.text("date"), wrong.map(Failure::message))) }
            (buttons(visit, key, submit(Weight::Main, "Rotate")))
        }
    };
    asking(visit, key, "Rotate", refused, body)
}
