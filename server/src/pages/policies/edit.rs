//! A policy: all of it in one form, and its deletion.

use std::sync::Arc;

use maud::{Markup, html};
use serde_json::{Value, json};

use super::fields::Given;
use super::{HERE, Policy};
use crate::app::App;
use crate::http::failure::{Code, Failure};
use crate::pages::ask::Ask;
use crate::pages::named::{self, Deletion};
use crate::pages::parts::actions::{Weight, link, submit};
use crate::pages::parts::fields::{self, Field};
use crate::pages::parts::matrix::{self, Permission};
use crate::pages::parts::text::counted;
use crate::pages::parts::{Text, Tone, layout, message};
use crate::pages::reply::PagePending;
use crate::pages::reply::Reply;
use crate::pages::visit::Visit;
use crate::routes::Verb;

/// `GET /console/policies/new`: begins as `default` of a new store.
pub(crate) fn form(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let permissions = permissions(&app, &visit).await?;
        let usual = json!({
            "name": "", "accounts": 0, "version": 0, "kinds": ["restricted"], "modes": ["test", "live"],
            "permissions": [], "connect_permissions": [], "grant_sets": [], "free_choice": true,
            "max_lifetime": "366d", "default_lifetime": "90d", "max_keys": 50,
            "require_ip_allowlist": {"live": false, "test": false},
            "overlaps": ["0", "1h", "1d", "3d", "7d"], "delegation": "policy",
            "allow_delete": true, "allow_requests": true, "allow_activity": true,
        });
        let usual: Policy = serde_json::from_value(usual)
            .map_err(|_| Failure::new(Code::Internal, "The form cannot be shown."))?;
        let given = Given::of(&usual);
        Ok(visit.page(
            "Create policy",
            body(&visit, &permissions, None, &given, None),
        ))
    })
}

/// `GET /console/policies/{id}`
pub(crate) fn show(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let policy = read(&app, &visit).await?;
        let permissions = permissions(&app, &visit).await?;
        let given = Given::of(&policy);
        let shown = body(&visit, &permissions, Some(&policy), &given, None);
        Ok(visit.page(&policy.name, shown))
    })
}

/// `POST /console/policies/new`
pub(crate) fn create(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let permissions = permissions(&app, &visit).await?;
        let given = Given::sent(&visit.form, &permissions);
        let done = match given.body() {
            Ok(mut members) => {
                if let Value::Object(members) = &mut members {
                    members.insert("name".to_owned(), json!(visit.form.text("name")));
                }
                let ask = Ask::post("/v2/keyward/key_policies")
                    .body(members)
                    .once(&visit);
                visit.ask(&app, ask).await.map(|_| ())
            }
            Err(failure) => Err(failure),
        };
        match done {
            Ok(()) => Ok(Reply::see_other(HERE)),
            Err(failure) => again(&visit, &permissions, None, &given, failure),
        }
    })
}

/// `POST /console/policies/{id}`
pub(crate) fn save(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let permissions = permissions(&app, &visit).await?;
        let given = Given::sent(&visit.form, &permissions);
        let done = match given.body() {
            Ok(members) => {
                let ask = Ask::put("/v2/keyward/key_policies/{name}")
                    .target(&visit.target)
                    .body(members)
                    .version(visit.form.text("version").parse().ok())
                    .once(&visit);
                visit.ask(&app, ask).await.map(|_| ())
            }
            Err(failure) => Err(failure),
        };
        match done {
            Ok(()) => Ok(Reply::see_other(HERE)),
            Err(failure) => {
                let policy = read(&app, &visit).await?;
                again(&visit, &permissions, Some(&policy), &given, failure)
            }
        }
    })
}

