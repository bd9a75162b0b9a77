//! Forgetting the workers of a gateway that stopped asking: a person says that they are gone, so no change waits for them any more.

use std::sync::Arc;

use axum::http::StatusCode;
use maud::{Markup, html};

use super::ask::Ask;
use super::gateways::{GATEWAY, Gateway, HERE, forget_path};
use super::parts::actions::{Weight, form, link, submit};
use super::parts::fields::{self, Field};
use super::parts::text::counted;
use super::parts::{Text, Tone, layout, message};
use super::reply::{PagePending, Reply};
use super::visit::Visit;
use crate::app::App;
use crate::http::failure::Failure;

const TITLE: &str = "Forget workers";

/// `GET /console/gateways/{id}/forget`
pub(super) fn ask(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let gateway = read(&app, &visit).await?;
        Ok(visit.page(TITLE, body(&visit, &gateway, None)))
    })
}

/// `POST /console/gateways/{id}/forget`
pub(super) fn forget(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let gateway = read(&app, &visit).await?;
        if visit.form.text("confirm") != gateway.name {
            let body = body(
                &visit,
                &gateway,
                Some("This is not the name of the gateway."),
            );
            return Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, TITLE, body));
        }
        let ask = Ask::delete(GATEWAY).target(&gateway.name).once(&visit);
        visit.ask(&app, ask).await?;
        Ok(Reply::see_other(HERE))
    })
}

async fn read(app: &Arc<App>, visit: &Visit) -> Result<Gateway, Failure> {
    let ask = Ask::get(GATEWAY).target(&visit.target);
    visit.ask(app, ask).await?.read()
}

fn body(visit: &Visit, gateway: &Gateway, error: Option<&str>) -> Markup {
    html! {
        (layout::head(Some((HERE, "Gateways")), TITLE, None, html! {}))
        div.narrow.stack {
            (message::note(Tone::Warn, html! {
                p { (counted(gateway.workers.silent, "worker", "workers")) " of " strong { (Text(&gateway.name)) } " no longer asks for the feed. Forget them only if they have ended: a worker that is only cut off goes on with the keys that it has, and the server says that a change is everywhere without it." }
            }))
            (form(&forget_path(&gateway.name), &visit.hidden(), &html! {
                (fields::code(&Field { name: "confirm", label: "Type the gateway's name", hint: Some(&gateway.name), error, is_required: true, ..Field::default() }))
                div.row {
                    (submit(Weight::Danger, "Forget them"))
                    (link(Weight::Quiet, HERE, "Cancel"))
                }
            }))
        }
    }
}
