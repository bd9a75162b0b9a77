//! A grant set: its permissions, changed through the matrix, and its deletion.

use std::sync::Arc;

use maud::{Markup, html};
use serde_json::json;

use super::{HERE, Set};
use crate::app::App;
use crate::http::failure::{Code, Failure};
use crate::pages::ask::Ask;
use crate::pages::check::{self, Of, Preview};
use crate::pages::named::{self, Deletion};
use crate::pages::parts::actions::{Weight, link, submit};
use crate::pages::parts::fields::{self, Field};
use crate::pages::parts::matrix::{self, Chosen, Matrix, Permission};
use crate::pages::parts::text::counted;
use crate::pages::parts::{Tone, layout, message};
use crate::pages::reply::PagePending;
use crate::pages::reply::Reply;
use crate::pages::visit::Visit;
use crate::routes::Verb;

/// `GET /console/grant_sets/new`
pub(crate) fn form(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let permissions = named::permissions(&app, &visit).await?;
        let drawn = Drawn {
            set: None,
            chosen: &Chosen::new(),
            sent: Sent::Nothing,
            is_checked: false,
        };
        Ok(visit.page("Create grant set", body(&visit, &permissions, &drawn)))
    })
}

/// `GET /console/grant_sets/{id}`
pub(crate) fn show(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let set = read(&app, &visit).await?;
        let permissions = named::permissions(&app, &visit).await?;
        let chosen = matrix::of_names(set.permissions.iter().map(String::as_str));
        let drawn = Drawn {
            set: Some(&set),
            chosen: &chosen,
            sent: Sent::Nothing,
            is_checked: is_checked(&app, &visit, &set),
        };
        Ok(visit.page(&set.name, body(&visit, &permissions, &drawn)))
    })
}

/// `POST /console/grant_sets/new`
pub(crate) fn create(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let permissions = named::permissions(&app, &visit).await?;
        let chosen = matrix::read("p", &permissions, visit.form.fields());
        let body = json!({"name": visit.form.text("name"), "permissions": matrix::names(&chosen)});
        let ask = Ask::post("/v2/keyward/grant_sets").body(body).once(&visit);
        match visit.ask(&app, ask).await {
            Ok(_) => Ok(Reply::see_other(HERE)),
            Err(failure) => again(&app, &visit, &permissions, None, &chosen, failure),
        }
    })
}

/// `POST /console/grant_sets/{id}`
pub(crate) fn save(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let permissions = named::permissions(&app, &visit).await?;
        let chosen = matrix::read("p", &permissions, visit.form.fields());
        let body = json!({"permissions": matrix::names(&chosen)});
        if check::is_asked(&visit) {
            let set = read(&app, &visit).await?;
            return match check::ask(&app, &visit, Of::GrantSet, body).await {
                Ok(preview) => {
                    let drawn = Drawn {
                        set: Some(&set),
                        chosen: &chosen,
                        sent: Sent::Checked(&preview),
                        is_checked: true,
                    };
                    Ok(visit.page(&set.name, self::body(&visit, &permissions, &drawn)))
                }
                Err(failure) => again(&app, &visit, &permissions, Some(&set), &chosen, failure),
            };
        }
        visit.must_be_fresh()?;
        let ask = Ask::put("/v2/keyward/grant_sets/{name}")
            .target(&visit.target)
            .body(body)
            .version(visit.form.text("version").parse().ok())
            .once(&visit);
        match visit.ask(&app, ask).await {
            Ok(_) => Ok(Reply::see_other(HERE)),
            Err(failure) => {
                let set = read(&app, &visit).await?;
                again(&app, &visit, &permissions, Some(&set), &chosen, failure)
            }
        }
    })
}

/// Whether keys follow it whose requests can be checked.
fn is_checked(app: &App, visit: &Visit, set: &Set) -> bool {
    set.used_by > 0 && check::is_offered(app, visit, Of::GrantSet)
}

/// `GET /console/grant_sets/{id}/delete`
pub(crate) fn ask_to_remove(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let set = read(&app, &visit).await?;
        let in_use = (set.used_by > 0).then(|| html! {
            (counted(set.used_by, "key follows", "keys follow")) " this set. Give them their own permissions, or end them, before you remove it."
        });
        let deletion = Deletion {
            title: "Delete grant set",
            name: &set.name,
            path: &set.path(),
            version: set.version,
            in_use,
            free: "No key follows this set.",
        };
        Ok(deletion.page(&visit))
    })
}

/// `POST /console/grant_sets/{id}/delete`
pub(crate) fn remove(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(
        async move { named::remove(&app, &visit, "/v2/keyward/grant_sets/{name}", HERE).await },
    )
}

