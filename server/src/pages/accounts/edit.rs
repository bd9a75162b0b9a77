//! Creating an account, and changing one.

use std::sync::Arc;

use axum::http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::object::{Account, path, read};
use crate::app::App;
use crate::http::failure::{Code, Failure};
use crate::pages::ask::Ask;
use crate::pages::objects::List;
use crate::pages::parts::actions::{Weight, form as post, link, submit};
use crate::pages::parts::fields::{self, Field};
use crate::pages::parts::{layout, message};
use crate::pages::reply::PagePending;
use crate::pages::reply::Reply;
use crate::pages::visit::Visit;
use crate::routes::Verb;

#[derive(Debug, Deserialize)]
struct Policy {
    name: String,
}

/// The form's members: those of an account, or what was sent.
struct Given {
    name: String,
    parent: String,
    policy: String,
    external_id: String,
}

impl Given {
    fn sent(visit: &Visit) -> Self {
        let text = |name| visit.form.text(name).to_owned();
        Self {
            name: text("name"),
            parent: text("parent"),
            policy: text("policy"),
            external_id: text("external_id"),
        }
    }

    fn of(account: &Account) -> Self {
        Self {
            name: account.name.clone().unwrap_or_default(),
            parent: account.parent.clone().unwrap_or_default(),
            policy: account.policy.clone().unwrap_or_default(),
            external_id: account.external_id.clone().unwrap_or_default(),
        }
    }

    /// The body for the API: an empty field is absent.
    fn body(&self) -> Value {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        json!({
            "name": some(&self.name),
            "parent": some(&self.parent),
            "policy": some(&self.policy),
            "external_id": some(&self.external_id),
        })
    }
}

/// `GET /console/accounts/new` and `GET /console/accounts/{id}/edit`
pub(crate) fn form(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let account = known(&app, &visit).await?;
        let mut given = account
            .as_ref()
            .map_or_else(|| Given::sent(&visit), Given::of);
        if account.is_none() {
            given.parent = visit.parameter("parent").to_owned();
        }
        let policies = policies(&app, &visit).await?;
        let body = body(&visit, account.as_ref(), &given, &policies, None);
        Ok(visit.page(title(account.as_ref()), body))
    })
}

/// `POST /console/accounts/new`
pub(crate) fn create(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let given = Given::sent(&visit);
        let mut body = given.body();
        if let Some(members) = body.as_object_mut() {
            if let Some(id) = visit.form.given("id") {
                members.insert("id".to_owned(), json!(id));
            }
            members.insert(
                "is_organization".to_owned(),
                json!(visit.form.has("is_organization")),
            );
        }
        let ask = Ask::post("/v2/keyward/accounts").body(body).once(&visit);
        match visit.ask(&app, ask).await {
            Ok(answered) => {
                let made: Account = answered.read()?;
                Ok(Reply::see_other(made.path()))
            }
            Err(failure) => again(&app, &visit, None, &given, failure).await,
        }
    })
}

/// `POST /console/accounts/{id}/edit`
pub(crate) fn save(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let given = Given::sent(&visit);
        let ask = Ask::post("/v2/keyward/accounts/{id}")
            .target(&visit.target)
            .body(given.body())
            .version(visit.form.text("version").parse().ok())
            .once(&visit);
        match visit.ask(&app, ask).await {
            Ok(_) => Ok(Reply::see_other(path(&visit.target))),
            Err(failure) => {
                let account = read(&app, &visit, &visit.target).await?;
                again(&app, &visit, Some(account), &given, failure).await
            }
        }
    })
}

/// The form with its sent values, and the reason for the refusal.
async fn again(
    app: &Arc<App>,
    visit: &Visit,
    account: Option<Account>,
    given: &Given,
    failure: Failure,
) -> Result<Reply, Failure> {
    if failure.status().is_server_error() {
        return Err(failure);
    }
    let policies = policies(app, visit).await?;
    let body = body(visit, account.as_ref(), given, &policies, Some(&failure));
    let status = if failure.is(Code::ResourceChanged) {
        StatusCode::CONFLICT
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    Ok(visit.page_with(status, title(account.as_ref()), body))
}

async fn known(app: &Arc<App>, visit: &Visit) -> Result<Option<Account>, Failure> {
    if visit.target.is_empty() {
        return Ok(None);
    }
    read(app, visit, &visit.target).await.map(Some)
}

async fn policies(app: &Arc<App>, visit: &Visit) -> Result<Vec<Policy>, Failure> {
    if !visit.may(Verb::Get, "/v2/keyward/key_policies") {
        return Ok(Vec::new());
    }
    let ask = Ask::get("/v2/keyward/key_policies");
    Ok(visit.ask(app, ask).await?.read::<List<Policy>>()?.data)
}

fn title(account: Option<&Account>) -> &'static str {
    if account.is_some() {
        "Edit account"
    } else {
        "Create account"
    }
}

fn body(
    visit: &Visit,
    account: Option<&Account>,
    given: &Given,
    policies: &[Policy],
    refused: Option<&Failure>,
) -> Markup {
    let (home, name) = match account {
        Some(account) => (account.path(), account.title()),
        None => ("/console/accounts".to_owned(), "Accounts"),
    };
    let action = match account {
        Some(account) => format!("{}/edit", account.path()),
        None => "/console/accounts/new".to_owned(),
    };
    let wrong = |field: &str| {
        refused
            .filter(|failure| failure.param() == Some(field))
            .map(Failure::message)
    };
    let mut options = vec![("", "inherited")];
    options.extend(
        policies
            .iter()
            .map(|policy| (policy.name.as_str(), policy.name.as_str())),
    );
    html! {
        (layout::head(Some((&home, name)), title(account), None, html! {}))
        div.narrow.stack {
            @if let Some(failure) = refused { (message::failure(failure)) }
            (post(&action, &html! {
                (visit.hidden())
                @if let Some(account) = account { input type="hidden" name="version" value=(account.version); }
            }, &html! {
                (fields::text(&Field { name: "name", label: "Name", value: &given.name, error: wrong("name"), ..Field::default() }))
                @if account.is_none() {
                    (fields::code(&Field { name: "id", label: "Id", value: visit.form.text("id"), hint: Some("Begins with acct_, or org_ for an organization. Leave it empty to get a new one."), error: wrong("id"), ..Field::default() }))
                    (fields::check("is_organization", "This is an organization: its keys may act for every account below it", visit.form.has("is_organization")))
                }
                (fields::code(&Field { name: "parent", label: "Belongs to", value: &given.parent, hint: Some("The id of the parent account. Leave it empty for an account at the top."), error: wrong("parent"), ..Field::default() }))
                (fields::select(&Field { name: "policy", label: "Policy", value: &given.policy, hint: Some("Limits what keys of this account may do. operator sets no limit; default allows no permission until someone changes it. Inherited: the parent account's policy, or default."), error: wrong("policy"), ..Field::default() }, &options))
                (fields::code(&Field { name: "external_id", label: "Id elsewhere", value: &given.external_id, hint: Some("Its id in your own database. It must be unique."), error: wrong("external_id"), ..Field::default() }))
                div.row {
                    (submit(Weight::Main, if account.is_some() { "Save" } else { "Create account" }))
                    (link(Weight::Quiet, &home, "Cancel"))
                }
            }))
        }
    }
}
