//! The list of accounts: found by id or name.

use std::sync::Arc;

use maud::{Markup, html};

use super::object::{Account, path};
use crate::app::App;
use crate::pages::ask::Ask;
use crate::pages::objects::{List, cursor};
use crate::pages::parts::actions::{Weight, chip, link};
use crate::pages::parts::table::{Column, pager, table};
use crate::pages::parts::text::{count, counted};
use crate::pages::parts::{Text, fields, layout, message, state_badge};
use crate::pages::reply::PagePending;
use crate::pages::visit::Visit;
use crate::routes::Verb;

const HERE: &str = "/console/accounts";
const SHOWN: &str = "50";

/// The parameters that stay from page to page.
const FILTERS: [&str; 3] = ["q", "status", "root"];

/// `GET /console/accounts`
pub(crate) fn list(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let mut ask = Ask::get("/v2/keyward/accounts").query("limit", SHOWN);
        for (ours, theirs) in [
            ("q", "query"),
            ("status", "status"),
            ("root", "root"),
            ("page", "page"),
        ] {
            let text = visit.parameter(ours);
            if !text.is_empty() {
                ask = ask.query(theirs, text);
            }
        }
        let listed: List<Account> = visit.ask(&app, ask).await?.read()?;
        let body = html! {
            (layout::head(None, "Accounts", Some(html! { "Keys belong to accounts, and accounts can belong to an organization." }), html! {
                @if visit.may(Verb::Post, "/v2/keyward/accounts") { (link(Weight::Main, "/console/accounts/new", "Create account")) }
            }))
            (search(&visit))
            (found(&visit, &listed))
        };
        Ok(visit.page("Accounts", body))
    })
}

fn with(visit: &Visit, name: &str, value: &str) -> String {
    visit.filtered(HERE, &FILTERS, name, value)
}

fn search(visit: &Visit) -> Markup {
    let (status, root) = (visit.parameter("status"), visit.parameter("root"));
    let kept: Vec<(&str, &str)> = [("status", status), ("root", root)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let is_suspended = status == "suspended";
    html! {
        div.stack {
            (fields::search(HERE, "q", "Name, or start of the id", visit.parameter("q"), &kept))
            div.row {
                (chip("suspended", &with(visit, "status", if is_suspended { "" } else { "suspended" }), is_suspended))
                @if !root.is_empty() { (chip(&format!("tree of {root}"), &with(visit, "root", ""), true)) }
            }
        }
    }
}

const COLUMNS: [Column; 5] = [
    Column::new("Account"),
    Column::new("Belongs to"),
    Column::narrow("Keys"),
    Column::narrow("Policy"),
    Column::narrow("State"),
];

fn found(visit: &Visit, listed: &List<Account>) -> Markup {
    if listed.data.is_empty() {
        let is_filtered = FILTERS.iter().any(|name| !visit.parameter(name).is_empty());
        return html! {
            section.card {
                @if is_filtered {
                    (message::empty("No account matches", html! { "Search by part of the name, or by the start of the id." }, link(Weight::Usual, HERE, "Clear all filters")))
                } @else {
                    (message::empty("No accounts yet", html! { "An account is a customer, or a part of your own company. Its keys act on its behalf." }, link(Weight::Main, "/console/accounts/new", "Create account")))
                }
            }
        };
    }
    let rows: Vec<Vec<Markup>> = listed.data.iter().map(row).collect();
    let page = |url: Option<&str>| {
        let here = with(visit, "", "");
        let join = if here.contains('?') { '&' } else { '?' };
        cursor(url).map(|cursor| format!("{here}{join}page={cursor}"))
    };
    let older = page(listed.next_page_url.as_deref());
    let newer = page(listed.previous_page_url.as_deref());
    let shown = counted(
        u64::try_from(rows.len()).unwrap_or(0),
        "account",
        "accounts",
    );
    html! {
        div.card {
            (table("Accounts", &COLUMNS, &rows))
            (pager(newer.as_deref(), &shown, older.as_deref()))
        }
    }
}

pub(super) fn row(account: &Account) -> Vec<Markup> {
    vec![
        html! {
            a href=(account.path()) { (Text(account.title())) }
            div { code.soft { (Text(&account.id)) } }
        },
        html! {
            @match &account.parent {
                Some(parent) => {
                    a href=(path(parent)) { (Text(parent)) }
                    @if account.root != *parent { div.small.soft { "in " (Text(&account.root)) } }
                }
                None => span.soft { @if account.is_organization { "an organization" } @else { "itself" } }
            }
        },
        html! { span.num { (count(account.counts.in_use)) } },
        html! { (Text(&account.effective_policy)) @if account.policy.is_none() { div.small.soft { "inherited" } } },
        state_badge(&account.status),
    ]
}