async fn read(app: &Arc<App>, visit: &Visit) -> Result<Set, Failure> {
    let ask = Ask::get("/v2/keyward/grant_sets/{name}").target(&visit.target);
    visit.ask(app, ask).await?.read()
}

/// The contents of a form: the set as it is, the choices, and what came of them.
struct Drawn<'a> {
    set: Option<&'a Set>,
    chosen: &'a Chosen,
    sent: Sent<'a>,
    is_checked: bool,
}

/// What came of a form.
#[derive(Clone, Copy)]
enum Sent<'a> {
    Nothing,
    Checked(&'a Preview),
    Refused(&'a Failure),
}

impl<'a> Drawn<'a> {
    fn refused(&self) -> Option<&'a Failure> {
        match self.sent {
            Sent::Refused(failure) => Some(failure),
            Sent::Nothing | Sent::Checked(_) => None,
        }
    }
}

fn again(
    app: &App,
    visit: &Visit,
    permissions: &[Permission],
    set: Option<&Set>,
    chosen: &Chosen,
    failure: Failure,
) -> Result<Reply, Failure> {
    let (status, failure) = named::refused(failure)?;
    let drawn = Drawn {
        set,
        chosen,
        sent: Sent::Refused(&failure),
        is_checked: set.is_some_and(|set| is_checked(app, visit, set)),
    };
    Ok(visit.page_with(status, "Grant set", body(visit, permissions, &drawn)))
}

fn body(visit: &Visit, permissions: &[Permission], drawn: &Drawn<'_>) -> Markup {
    let title = drawn
        .set
        .map_or("Create grant set", |set| set.name.as_str());
    let action = drawn.set.map_or_else(|| format!("{HERE}/new"), Set::path);
    let was = drawn
        .set
        .map(|set| matrix::of_names(set.permissions.iter().map(String::as_str)));
    let may_save = match drawn.set {
        Some(set) => set.file().is_none() && visit.may(Verb::Put, "/v2/keyward/grant_sets/{name}"),
        None => true,
    };
    html! {
        (layout::head(Some((HERE, "Grant sets")), title, drawn.set.map(used), html! {
            @if let Some(set) = drawn.set && visit.may(Verb::Delete, "/v2/keyward/grant_sets/{name}") && set.file().is_none() {
                (link(Weight::Danger, &format!("{}/delete", set.path()), "Delete"))
            }
        }))
        @if let Sent::Checked(preview) = drawn.sent { (check::result(visit, Of::GrantSet, preview)) }
        @if let Some(failure) = drawn.refused() {
            (message::failure(failure))
            @if failure.is(Code::ResourceChanged) {
                (message::note(Tone::Info, html! { p { "Someone else saved this set in the meantime. Your choice is still below, compared with the set as it is now. Save again to replace it." } }))
            }
        }
        @if let Some(file) = drawn.set.and_then(Set::file) {
            (message::note(Tone::Info, html! { p { "This set comes from " (super::super::parts::Text(file)) ". Change it there." } }))
        }
        form.stack method="post" action=(action) {
            (visit.hidden())
            @if let Some(set) = drawn.set {
                input type="hidden" name="version" value=(check::version(visit, set.version));
            } @else {
                div.narrow { (fields::text(&Field { name: "name", label: "Name", value: visit.form.text("name"), hint: Some("Letters, digits, and . _ -"), error: wrong(drawn, "name"), is_required: true })) }
            }
            div.columns {
                (layout::card("Permissions", html! {}, Matrix { permissions, chosen: drawn.chosen, was: was.as_ref(), prefix: "p" }.render()))
                div.stack.sticky {
                    (layout::card("Keys of this set will", html! {}, html! { div.pad { (matrix::summary("p", permissions, drawn.chosen)) } }))
                    @if let Some(set) = drawn.set.filter(|set| set.used_by > 0) {
                        (message::note(Tone::Warn, html! { p { "Saving changes " (counted(set.used_by, "key", "keys")) " at once." } }))
                    }
                    @if may_save {
                        div.bar { div.row {
                            (submit(Weight::Main, if drawn.set.is_some() { "Save" } else { "Create grant set" }))
                            (link(Weight::Quiet, HERE, "Cancel"))
                        } }
                        div.row { (check::button(drawn.is_checked)) }
                    }
                }
            }
        }
    }
}

fn used(set: &Set) -> Markup {
    html! {
        @if set.used_by == 0 { "No key follows this set." }
        @else { (counted(set.used_by, "key follows", "keys follow")) " this set." }
    }
}

fn wrong<'a>(drawn: &Drawn<'a>, field: &str) -> Option<&'a str> {
    drawn
        .refused()
        .filter(|failure| failure.param() == Some(field))
        .map(Failure::message)
}
