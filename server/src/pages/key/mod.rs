//! The pages of one key.

mod addresses;
mod asked;
mod delete;
mod details;
mod duplicate;
mod expire;
mod history;
mod overview;
mod permissions;
mod requests;
mod rotate;

use std::sync::Arc;

use axum::http::StatusCode;
use maud::{Markup, html};
use serde_json::{Value, json};

pub(super) use addresses::{form as addresses, save as save_addresses};
pub(super) use delete::{delete, form as delete_form};
pub(super) use details::{form as details, note, save as save_details};
pub(super) use duplicate::{duplicate, form as duplicate_form};
pub(super) use expire::{expire, form as expire_form};
pub(super) use history::show as history;
pub(super) use overview::{change, show, working};
pub(super) use permissions::{form as permissions, save as save_permissions};
pub(super) use requests::show as requests;
pub(super) use rotate::{form as rotate_form, rotate};

use super::ask::{Answered, Ask};
use super::check;
use super::entries::entries;
use super::keys;
use super::objects::Key;
use super::parts::actions::{Weight, link};
use super::parts::fields::{self, Field};
use super::parts::{Lines, Text, Tone, layout, message};
use super::reply::Reply;
use super::visit::Visit;
use super::wording;
use crate::app::App;
use crate::http::failure::{Code, Failure};
use crate::routes::Verb;

/// The parts of a key's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Requests,
    History,
}

/// A page of a key: its name, its state, its actions, and one of its parts.
pub(super) fn page(visit: &Visit, key: &Key, tab: Tab, body: Markup) -> Reply {
    let home = visit.key_home(&key.id);
    let at = |wanted: Tab| (tab == wanted).then_some("page");
    let actions = entries(visit, key);
    let body = html! {
        (layout::head(
            Some((visit.home(), visit.list_name())),
            key.title(),
            Some(html! {
                span.row { (keys::state(key)) code { (Text(key.redacted())) } span { (key.mode()) } }
            }),
            html! {
                @if key.keyward.state != "deleted" {
                    @for (label, href) in &actions {
                        (link(if *label == "Delete" { Weight::Danger } else { Weight::Usual }, href, label))
                    }
                }
            },
        ))
        nav.tabs aria-label="This key" {
            a href=(home) aria-current=[at(Tab::Overview)] { "Overview" }
            @if visit.may(Verb::Get, "/v2/keyward/api_keys/{id}/requests") {
                a href={(home) "/requests"} aria-current=[at(Tab::Requests)] { "Requests" }
            }
            @if visit.may(Verb::Get, "/v2/iam/activity_logs") {
                a href={(home) "/history"} aria-current=[at(Tab::History)] { "History" }
            }
        }
        (body)
    };
    visit.page(key.title(), body)
}

/// A page that asks for something about a key.
fn asking(visit: &Visit, key: &Key, title: &str, refused: Option<&Failure>, body: Markup) -> Reply {
    let home = visit.key_home(&key.id);
    let body = html! {
        (layout::head(
            Some((&home, key.title())),
            title,
            Some(html! { code { (Text(key.redacted())) } " · " (key.mode()) @if visit.is_tree() { " · " (Text(&key.keyward.owner)) } }),
            html! {},
        ))
        @if let Some(failure) = refused {
            @if failure.is(Code::ResourceChanged) {
                (message::titled(Tone::Warn, "Someone changed this key in the meantime", html! {
                    p { "Your changes were not saved, and are still in the form, next to the key's present values. Compare them, and save again." }
                }))
            } @else {
                (message::titled(Tone::Bad, "Nothing was changed", html! { p { (Lines(&wording::why(visit, failure))) } }))
            }
        }
        (body)
    };
    let status = match refused {
        None => StatusCode::OK,
        Some(failure) if failure.is(Code::ResourceChanged) => StatusCode::CONFLICT,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    visit.page_with(status, title, body)
}

/// The hidden fields of a form that changes a key: with the version that the person sees.
fn hidden(visit: &Visit, key: &Key) -> Markup {
    html! {
        (visit.hidden())
        input type="hidden" name="version" value=(check::version(visit, key.keyward.version));
    }
}

/// Why the change is made, for the history.
pub(super) fn reason(visit: &Visit, refused: Option<&Failure>) -> Markup {
    let wrong = refused.filter(|failure| wording::param(failure) == Some("keyward.reason"));
    fields::text(&Field {
        name: "reason",
        label: "Reason",
        value: visit.form.text("reason"),
        hint: Some("Optional. The history shows it."),
        error: wrong.map(Failure::message),
        ..Field::default()
    })
}

/// The end of each such form.
fn buttons(visit: &Visit, key: &Key, submit: Markup) -> Markup {
    html! {
        div.row { (submit) (link(Weight::Quiet, &visit.key_home(&key.id), "Cancel")) }
    }
}

/// The version that the person saw. A form without one does not come from keyward.
fn version(visit: &Visit) -> Result<Option<u64>, Failure> {
    let version = visit.form.text("version").parse().map_err(|_| {
        Failure::new(
            Code::FormRefused,
            "The form does not name the version of the key. Reload the page.",
        )
    })?;
    Ok(Some(version))
}

/// The body of a change, with the reason that the person gave.
pub(super) fn because(visit: &Visit, mut body: Value) -> Value {
    if let (Some(reason), Some(members)) = (visit.form.given("reason"), body.as_object_mut()) {
        let mine = members.entry("keyward").or_insert_with(|| json!({}));
        if let Some(mine) = mine.as_object_mut() {
            mine.insert("reason".to_owned(), json!(reason));
        }
    }
    body
}

/// Changes the key, as `POST /v2/iam/api_keys/{id}` does.
async fn update(app: &Arc<App>, visit: &Visit, body: Value) -> Result<Answered, Failure> {
    let ask = Ask::post("/v2/iam/api_keys/{id}")
        .target(&visit.target)
        .version(version(visit)?)
        .once(visit)
        .body(because(visit, body));
    visit.ask(app, ask).await
}

/// Back to the key's page.
fn home(visit: &Visit) -> Reply {
    Reply::see_other(visit.key_home(&visit.target))
}

/// The form again after the API refused it. Any other failure gets a separate page.
fn of_form(failure: Failure) -> Result<Failure, Failure> {
    let is_of_form = failure.status().is_client_error()
        && !failure.is(Code::ResourceMissing)
        && !failure.is(Code::MorePermissionsRequired);
    if is_of_form {
        Ok(failure)
    } else {
        Err(failure)
    }
}
