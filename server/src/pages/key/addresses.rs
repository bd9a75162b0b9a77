//! The addresses from which a key works.

use std::sync::Arc;

use maud::html;
use serde_json::json;

use super::requests::addresses_of;
use super::{asking, buttons, hidden, home, of_form, reason, update};
use crate::app::App;
use crate::http::failure::Failure;
use crate::pages::check::{self, Preview};
use crate::pages::keys;
use crate::pages::objects::Key;
use crate::pages::parts::actions::{Weight, submit};
use crate::pages::parts::fields::{self, Field};
use crate::pages::parts::{Text, Tone, message};
use crate::pages::reply::PagePending;
use crate::pages::reply::Reply;
use crate::pages::visit::Visit;
use crate::pages::wording;

/// `GET /console/keys/{id}/addresses`
pub(in crate::pages) fn form(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let given = Given {
            text: key.ip_allowlist.join("\n"),
            used: addresses_of(&app, &visit).await,
            preview: None,
            is_checked: check::is_offered(&app, &visit, check::Of::Key),
        };
        Ok(page(&visit, &key, &given, None))
    })
}

/// `POST /console/keys/{id}/addresses`
pub(in crate::pages) fn save(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let body = json!({
            "ip_allowlist": visit.form.list("ips"),
            "keyward": {"ipv6": visit.form.has("ipv6")},
        });
        let sent = if check::is_asked(&visit) {
            check::ask(&app, &visit, check::Of::Key, body)
                .await
                .map(Some)
        } else {
            update(&app, &visit, body).await.map(|_| None)
        };
        let (preview, refused) = match sent {
            Ok(None) => return Ok(home(&visit)),
            Ok(Some(preview)) => (Some(preview), None),
            Err(failure) => (None, Some(of_form(failure)?)),
        };
        let given = Given {
            text: visit.form.lines("ips").to_owned(),
            used: addresses_of(&app, &visit).await,
            preview,
            is_checked: check::is_offered(&app, &visit, check::Of::Key),
        };
        Ok(page(&visit, &key, &given, refused.as_ref()))
    })
}

struct Given {
    text: String,
    /// Where its requests came from.
    used: Vec<String>,
    preview: Option<Preview>,
    is_checked: bool,
}

fn page(visit: &Visit, key: &Key, given: &Given, refused: Option<&Failure>) -> Reply {
    let Given {
        text,
        used,
        preview,
        is_checked,
    } = given;
    let is_ipv6 = visit.form.has("ipv6") || key.ip_allowlist.iter().any(|ip| ip.contains(':'));
    let wrong = refused
        .filter(|failure| wording::param(failure) == Some("ip_allowlist"))
        .map(|failure| wording::why(visit, failure));
    let own = visit.address.map(|address| address.to_string());
    let add = |ip: &str| html! { button.button.plain-link.js-only type="button" data-add=(ip) data-to="ips" { "Add" } };
    let body = html! {
        @if let Some(preview) = preview { (check::result(visit, check::Of::Key, preview)) }
        form.stack.narrow method="post" action={(visit.key_home(&key.id)) "/addresses"} {
            (hidden(visit, key))
            (fields::area(&Field { name: "ips", label: "Addresses", value: text, hint: Some("One per line: 203.0.113.7 or 203.0.113.0/24. Leave it empty to allow every address."), error: wrong.as_deref(), ..Field::default() }, 6, true))
            @if !used.is_empty() {
                (message::titled(Tone::Info, "Requests of the last 7 days came from", html! {
                    ul { @for ip in used { li.row { code { (Text(ip)) } (add(ip)) } } }
                    p.small { "After you save, requests from other addresses fail within seconds." }
                }))
            }
            @if let Some(own) = &own { p.small.soft.row { "You are at " code { (own) } (add(own)) } }
            (fields::check("ipv6", "Addresses may be IPv6", is_ipv6))
            (reason(visit, refused))
            (buttons(visit, key, html! { (submit(Weight::Main, "Save")) (check::button(*is_checked)) }))
        }
        @if refused.is_some() && !key.ip_allowlist.is_empty() {
            div { h2 { "What the key has now" } ul { @for ip in &key.ip_allowlist { li { code { (Text(ip)) } } } } }
        }
    };
    asking(visit, key, "Limit addresses", refused, body)
}
