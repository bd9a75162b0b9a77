//! All grant sets: there are few.

use std::sync::Arc;

use maud::{Markup, html};

use super::{HERE, Set};
use crate::app::App;
use crate::pages::ask::Ask;
use crate::pages::objects::List;
use crate::pages::parts::actions::{Weight, link};
use crate::pages::parts::table::{Column, table};
use crate::pages::parts::text::counted;
use crate::pages::parts::{Text, layout, message};
use crate::pages::reply::PagePending;
use crate::pages::visit::Visit;
use crate::routes::Verb;

const COLUMNS: [Column; 3] = [
    Column::new("Name"),
    Column::new("May"),
    Column::narrow("Used by"),
];

/// How many permissions are named in a row.
const NAMED: usize = 4;

/// `GET /console/grant_sets`
pub(crate) fn list(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let ask = Ask::get("/v2/keyward/grant_sets");
        let sets: List<Set> = visit.ask(&app, ask).await?.read()?;
        let new = format!("{HERE}/new");
        let create = html! {
            @if visit.may(Verb::Post, "/v2/keyward/grant_sets") { (link(Weight::Main, &new, "Create grant set")) }
        };
        let body = html! {
            (layout::head(None, "Grant sets", Some(html! { "Named permissions. Keys that follow a set change with it." }), create))
            section.card {
                @if sets.data.is_empty() {
                    (message::empty("No grant sets yet", html! { "Make a set for permissions that many keys share. Changing the set changes all of these keys at once." }, link(Weight::Main, &new, "Create grant set")))
                } @else {
                    (table("Grant sets", &COLUMNS, &sets.data.iter().map(row).collect::<Vec<_>>()))
                }
            }
        };
        Ok(visit.page("Grant sets", body))
    })
}

fn row(set: &Set) -> Vec<Markup> {
    let named: Vec<&str> = set
        .permissions
        .iter()
        .take(NAMED)
        .map(String::as_str)
        .collect();
    let more = set.permissions.len().saturating_sub(named.len());
    vec![
        html! {
            a href=(set.path()) { (Text(&set.name)) }
            @if let Some(file) = set.file() { div.small.soft { "from " (Text(file)) " · read only" } }
        },
        html! {
            @if named.is_empty() { span.soft { "nothing" } }
            (Text(&named.join(", ")))
            @if more > 0 { span.soft { ", " (more) " more" } }
        },
        html! { @if set.used_by == 0 { span.soft { "no key" } } @else { (counted(set.used_by, "key", "keys")) } },
    ]
}
