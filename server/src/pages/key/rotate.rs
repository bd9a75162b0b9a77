//! Replacing a key: a new value with the same permissions, while the old one continues to work for the chosen time.

use std::sync::Arc;

use maud::html;
use serde_json::{Map, Value, json};

use super::requests::used_within;
use super::{asking, because, buttons, hidden, of_form, reason, version};
use crate::app::App;
use crate::http::failure::Failure;
use crate::pages::ask::Ask;
use crate::pages::bounds::{Bounds, Choice};
use crate::pages::create::{end, ends, of_pairs, usual_ends};
use crate::pages::keys;
use crate::pages::objects::Key;
use crate::pages::parts::actions::{Weight, submit};
use crate::pages::parts::fields::{self, Field};
use crate::pages::parts::{Tone, message, text};
use crate::pages::reply::PagePending;
use crate::pages::reply::Reply;
use crate::pages::value::{self, Made};
use crate::pages::visit::Visit;
use crate::pages::wording;

/// `GET /console/keys/{id}/rotate`
pub(in crate::pages) fn form(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let used = used_within(&app, &visit, 3_600).await;
        let bounds = Bounds::read(&app, &visit, &key.keyward.owner).await?;
        Ok(page(&visit, &key, used, bounds.as_ref(), None))
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
            Ok(answered) => value::page(&app, &visit, &answered, Made::Rotated).await,
            Err(failure) => match value::shown_before(&visit, &failure) {
                Some(reply) => Ok(reply),
                None => {
                    let failure = of_form(failure)?;
                    let bounds = Bounds::read(&app, &visit, &key.keyward.owner).await?;
                    Ok(page(&visit, &key, None, bounds.as_ref(), Some(&failure)))
                }
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
    Ok(because(visit, Value::Object(body)))
}

/// In minutes.
const OVERLAPS: [(&str, &str); 5] = [
    ("0", "now"),
    ("60", "in 1 hour"),
    ("1440", "in 24 hours"),
    ("4320", "in 3 days"),
    ("10080", "in 7 days"),
];

fn page(
    visit: &Visit,
    key: &Key,
    used: Option<u64>,
    bounds: Option<&Bounds>,
    refused: Option<&Failure>,
) -> Reply {
    let usual = || {
        let all = OVERLAPS.iter();
        all.map(|(value, says)| ((*value).to_owned(), (*says).to_owned()))
            .collect()
    };
    let overlaps: Vec<Choice> = bounds.map_or_else(usual, Bounds::overlaps);
    // A day, or the longest shorter time.
    let chosen = visit.form.given("overlap").map(str::to_owned);
    let chosen = chosen.unwrap_or_else(|| {
        let mut fitting = overlaps
            .iter()
            .filter(|(value, _)| value.parse().is_ok_and(|minutes: u64| minutes <= 1_440));
        fitting
            .next_back()
            .map_or_else(String::new, |(value, _)| value.clone())
    });
    let all_ends = bounds.map_or_else(usual_ends, Bounds::ends);
    let usual_end = bounds.map_or_else(|| "90".to_owned(), Bounds::usual_end);
    let ends_chosen = visit.form.given("ends").unwrap_or(&usual_end);
    let wrong = refused
        .filter(|failure| wording::param(failure) == Some("expires_at"))
        .map(|failure| wording::why(visit, failure));
    let body = html! {
        form.stack.narrow method="post" action={(visit.key_home(&key.id)) "/rotate"} {
            (hidden(visit, key))
            p { "The replacement works within seconds, with the same permissions. Use it in place of this key, which then ends by itself." }
            (fields::radios(&Field { name: "overlap", label: "The old key ends", value: &chosen, ..Field::default() }, &of_pairs(&overlaps), false))
            @if let Some(count) = used.filter(|count| *count > 0) {
                (message::note(Tone::Warn, html! { p { "It is in use: " (text::counted(count, "request", "requests")) " within the last hour. If it ends now, the next request fails." } }))
            }
            @if key.expires_at.is_some() { (ends("The replacement ends", &all_ends, ends_chosen, visit.form.text("date"), wrong.as_deref())) }
            (reason(visit, refused))
            (buttons(visit, key, submit(Weight::Main, "Rotate")))
        }
    };
    asking(visit, key, "Rotate", refused, body)
}
