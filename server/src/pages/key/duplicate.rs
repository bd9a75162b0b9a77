//! A second key with the permissions of another; or the live key of a test key.

use std::sync::Arc;

use maud::html;
use serde_json::{Map, Value, json};

use super::{asking, buttons, hidden, of_form};
use crate::app::App;
use crate::http::failure::Failure;
use crate::pages::ask::Ask;
use crate::pages::create::{end, ends};
use crate::pages::keys;
use crate::pages::objects::Key;
use crate::pages::parts::actions::{Weight, submit};
use crate::pages::parts::fields::{self, Field};
use crate::pages::reply::PagePending;
use crate::pages::reply::Reply;
use crate::pages::value::{self, Made};
use crate::pages::visit::Visit;

/// `GET /console/keys/{id}/duplicate`
pub(in crate::pages) fn form(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let name = format!("{} (copy)", key.title());
        Ok(page(&visit, &key, &name, None))
    })
}

/// `POST /console/keys/{id}/duplicate`
pub(in crate::pages) fn duplicate(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let asked = match body(&visit, &key) {
            Ok(body) => {
                let ask = Ask::post("/v2/keyward/api_keys/{id}/duplicate")
                    .target(&visit.target)
                    .once(&visit)
                    .body(body);
                visit.ask(&app, ask).await
            }
            Err(failure) => Err(failure),
        };
        match asked {
            Ok(answered) => value::page(&visit, &answered, Made::Duplicated),
            Err(failure) => match value::shown_before(&visit, &failure) {
                Some(reply) => Ok(reply),
                None => {
                    let failure = of_form(failure)?;
                    Ok(page(&visit, &key, visit.form.text("name"), Some(&failure)))
                }
            },
        }
    })
}

fn body(visit: &Visit, key: &Key) -> Result<Value, Failure> {
    let is_live = visit.form.text("mode") == "live";
    if key.livemode || is_live {
        visit.must_be_fresh()?;
    }
    let mut mine = Map::new();
    mine.insert("ipv6".to_owned(), json!(visit.form.has("ipv6")));
    if is_live && !key.livemode {
        mine.insert("livemode".to_owned(), json!(true));
    }
    let mut body = Map::new();
    body.insert("name".to_owned(), json!(visit.form.text("name")));
    let ips = visit.form.list("ips");
    if !ips.is_empty() {
        body.insert("ip_allowlist".to_owned(), json!(ips));
    }
    match end(visit.form.text("ends"), visit.form.text("date"), visit.now)? {
        Some(end) => {
            body.insert("expires_at".to_owned(), json!(end));
        }
        None => {
            mine.insert("no_expiry".to_owned(), json!(true));
        }
    }
    body.insert("keyward".to_owned(), Value::Object(mine));
    Ok(Value::Object(body))
}

fn page(visit: &Visit, key: &Key, name: &str, refused: Option<&Failure>) -> Reply {
    let wrong = |param: &str| {
        refused
            .filter(|failure| failure.param() == Some(param))
            .map(Failure::message)
    };
    let mode = visit.form.given("mode").unwrap_or("test");
    let ends_chosen = visit.form.given("ends").unwrap_or("90");
    let body = html! {
        form.stack.narrow method="post" action={(visit.key_home(&key.id)) "/duplicate"} {
            (hidden(visit, key))
            p { "The new key has the permissions of this one, and its own value, end and addresses." }
            (fields::text(&Field { name: "name", label: "Name", value: name, error: wrong("name"), is_required: true, ..Field::default() }))
            @if !key.livemode {
                (fields::radios(&Field { name: "mode", label: "Mode", value: mode, ..Field::default() }, &[("test", "Test, as this one"), ("live", "Live: the live key of this test key")], false))
            }
            (ends("Ends", ends_chosen, visit.form.text("date"), wrong("expires_at")))
            (fields::area(&Field { name: "ips", label: "Addresses", value: visit.form.text("ips"), hint: Some("One on each line. Empty: from everywhere."), error: wrong("ip_allowlist"), ..Field::default() }, 3, true))
            (fields::check("ipv6", "Addresses may be IPv6", visit.form.has("ipv6")))
            (buttons(visit, key, submit(Weight::Main, "Create key")))
        }
    };
    asking(visit, key, "Duplicate", refused, body)
}
