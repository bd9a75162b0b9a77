//! Deleting a key, which cannot be undone.

use std::sync::Arc;

use maud::html;

use super::requests::used_within;
use super::{asking, buttons, hidden, home, of_form};
use crate::app::App;
use crate::http::failure::{Code, Failure};
use crate::pages::ask::Ask;
use crate::pages::keys;
use crate::pages::objects::Key;
use crate::pages::parts::actions::{Weight, submit};
use crate::pages::parts::fields::{self, Field};
use crate::pages::parts::{Text, Tone, message, text};
use crate::pages::reply::PagePending;
use crate::pages::reply::Reply;
use crate::pages::visit::Visit;

/// `GET /console/keys/{id}/delete`
pub(in crate::pages) fn form(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let used = used_within(&app, &visit, 3_600).await;
        Ok(page(&visit, &key, used, None))
    })
}

/// `POST /console/keys/{id}/delete`
pub(in crate::pages) fn delete(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let confirmed = visit.form.text("confirm");
        let deleted = if confirmed == key.title().trim() || confirmed == key.id {
            let ask = Ask::delete("/v2/keyward/api_keys/{id}").target(&visit.target);
            visit.ask(&app, ask).await
        } else {
            Err(Failure::new(
                Code::ParameterInvalid,
                "You typed neither the key's name nor its id.",
            )
            .at("confirm"))
        };
        match deleted {
            Ok(_) => Ok(home(&visit)),
            Err(failure) => Ok(page(&visit, &key, None, Some(&of_form(failure)?))),
        }
    })
}

fn page(visit: &Visit, key: &Key, used: Option<u64>, refused: Option<&Failure>) -> Reply {
    let at = |page: &str| format!("{}/{page}", visit.key_home(&key.id));
    let body = html! {
        div.narrow {
        (message::note(Tone::Bad, html! {
            p { "Requests with this key fail at once, with the reason that it was deleted. This cannot be undone." }
            @if let Some(count) = used.filter(|count| *count > 0) {
                p { "It is in use: " (text::counted(count, "request", "requests")) " within the last hour. " a href=(at("rotate")) { "Rotate it instead" } "." }
            }
        }))
        }
        form.stack.narrow method="post" action=(at("delete")) {
            (hidden(visit, key))
            p { "To delete it, type its name: " b.wrap { (Text(key.title())) } }
            (fields::text(&Field { name: "confirm", label: "Name or id of the key", value: "", error: refused.filter(|failure| failure.param() == Some("confirm")).map(Failure::message), is_required: true, ..Field::default() }))
            (buttons(visit, key, submit(Weight::Danger, "Delete this key")))
        }
    };
    asking(visit, key, "Delete", refused, body)
}
