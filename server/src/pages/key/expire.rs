//! When a key ends: now, later, never, or again no longer.

use std::sync::Arc;

use maud::html;
use serde_json::{Value, json};

use super::requests::used_within;
use super::{asking, because, buttons, hidden, home, of_form, reason, update, version};
use crate::app::App;
use crate::http::failure::Failure;
use crate::pages::ask::Ask;
use crate::pages::bounds::Bounds;
use crate::pages::create::{end, of_pairs, usual_ends};
use crate::pages::keys;
use crate::pages::objects::Key;
use crate::pages::parts::actions::{Weight, submit};
use crate::pages::parts::fields::{self, Field};
use crate::pages::parts::{Tone, message};
use crate::pages::reply::PagePending;
use crate::pages::reply::Reply;
use crate::pages::visit::Visit;
use crate::pages::wording;
use crate::routes::Verb;

/// `GET /console/keys/{id}/expire`
pub(in crate::pages) fn form(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let used = used_within(&app, &visit, 3_600).await;
        let chosen = if key.keyward.state == "expired" {
            "90"
        } else {
            "now"
        };
        let bounds = Bounds::read(&app, &visit, &key.keyward.owner).await?;
        Ok(page(&visit, &key, chosen, used, bounds.as_ref(), None))
    })
}

/// `POST /console/keys/{id}/expire`
pub(in crate::pages) fn expire(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let chosen = visit.form.text("ends").to_owned();
        match carried_out(&app, &visit, &key, &chosen).await {
            Ok(()) => Ok(home(&visit)),
            Err(failure) => {
                let failure = of_form(failure)?;
                let bounds = Bounds::read(&app, &visit, &key.keyward.owner).await?;
                Ok(page(
                    &visit,
                    &key,
                    &chosen,
                    None,
                    bounds.as_ref(),
                    Some(&failure),
                ))
            }
        }
    })
}

async fn carried_out(
    app: &Arc<App>,
    visit: &Visit,
    key: &Key,
    chosen: &str,
) -> Result<(), Failure> {
    // Nothing delays an end: neither another person's change nor an old page.
    if chosen == "now" {
        let ask = Ask::post("/v2/iam/api_keys/{id}/expire")
            .target(&visit.target)
            .body(because(visit, json!({})));
        visit.ask(app, ask).await?;
        return Ok(());
    }
    version(visit)?;
    let revives = key.keyward.state == "expired";
    if revives && key.livemode {
        visit.must_be_fresh()?;
    }
    let end = end(chosen, visit.form.text("date"), visit.now)?;
    let body: Value = json!({
        "expires_at": end,
        "keyward": {"revive": revives && visit.form.has("revive")},
    });
    update(app, visit, body).await.map(|_| ())
}

fn page(
    visit: &Visit,
    key: &Key,
    chosen: &str,
    used: Option<u64>,
    bounds: Option<&Bounds>,
    refused: Option<&Failure>,
) -> Reply {
    let is_over = key.keyward.state == "expired";
    let choice = |value: &str, says: &str| (value.to_owned(), says.to_owned());
    let mut choices = match bounds {
        Some(bounds) => bounds.ends(),
        None => usual_ends(),
    };
    choices.insert(0, choice("1", "in a day"));
    if !visit.may(Verb::Post, "/v2/iam/api_keys/{id}") {
        // Another end than now is an edit.
        choices.clear();
    }
    if !is_over {
        choices.insert(0, choice("now", "now"));
    }
    let chosen = match bounds {
        Some(bounds) if is_over && refused.is_none() => bounds.usual_end(),
        Some(_) | None => chosen.to_owned(),
    };
    let title = if is_over {
        "Let it work again"
    } else {
        "Expire"
    };
    let wrong = refused
        .filter(|failure| wording::param(failure) == Some("expires_at"))
        .map(|failure| wording::why(visit, failure));
    let body = html! {
        @if let Some(count) = used.filter(|count| *count > 0 && !is_over) {
            div.narrow { (message::note(Tone::Warn, html! { p { "This key is in use: " (super::super::parts::text::counted(count, "request", "requests")) " within the last hour. Such requests fail after the key ends. " a href={(visit.key_home(&key.id)) "/rotate"} { "Rotate it instead" } } })) }
        }
        form.stack.narrow method="post" action={(visit.key_home(&key.id)) "/expire"} {
            (hidden(visit, key))
            @if is_over {
                (message::note(Tone::Warn, html! { p { "The key works again within seconds, for anyone who has its value. If others may know the value, rotate the key or leave it ended." } }))
                (fields::check("revive", "Yes, let this key work again", visit.form.has("revive")))
            } @else {
                p { "Requests with this key fail with the reason that it has expired. You can let it work again later; a deleted key never works again." }
            }
            div.ends.stack {
                (fields::radios(&Field { name: "ends", label: "It ends", value: &chosen, ..Field::default() }, &of_pairs(&choices), false))
                div.day { (fields::of_type(&Field { name: "date", label: "Last day", value: visit.form.text("date"), hint: Some("It works until the end of that day, UTC."), error: wrong.as_deref(), ..Field::default() }, "date")) }
            }
            (reason(visit, refused))
            (buttons(visit, key, submit(if is_over { Weight::Main } else { Weight::Danger }, if is_over { "Let it work again" } else { "Set the end" })))
        }
    };
    asking(visit, key, title, refused, body)
}
