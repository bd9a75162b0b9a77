//! An account: its place in the tree, its keys, and the accounts below it.

use std::sync::Arc;

use maud::{Markup, html};

use super::list::row;
use super::object::{Account, read};
use crate::app::App;
use crate::http::failure::{Code, Failure};
use crate::pages::ask::Ask;
use crate::pages::bounds::Bounds;
use crate::pages::objects::List;
use crate::pages::parts::actions::{Weight, button_form, link};
use crate::pages::parts::table::{Column, pager, table};
use crate::pages::parts::text::{count, counted};
use crate::pages::parts::{Text, Tone, layout, message, pairs, state_badge, time};
use crate::pages::reply::PagePending;
use crate::pages::visit::Visit;
use crate::routes::Verb;

/// How deep a tree the page shows; the rules allow no deeper one.
const DEEPEST: usize = 16;

/// `GET /console/accounts/{id}`
pub(crate) fn show(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let account = read(&app, &visit, &visit.target).await?;
        let above = above(&app, &visit, &account).await?;
        let ask = Ask::get("/v2/keyward/accounts")
            .query("parent", &account.id)
            .query("limit", "50");
        let below: List<Account> = visit.ask(&app, ask).await?.read()?;
        let is_warned = !account.is_suspended()
            && account.id != app.operator_account
            && Bounds::allow_nothing(&app, &visit, &account.id).await;
        let body = body(&visit, &account, &above, &below, is_warned);
        Ok(visit.page(account.title(), body))
    })
}

/// The accounts above, the root first.
async fn above(app: &Arc<App>, visit: &Visit, account: &Account) -> Result<Vec<Account>, Failure> {
    let mut above = Vec::new();
    let mut parent = account.parent.clone();
    while let Some(id) = parent.filter(|_| above.len() < DEEPEST) {
        let one = match read(app, visit, &id).await {
            Ok(one) => one,
            // This session cannot see that account.
            Err(failure) if failure.is(Code::ResourceMissing) => break,
            Err(failure) => return Err(failure),
        };
        parent = one.parent.clone();
        above.push(one);
    }
    above.reverse();
    Ok(above)
}

/// Said before someone chooses permissions that the account's policy refuses.
pub(in crate::pages) fn allows_nothing(visit: &Visit, account: &str) -> Markup {
    message::note(
        Tone::Warn,
        html! { p {
            "The policy of this account allows no permission, so its keys may do nothing. "
            @if visit.may(Verb::Post, "/v2/keyward/accounts/{id}") {
                a href={"/console/accounts/" (account) "/edit"} { "Choose another policy" }
                " first; " code { "operator" } " sets no limit."
            }
        } },
    )
}

fn body(
    visit: &Visit,
    account: &Account,
    above: &[Account],
    below: &List<Account>,
    is_warned: bool,
) -> Markup {
    let keys = format!("/console/keys?account={}", account.id);
    html! {
        (layout::head(Some(("/console/accounts", "Accounts")), account.title(), Some(html! {
            code { (Text(&account.id)) } " " (state_badge(&account.status))
        }), actions(visit, account)))
        @if account.is_suspended() {
            (message::titled(Tone::Bad, "Suspended", html! {
                p { "Gateways deny every key of this account, and every request that goes through it." }
                @if let Some(reason) = &account.suspended_reason { p { "Why: " (Text(reason)) } }
            }))
        }
        @if is_warned { (allows_nothing(visit, &account.id)) }
        div.columns {
            div.stack {
                (layout::card("Keys", html! { a href=(keys) { "All its keys" } }, html! {
                    div.pad.row {
                        span { (counted(account.counts.in_use, "key", "keys")) " not deleted, " (count(account.counts.deleted)) " deleted" }
                    }
                }))
                (layout::card("Accounts below", html! {}, children(below)))
            }
            aside.stack {
                (layout::card("About", html! {}, html! { div.pad { (about(visit, account, above)) } }))
            }
        }
    }
}

fn actions(visit: &Visit, account: &Account) -> Markup {
    let at = |page: &str| format!("{}/{page}", account.path());
    html! {
        @if visit.may(Verb::Post, "/v2/iam/api_keys") && !account.is_suspended() {
            (link(Weight::Main, &format!("/console/keys/new?account={}", account.id), "Create key"))
        }
        @if visit.may(Verb::Post, "/v2/keyward/accounts/{id}") {
            (link(Weight::Usual, &at("edit"), "Edit"))
        }
        @if account.is_suspended() && visit.may(Verb::Post, "/v2/keyward/accounts/{id}/resume") {
            (button_form(&at("resume"), &visit.hidden(), Weight::Usual, "Resume"))
        }
        @if !account.is_suspended() && visit.may(Verb::Post, "/v2/keyward/accounts/{id}/suspend") {
            (link(Weight::Danger, &at("suspend"), "Suspend"))
        }
    }
}

fn children(below: &List<Account>) -> Markup {
    const COLUMNS: [Column; 5] = [
        Column::new("Account"),
        Column::new("Belongs to"),
        Column::narrow("Keys"),
        Column::narrow("Policy"),
        Column::narrow("State"),
    ];
    if below.data.is_empty() {
        return html! { p.pad.soft { "No account is below this one." } };
    }
    let rows: Vec<Vec<Markup>> = below.data.iter().map(row).collect();
    let shown = if below.next_page_url.is_some() {
        "The newest 50 are shown. Search to find others.".to_owned()
    } else {
        counted(
            u64::try_from(rows.len()).unwrap_or(0),
            "account",
            "accounts",
        )
    };
    html! { (table("Accounts below", &COLUMNS, &rows)) (pager(None, &shown, None)) }
}

fn about(visit: &Visit, account: &Account, above: &[Account]) -> Markup {
    let mut rows = vec![(
        "Tree",
        html! {
            ul.stack.tight {
                @for one in above { li { a href=(one.path()) { (Text(one.title())) } } }
                li { strong { (Text(account.title())) } }
            }
        },
    )];
    rows.push((
        "Policy",
        html! { (Text(&account.effective_policy)) @if account.policy.is_none() { span.soft { " (inherited)" } } },
    ));
    if let Some(id) = &account.external_id {
        rows.push(("Id elsewhere", html! { code { (Text(id)) } }));
    }
    if let Some(created) = &account.created {
        rows.push(("Made", time(created, visit.now)));
    }
    if let Some(file) = account.source.strip_prefix("file:") {
        rows.push(("From", html! { (Text(file)) " · read only" }));
    }
    pairs::pairs(&rows)
}
