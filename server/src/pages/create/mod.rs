//! Creating a restricted key: its name, its permissions and its limits, on one page.

mod choices;
mod fields;
mod given;

use std::sync::Arc;

use axum::http::StatusCode;
use maud::{Markup, html};

use self::choices::Choices;
pub(in crate::pages) use self::fields::{IPS, IPS_NEEDED, ends, of_pairs, usual_ends};
use self::given::Given;
pub(in crate::pages) use self::given::{end, labels};
use super::ask::Ask;
use super::bounds::Bounds;
use super::objects::{Account, GrantSet, Key, List};
use super::parts::matrix::{self, Permission};
use super::parts::{Tone, layout, message};
use super::reply::PagePending;
use super::value::{self, Made};
use super::visit::Visit;
use super::wording;
use crate::app::App;
use crate::http::failure::Failure;
use crate::routes::Verb;

/// `GET /console/keys/new`
pub(super) fn form(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let choices = choices(&app, &visit, visit.parameter("account")).await?;
        let mut given = Given::new(&visit, &choices);
        start_from(&app, &visit, &choices, &mut given).await?;
        // If only one account exists next to the operator's, the key is that account's.
        let mut others = choices
            .accounts
            .iter()
            .filter(|one| one.id != app.operator_account);
        if let (true, Some(only), None) = (given.account.is_empty(), others.next(), others.next()) {
            given.account.clone_from(&only.id);
        }
        let allows_nothing = Bounds::allow_nothing(&app, &visit, &given.account).await;
        let body = html! {
            @if allows_nothing { div.narrow { (super::accounts::allows_nothing(&visit, &given.account)) } }
            (body(&visit, &choices, &given, None))
        };
        Ok(visit.page(title(&visit), body))
    })
}

/// `POST /console/keys/new`
pub(super) fn create(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let choices = choices(&app, &visit, visit.form.text("account")).await?;
        let given = Given::sent(&visit, &choices);
        let refused = match given.body(&visit) {
            Ok(body) => {
                let asked = visit
                    .ask(&app, Ask::post("/v2/iam/api_keys").body(body).once(&visit))
                    .await;
                match asked {
                    Ok(answered) => {
                        return value::page(&app, &visit, &answered, Made::Created).await;
                    }
                    Err(failure) => failure,
                }
            }
            Err(failure) => failure,
        };
        if let Some(reply) = value::shown_before(&visit, &refused) {
            return Ok(reply);
        }
        if refused.status().is_server_error() {
            return Err(refused);
        }
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let body = body(&visit, &choices, &given, Some(&refused));
        Ok(visit.page_with(status, title(&visit), body))
    })
}

/// The choices of the form.
async fn choices(app: &Arc<App>, visit: &Visit, account: &str) -> Result<Choices, Failure> {
    let permissions: List<Permission> = visit
        .ask(app, Ask::get("/v2/keyward/permissions"))
        .await?
        .read()?;
    let accounts = if visit.may(Verb::Get, "/v2/keyward/accounts") {
        let ask = Ask::get("/v2/keyward/accounts").query("limit", "100");
        visit.ask(app, ask).await?.read::<List<Account>>()?.data
    } else {
        Vec::new()
    };
    let sets = if visit.may(Verb::Get, "/v2/keyward/grant_sets") {
        let ask = Ask::get("/v2/keyward/grant_sets");
        visit.ask(app, ask).await?.read::<List<GrantSet>>()?.data
    } else {
        Vec::new()
    };
    let all = permissions.data;
    let Some(tenant) = visit.session.tenant() else {
        return Ok(Choices {
            bounds: None,
            account: String::new(),
            connected: all.clone(),
            permissions: all,
            accounts,
            sets,
        });
    };
    // An account that is not one of the person's is treated as missing.
    let account = if account.is_empty() {
        &tenant.account
    } else {
        account
    };
    let bounds = Bounds::read(app, visit, account).await?;
    let (permissions, connected) = match &bounds {
        Some(bounds) => (
            bounds.permissions(visit, &all),
            bounds.connected(visit, &all),
        ),
        None => (Vec::new(), Vec::new()),
    };
    Ok(Choices {
        bounds,
        account: account.to_owned(),
        permissions,
        connected,
        accounts,
        sets,
    })
}

/// The initial permissions: those of a set, or of another key.
async fn start_from(
    app: &Arc<App>,
    visit: &Visit,
    choices: &Choices,
    given: &mut Given,
) -> Result<(), Failure> {
    let from = visit.parameter("from");
    if visit.is_portal() {
        return Ok(());
    }
    if let Some(name) = from.strip_prefix("set:") {
        let set = choices.sets.iter().find(|set| set.name == name);
        if let Some(set) = set {
            given.own = matrix::of_names(set.permissions.iter().map(String::as_str));
        }
    } else if !from.is_empty() {
        let ask = Ask::get("/v2/iam/api_keys/{id}").target(from);
        let key: Key = visit.ask(app, ask).await?.read()?;
        let names = |list: &Option<Vec<String>>| {
            matrix::of_names(list.iter().flatten().map(String::as_str))
        };
        given.own = names(&key.permissions);
        given.connected = names(&key.connect_permissions);
        given.account = key.keyward.owner;
    }
    Ok(())
}

fn title(visit: &Visit) -> &'static str {
    if visit.is_portal() {
        "Create key"
    } else {
        "Create restricted key"
    }
}

fn body(visit: &Visit, choices: &Choices, given: &Given, refused: Option<&Failure>) -> Markup {
    html! {
        (layout::head(Some((visit.home(), visit.list_name())), title(visit), Some(html! { "A key for one purpose, with only the permissions, addresses and time it needs." }), html! {}))
        @if let Some(failure) = refused {
            (message::titled(Tone::Bad, "No key was made", html! {
                p { (super::parts::Lines(&wording::why(visit, failure))) }
                // A new account may do nothing until an operator grants it something.
                @if failure.name() == "policy_refused" && visit.may(Verb::Post, "/v2/keyward/accounts/{id}") {
                    p {
                        "Choose another policy for "
                        a href={"/console/accounts/" (given.account) "/edit"} target="_blank" { "the account" }
                        " (" code { "operator" } " sets no limit; it opens in a new tab). Then send this form again. It still has what you entered."
                    }
                }
            }))
        }
        (fields::whose(visit, choices))
        (fields::start(visit, choices, given))
        (fields::form(visit, choices, given, refused))
    }
}
