//! Suspending an account, which stops all its keys at once, and resuming it.

use std::sync::Arc;

use axum::http::StatusCode;
use maud::{Markup, html};
use serde_json::json;

use super::object::{Account, path, read};
use crate::app::App;
use crate::pages::ask::Ask;
use crate::pages::parts::actions::{Weight, form, link, submit};
use crate::pages::parts::fields::{self, Field};
use crate::pages::parts::text::counted;
use crate::pages::parts::{Text, Tone, layout, message};
use crate::pages::reply::PagePending;
use crate::pages::reply::Reply;
use crate::pages::visit::Visit;

/// `GET /console/accounts/{id}/suspend`
pub(crate) fn ask(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let account = read(&app, &visit, &visit.target).await?;
        Ok(visit.page("Suspend account", body(&visit, &account, None)))
    })
}

/// `POST /console/accounts/{id}/suspend`
pub(crate) fn suspend(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let account = read(&app, &visit, &visit.target).await?;
        if visit.form.text("confirm") != account.id {
            let body = body(&visit, &account, Some("This is not the id of the account."));
            return Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, "Suspend account", body));
        }
        let ask = Ask::post("/v2/keyward/accounts/{id}/suspend")
            .target(&account.id)
            .body(json!({"reason": visit.form.given("reason")}))
            .once(&visit);
        visit.ask(&app, ask).await?;
        Ok(Reply::see_other(account.path()))
    })
}

/// `POST /console/accounts/{id}/resume`
pub(crate) fn resume(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let ask = Ask::post("/v2/keyward/accounts/{id}/resume")
            .target(&visit.target)
            .once(&visit);
        visit.ask(&app, ask).await?;
        Ok(Reply::see_other(path(&visit.target)))
    })
}

fn body(visit: &Visit, account: &Account, error: Option<&str>) -> Markup {
    let action = format!("{}/suspend", account.path());
    html! {
        (layout::head(Some((&account.path(), account.title())), "Suspend account", None, html! {}))
        div.narrow.stack {
            (message::note(Tone::Warn, html! {
                p { "Gateways deny every key of " strong { (Text(account.title())) } " (" (counted(account.counts.in_use, "key", "keys")) ") and of every account below it. Resuming lets all of them work again." }
            }))
            (form(&action, &visit.hidden(), &html! {
                (fields::text(&Field { name: "reason", label: "Why", value: visit.form.text("reason"), hint: Some("The account and the activity log show it."), ..Field::default() }))
                (fields::code(&Field { name: "confirm", label: "Type the account's id", hint: Some(&account.id), error, is_required: true, ..Field::default() }))
                div.row {
                    (submit(Weight::Danger, "Suspend"))
                    (link(Weight::Quiet, &account.path(), "Cancel"))
                }
            }))
        }
    }
}