/// `GET /console/policies/{id}/delete`
pub(crate) fn ask_to_remove(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let policy = read(&app, &visit).await?;
        let in_use = (policy.accounts > 0).then(|| html! {
            (counted(policy.accounts, "account has", "accounts have")) " this policy. Give them another one before you remove it."
        });
        let deletion = Deletion {
            title: "Delete policy",
            name: &policy.name,
            path: &policy.path(),
            version: policy.version,
            in_use,
            free: "No account names this policy.",
        };
        Ok(deletion.page(&visit))
    })
}

/// `POST /console/policies/{id}/delete`
pub(crate) fn remove(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(
        async move { named::remove(&app, &visit, "/v2/keyward/key_policies/{name}", HERE).await },
    )
}

async fn read(app: &Arc<App>, visit: &Visit) -> Result<Policy, Failure> {
    let ask = Ask::get("/v2/keyward/key_policies/{name}").target(&visit.target);
    visit.ask(app, ask).await?.read()
}

/// A ceiling has no permission that manages keys: no policy gives them.
async fn permissions(app: &Arc<App>, visit: &Visit) -> Result<Vec<Permission>, Failure> {
    let all = named::permissions(app, visit).await?.into_iter();
    Ok(all
        .filter(|one| one.category.as_deref() != Some("keyward"))
        .collect())
}

fn again(
    visit: &Visit,
    permissions: &[Permission],
    policy: Option<&Policy>,
    given: &Given,
    failure: Failure,
) -> Result<Reply, Failure> {
    let (status, failure) = named::refused(failure)?;
    let shown = body(visit, permissions, policy, given, Some(&failure));
    Ok(visit.page_with(status, "Policy", shown))
}

fn body(
    visit: &Visit,
    permissions: &[Permission],
    policy: Option<&Policy>,
    given: &Given,
    refused: Option<&Failure>,
) -> Markup {
    let title = policy.map_or("Create policy", |policy| policy.name.as_str());
    let action = policy.map_or_else(|| format!("{HERE}/new"), Policy::path);
    let was = policy.map(Given::of);
    let may_save = match policy {
        Some(_) => visit.may(Verb::Put, "/v2/keyward/key_policies/{name}"),
        None => true,
    };
    let wrong = |param: &str| {
        refused
            .filter(|failure| failure.param() == Some(param))
            .map(Failure::message)
    };
    html! {
        (layout::head(Some((HERE, "Policies")), title, policy.map(|policy| html! { (counted(policy.accounts, "account has", "accounts have")) " it by name." }), html! {
            @if let Some(policy) = policy && visit.may(Verb::Delete, "/v2/keyward/key_policies/{name}") {
                (link(Weight::Danger, &format!("{}/delete", policy.path()), "Delete"))
            }
        }))
        @if let Some(failure) = refused {
            (message::titled(Tone::Bad, "Nothing was changed", html! { p { (Text(failure.message())) } }))
            @if failure.is(Code::ResourceChanged) {
                (message::note(Tone::Info, html! { p { "Someone else saved this policy in the meantime. Your choice is still below. Save again to replace it." } }))
            }
        }
        form.stack method="post" action=(action) {
            (visit.hidden())
            div.columns {
                div.stack {
                    @if let Some(policy) = policy {
                        input type="hidden" name="version" value=(policy.version);
                    } @else {
                        (fields::text(&Field { name: "name", label: "Name", value: visit.form.text("name"), hint: Some("Letters, digits, and . _ -"), error: wrong("name"), is_required: true }))
                    }
                    (given.render(permissions, was.as_ref(), &wrong))
                }
                div.stack.sticky {
                    (layout::card("Keys may, at most", html! {}, html! { div.pad { (matrix::summary("p", permissions, &given.own())) } }))
                    p.small.soft { "A stricter policy ends no key. It limits later changes." }
                    @if may_save {
                        div.bar { div.row {
                            (submit(Weight::Main, if policy.is_some() { "Save" } else { "Create policy" }))
                            (link(Weight::Quiet, HERE, "Cancel"))
                        } }
                    }
                }
            }
        }
    }
}
