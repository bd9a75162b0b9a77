//! What a key may do, as a matrix in which changes are marked.

use std::sync::Arc;

use maud::html;
use serde_json::{Map, Value, json};

use super::{asking, buttons, hidden, home, of_form, update};
use crate::app::App;
use crate::http::failure::Failure;
use crate::pages::ask::Ask;
use crate::pages::keys;
use crate::pages::objects::{Key, List};
use crate::pages::parts::actions::{Weight, submit, submit_as};
use crate::pages::parts::matrix::{self, Chosen, Matrix, Permission};
use crate::pages::parts::{Text, Tone, fields, layout, message};
use crate::pages::reply::PagePending;
use crate::pages::reply::Reply;
use crate::pages::visit::Visit;

/// `GET /console/keys/{id}/edit`
pub(in crate::pages) fn form(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let all = permissions(&app, &visit).await?;
        let (own, connected) = held(&key);
        Ok(page(&visit, &key, &all, (&own, &connected), None))
    })
}

/// `POST /console/keys/{id}/edit`
pub(in crate::pages) fn save(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let all = permissions(&app, &visit).await?;
        let own = matrix::read("p", &all, visit.form.fields());
        let connected = matrix::read("c", &all, visit.form.fields());
        let writes = |chosen: &Chosen| chosen.values().any(|level| level.name() == "write");
        let is_weighty = key.livemode && (writes(&own) || writes(&connected));
        let changed = match visit.must_be_fresh() {
            Err(failure) if is_weighty => Err(failure),
            Ok(()) | Err(_) => update(&app, &visit, body(&visit, &key, &own, &connected)).await,
        };
        match changed {
            Ok(_) => Ok(home(&visit)),
            Err(failure) => {
                let failure = of_form(failure)?;
                Ok(page(&visit, &key, &all, (&own, &connected), Some(&failure)))
            }
        }
    })
}

fn body(visit: &Visit, key: &Key, own: &Chosen, connected: &Chosen) -> Value {
    let (had, had_connected) = held(key);
    let mut members = Map::new();
    let mut mine = Map::new();
    // A list that is as it was leaves a grant set in place.
    if *own != had || key.permissions.is_none() {
        members.insert("permissions".to_owned(), json!(matrix::names(own)));
    }
    if *connected != had_connected {
        members.insert(
            "connect_permissions".to_owned(),
            json!(matrix::names(connected)),
        );
    }
    if visit.form.has("limit") {
        mine.insert("limit".to_owned(), json!(true));
    }
    if visit.form.has("shadow") {
        mine.insert("enforcement".to_owned(), json!("shadow"));
    }
    members.insert("keyward".to_owned(), Value::Object(mine));
    Value::Object(members)
}

async fn permissions(app: &Arc<App>, visit: &Visit) -> Result<Vec<Permission>, Failure> {
    let all: List<Permission> = visit
        .ask(app, Ask::get("/v2/keyward/permissions"))
        .await?
        .read()?;
    Ok(all.data)
}

/// What the key has now. A key with every permission has none of its own.
fn held(key: &Key) -> (Chosen, Chosen) {
    let side =
        |names: &Option<Vec<String>>| matrix::of_names(names.iter().flatten().map(String::as_str));
    (side(&key.permissions), side(&key.connect_permissions))
}

fn page(
    visit: &Visit,
    key: &Key,
    all: &[Permission],
    (own, connected): (&Chosen, &Chosen),
    refused: Option<&Failure>,
) -> Reply {
    let (had, had_connected) = held(key);
    let matrix = |chosen, was, prefix| Matrix {
        permissions: all,
        chosen,
        was: Some(was),
        prefix,
    };
    let body = html! {
        @if key.permissions.is_none() {
            (message::note(Tone::Warn, html! { p { "This key may do everything. What you save limits it to what you choose, and whatever it does beyond that is refused at once." } }))
        }
        @if let Some(set) = &key.keyward.grant_set {
            (message::note(Tone::Info, html! { p { "It follows the grant set " b { (Text(set)) } ". When you change something here, it has permissions of its own and no longer follows the set." } }))
        }
        form.stack method="post" action={(visit.key_home(&key.id)) "/edit"} {
            (hidden(visit, key))
            div.columns.side {
                div.stack {
                    (layout::card("What it may do", html! {}, matrix(own, &had, "p").render()))
                    details.card open[!connected.is_empty()] {
                        summary.pad { "On accounts connected to that account" }
                        (matrix(connected, &had_connected, "c").render())
                    }
                }
                div.stack.sticky {
                    (layout::card("This key will", html! {}, html! { div.pad { (matrix::summary("p", all, own)) } }))
                    @if key.permissions.is_none() { (fields::check("limit", "Limit this key to what is chosen", visit.form.has("limit"))) }
                    (buttons(visit, key, html! {
                        (submit(Weight::Main, "Save"))
                        @if key.keyward.enforcement != "shadow" { (submit_as(Weight::Usual, "shadow", "yes", "Save in shadow")) }
                    }))
                    @if key.keyward.enforcement != "shadow" { p.small.soft { "In shadow, what it may no longer do still passes, and is logged. Enforce it when the log shows no such request." } }
                }
            }
        }
    };
    asking(visit, key, "Edit permissions", refused, body)
}
