//! What the pages of grant sets and of policies have in common: both are known by their names, and are saved as a whole.

use std::sync::Arc;

use axum::http::StatusCode;
use maud::{Markup, html};

use super::ask::Ask;
use super::objects::List;
use super::parts::actions::{Weight, form, link, submit};
use super::parts::matrix::Permission;
use super::parts::{Tone, layout, message};
use super::reply::Reply;
use super::visit::Visit;
use crate::app::App;
use crate::http::failure::{Code, Failure};

/// All permissions that there are.
pub(super) async fn permissions(app: &Arc<App>, visit: &Visit) -> Result<Vec<Permission>, Failure> {
    let ask = Ask::get("/v2/keyward/permissions");
    let all: List<Permission> = visit.ask(app, ask).await?.read()?;
    Ok(all.data)
}

/// The status of a form that is shown again with the reason for its refusal. A fault of the server has a page without the form.
pub(super) fn refused(failure: Failure) -> Result<(StatusCode, Failure), Failure> {
    if failure.status().is_server_error() {
        return Err(failure);
    }
    let status = if failure.is(Code::ResourceChanged) {
        StatusCode::CONFLICT
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    Ok((status, failure))
}

/// A page that asks before it deletes.
pub(super) struct Deletion<'a> {
    pub(super) title: &'a str,
    pub(super) name: &'a str,
    /// The page of what is deleted.
    pub(super) path: &'a str,
    pub(super) version: u64,
    /// What still uses it, and so prevents the deletion.
    pub(super) in_use: Option<Markup>,
    /// The text if nothing does.
    pub(super) free: &'a str,
}

impl Deletion<'_> {
    pub(super) fn page(&self, visit: &Visit) -> Reply {
        let path = self.path;
        let body = html! {
            (layout::head(Some((path, self.name)), self.title, None, html! {}))
            div.narrow.stack {
                @if let Some(in_use) = &self.in_use {
                    (message::note(Tone::Bad, html! { p { (in_use) } }))
                    div.row { (link(Weight::Usual, path, "Back")) }
                } @else {
                    p { (self.free) }
                    (form(&format!("{path}/delete"), &html! {
                        (visit.hidden())
                        input type="hidden" name="version" value=(self.version);
                    }, &html! {
                        div.row { (submit(Weight::Danger, "Delete")) (link(Weight::Quiet, path, "Cancel")) }
                    }))
                }
            }
        };
        visit.page(self.title, body)
    }
}

/// Deletes what the path names, in the version that was seen, and shows the list.
pub(super) async fn remove(
    app: &Arc<App>,
    visit: &Visit,
    endpoint: &'static str,
    list: &str,
) -> Result<Reply, Failure> {
    let ask = Ask::delete(endpoint)
        .target(&visit.target)
        .version(visit.form.text("version").parse().ok())
        .once(visit);
    visit.ask(app, ask).await?;
    Ok(Reply::see_other(list))
}
