//! What gateways are given, and how far they are.

use std::sync::Arc;

use maud::{Markup, html};
use serde::Deserialize;

use super::ask::Ask;
use super::parts::text::{count, counted};
use super::parts::time::full;
use super::parts::{Text, Tone, layout, mark, message, pairs};
use super::reply::PagePending;
use super::visit::Visit;
use crate::app::App;

#[derive(Deserialize)]
struct Snapshot {
    behind: u64,
    revision: u64,
    source: String,
    through: u64,
}

/// `GET /console/gateways`
pub(super) fn show(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let ask = Ask::get("/v2/keyward/snapshots/current");
        let snapshot: Snapshot = visit.ask(&app, ask).await?.read()?;
        Ok(visit.page("Gateways", body(&visit, &snapshot)))
    })
}

fn body(visit: &Visit, snapshot: &Snapshot) -> Markup {
    let state = if snapshot.behind == 0 {
        mark(Tone::Good, "published")
    } else {
        mark(Tone::Warn, "behind")
    };
    html! {
        (layout::head(None, "Gateways", Some(html! { "What was published last, and what gateways can have by now." }), html! {}))
        (layout::card("The newest snapshot", state, html! {
            div.pad.stack {
                @if snapshot.behind > 0 {
                    (message::note(Tone::Warn, html! { p { (counted(snapshot.behind, "change is", "changes are")) " not published yet. A publication that fails is tried again each second; why it failed stands in the server's log." } }))
                }
                (pairs::wide(&[
                    ("Revision", html! { span.num { (snapshot.revision) } div.soft { (full(snapshot.revision, visit.now)) } }),
                    ("Goes through", html! { "change " span.num { (count(snapshot.through)) } }),
                    ("Not published", html! { (counted(snapshot.behind, "change", "changes")) }),
                    ("Source", html! { code { (Text(&snapshot.source)) } }),
                ]))
            }
        }))
        (layout::card("Which gateway serves it", html! {}, html! {
            div.pad.stack {
                p { "This server publishes to the files in its configuration, and gateways watch them by themselves. It is not told what each of them has loaded." }
                p { "Ask the gateways: this waits until every worker serves the newest snapshot, and names what does not." }
                pre { code { "keyward wait --revision " (snapshot.revision) " --admin http://127.0.0.1:9901" } }
            }
        }))
    }
}
