//! All policies: there are few.

use std::sync::Arc;

use maud::{Markup, html};

use super::{HERE, Policy};
use crate::app::App;
use crate::pages::ask::Ask;
use crate::pages::objects::List;
use crate::pages::parts::actions::{Weight, link};
use crate::pages::parts::table::{Column, table};
use crate::pages::parts::text::counted;
use crate::pages::parts::{Text, layout};
use crate::pages::reply::PagePending;
use crate::pages::visit::Visit;
use crate::routes::Verb;

const COLUMNS: [Column; 4] = [
    Column::new("Name"),
    Column::new("Keys may"),
    Column::new("Limits"),
    Column::narrow("Accounts"),
];

/// How many permissions are named in a row.
const NAMED: usize = 3;

/// `GET /console/policies`
pub(crate) fn list(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let ask = Ask::get("/v2/keyward/key_policies");
        let policies: List<Policy> = visit.ask(&app, ask).await?.read()?;
        let create = html! {
            @if visit.may(Verb::Post, "/v2/keyward/key_policies") {
                (link(Weight::Main, &format!("{HERE}/new"), "Create policy"))
            }
        };
        let rows: Vec<_> = policies.data.iter().map(row).collect();
        let body = html! {
            (layout::head(None, "Policies", Some(html! { "What accounts, and people in their portals, may do with their own keys." }), create))
            section.card { (table("Policies", &COLUMNS, &rows)) }
        };
        Ok(visit.page("Policies", body))
    })
}

fn row(policy: &Policy) -> Vec<Markup> {
    let limits = [
        policy
            .max_lifetime
            .as_ref()
            .map(|span| format!("at most {span}")),
        policy.max_keys.map(|most| format!("{most} keys a mode")),
    ];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    vec![
        html! { a href=(policy.path()) { (Text(&policy.name)) } },
        html! {
            @match policy.permissions.as_deref() {
                None => "everything except managing keys",
                Some([]) => span.soft { "nothing" },
                Some(names) => {
                    (Text(&names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ")))
                    @if names.len() > NAMED { span.soft { ", " (names.len().saturating_sub(NAMED)) " more" } }
                }
            }
            @if !policy.grant_sets.is_empty() { div.small.soft { "sets: " (Text(&policy.grant_sets.join(", "))) } }
        },
        html! { @if limits.is_empty() { span.soft { "none" } } (limits.join(", ")) },
        html! { @if policy.accounts == 0 { span.soft { "none by name" } } @else { (counted(policy.accounts, "account", "accounts")) } },
    ]
}
