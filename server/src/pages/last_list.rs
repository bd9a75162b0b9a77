//! The list of keys that each session saw last. Pages show it if the store does not answer, so that
//! people keep the ids they work with.

use axum::http::StatusCode;
use maud::html;

use super::parts::{Tone, message, time};
use super::reply::Reply;
use super::visit::Visit;
use crate::app::App;
use crate::http::failure::Failure;

/// The page in place of a failure: with the list that the person saw last, if there is one.
pub(super) fn page(app: &App, visit: &Visit, failure: Failure) -> Result<Reply, Failure> {
    if failure.status() != StatusCode::SERVICE_UNAVAILABLE {
        return Err(failure);
    }
    let Some((list, at)) = app.last_lists.of(&visit.session.id, visit.now) else {
        return Err(failure);
    };
    let at = crate::time::written(at);
    let body = html! {
        (message::titled(Tone::Bad, "The store does not respond", html! {
            p { "Nothing was changed. Below is the list as you saw it " (time(&at, visit.now)) ". " a href=(visit.home()) { "Try again" } }
        }))
        (list)
    };
    Ok(visit.page_with(StatusCode::SERVICE_UNAVAILABLE, visit.list_name(), body))
}
