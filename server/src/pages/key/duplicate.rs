//! A second key with the permissions of another; or the live key of a test key.

use std::sync::Arc;

use maud::html;
use serde_json::{Map, Value, json};

use super::{asking, because, buttons, hidden, of_form, reason};
use crate::app::App;
use crate::http::failure::Failure;
use crate::pages::ask::Ask;
use crate::pages::bounds::Bounds;
use crate::pages::create::{IPS, IPS_NEEDED, end, ends, usual_ends};
use crate::pages::keys;
use crate::pages::objects::Key;
use crate::pages::parts::actions::{Weight, submit};
use crate::pages::parts::fields::{self, Field};
use crate::pages::reply::PagePending;
use crate::pages::reply::Reply;
use crate::pages::value::{self, Made};
use crate::pages::visit::Visit;
use crate::pages::wording;

/// `GET /console/keys/{id}/duplicate`
pub(in crate::pages) fn form(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let name = format!("{} (copy)", key.title());
        let bounds = Bounds::read(&app, &visit, &key.keyward.owner).await?;
        Ok(page(&visit, &key, &name, bounds.as_ref(), None))
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
            Ok(answered) => value::page(&app, &visit, &answered, Made::Duplicated).await,
            Err(failure) => match value::shown_before(&visit, &failure) {
                Some(reply) => Ok(reply),
                None => {
                    let failure = of_form(failure)?;
                    let bounds = Bounds::read(&app, &visit, &key.keyward.owner).await?;
                    let name = visit.form.text("name");
                    Ok(page(&visit, &key, name, bounds.as_ref(), Some(&failure)))
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
    Ok(because(visit, Value::Object(body)))
}

fn page(
    visit: &Visit,
    key: &Key,
    name: &str,
    bounds: Option<&Bounds>,
    refused: Option<&Failure>,
) -> Reply {
    let why = refused.map(|failure| wording::why(visit, failure));
    let wrong = |param: &str| {
        let is_of = refused.is_some_and(|failure| wording::param(failure) == Some(param));
        why.as_deref().filter(|_| is_of)
    };
    let mode = visit.form.given("mode").unwrap_or("test");
    let may_be_live = bounds.is_none_or(|bounds| bounds.modes(visit).contains(&"live"));
    let needs_ips = bounds.is_some_and(|bounds| {
        bounds.needs_addresses(key.livemode) || may_be_live && bounds.needs_addresses(true)
    });
    let hint = if needs_ips { IPS_NEEDED } else { IPS };
    let all_ends = bounds.map_or_else(usual_ends, Bounds::ends);
    let usual_end = bounds.map_or_else(|| "90".to_owned(), Bounds::usual_end);
    let ends_chosen = visit.form.given("ends").unwrap_or(&usual_end);
    // The page must warn clearly about a copy that works from more places than the key.
    let own_ips = key.ip_allowlist.join("\n");
    let ips = visit.form.given("ips").unwrap_or(&own_ips);
    let is_ipv6 = visit.form.has("ipv6") || ips.contains(':');
    let body = html! {
        form.stack.narrow method="post" action={(visit.key_home(&key.id)) "/duplicate"} {
            (hidden(visit, key))
            p { "The new key has this key's permissions and addresses, and a value and an end of its own." }
            (fields::text(&Field { name: "name", label: "Name", value: name, error: wrong("name"), is_required: true, ..Field::default() }))
            @if !key.livemode && may_be_live {
                (fields::radios(&Field { name: "mode", label: "Mode", value: mode, ..Field::default() }, &[("test", "Test, as this one"), ("live", "Live: the live key of this test key")], false))
            }
            (ends("Ends", &all_ends, ends_chosen, visit.form.text("date"), wrong("expires_at")))
            (fields::area(&Field { name: "ips", label: "Addresses", value: ips, hint: Some(hint), error: wrong("ip_allowlist"), ..Field::default() }, 3, true))
            (fields::check("ipv6", "Addresses may be IPv6", is_ipv6))
            (reason(visit, refused))
            (buttons(visit, key, submit(Weight::Main, "Create key")))
        }
    };
    asking(visit, key, "Duplicate", refused, body)
}
