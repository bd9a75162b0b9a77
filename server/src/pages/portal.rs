//! The portal: the keys of one account, or of its tree, for the people of that account. A page asks the API as the console's does, for a caller whose scope is that account.

use std::sync::Arc;

use maud::html;

use super::ask::Ask;
use super::key::{self, Tab};
use super::keys;
use super::objects::{Key, List, cursor};
use super::parts::table::{Column, pager, table};
use super::parts::{Text, layout, message, text, time};
use super::reply::PagePending;
use super::table::{Needs, Page, get, post};
use super::visit::Visit;
use crate::app::App;
use crate::routes::Verb;

const KEY: &str = "/v2/iam/api_keys/{id}";
const EXPIRE: &str = "/v2/iam/api_keys/{id}/expire";
const ROTATE: &str = "/v2/iam/api_keys/{id}/rotate";

/// All pages of the portal.
#[rustfmt::skip]
pub(super) const PAGES: &[Page] = &[
    get("/portal/keys", Needs(Verb::Get, "/v2/iam/api_keys"), list),
    get("/portal/keys/{id}", Needs(Verb::Get, KEY), show),
    post("/portal/keys/{id}/note", Needs(Verb::Post, KEY), key::note),
    get("/portal/keys/{id}/addresses", Needs(Verb::Post, KEY), key::addresses),
    post("/portal/keys/{id}/addresses", Needs(Verb::Post, KEY), key::save_addresses),
    get("/portal/keys/{id}/expire", Needs(Verb::Post, EXPIRE), key::expire_form),
    post("/portal/keys/{id}/expire", Needs(Verb::Post, EXPIRE), key::expire),
    get("/portal/keys/{id}/rotate", Needs(Verb::Post, ROTATE), key::rotate_form),
    post("/portal/keys/{id}/rotate", Needs(Verb::Post, ROTATE), key::rotate),
];

const COLUMNS: [Column; 4] = [
    Column::new("Name"),
    Column::new("May"),
    Column::narrow("Ends"),
    Column::narrow("State"),
];

/// `GET /portal/keys`
fn list(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let mut ask = Ask::get("/v2/iam/api_keys").query("limit", "50");
        let page = visit.parameter("page");
        if !page.is_empty() {
            ask = ask.query("page", page);
        }
        let listed: List<Key> = visit.ask(&app, ask).await?.read()?;
        let at = |url: Option<&str>| Some(format!("/portal/keys?page={}", cursor(url)?));
        let older = at(listed.next_page_url.as_deref());
        let newer = at(listed.previous_page_url.as_deref());
        let rows = listed.data.iter().map(|key| {
            vec![
                html! {
                    a href=(visit.key_home(&key.id)) { (Text(key.title())) }
                    div { code.soft { (Text(key.redacted())) } }
                    div.small.soft { (key.mode()) }
                },
                keys::may(key),
                keys::ends(key, visit.now),
                keys::state(&visit, key),
            ]
        });
        let rows: Vec<_> = rows.collect();
        let count = text::counted(u64::try_from(rows.len()).unwrap_or(0), "key", "keys");
        let body = html! {
            (layout::head(None, "API keys", None, html! {}))
            @if rows.is_empty() {
                (message::empty("No keys", html! { "This account has no keys in use." }, html! {}))
            } @else {
                div.card {
                    (table("Keys", &COLUMNS, &rows))
                    (pager(newer.as_deref(), &count, older.as_deref()))
                }
            }
        };
        Ok(visit.page("API keys", body))
    })
}

/// `GET /portal/keys/{id}`
fn show(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let found = keys::read(&app, &visit).await?;
        let body = html! {
            (layout::card("What it may do", html! {}, html! {
                div.pad {
                    @match found.permissions.as_deref() {
                        None => p { "Everything on this account." },
                        Some([]) => p { "Nothing." },
                        Some(names) => ul { @for name in names { li { code { (Text(name)) } } } },
                    }
                }
            }))
            (layout::card("From where, and until when", html! {}, html! {
                div.pad.stack {
                    p {
                        @if found.ip_allowlist.is_empty() { "From every address." }
                        @else { "From " @for (index, one) in found.ip_allowlist.iter().enumerate() { @if index > 0 { ", " } code { (Text(one)) } } "." }
                    }
                    p { "Ends: " (keys::ends(&found, visit.now)) }
                    @if let Some(last) = &found.last_used { p { "Last used: " (time(last, visit.now)) } }
                }
            }))
        };
        Ok(key::page(&visit, &found, Tab::Overview, body))
    })
}
