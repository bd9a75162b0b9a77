//! The list of keys: search, filters, and pages of fifty.

mod row;

use std::sync::Arc;

use maud::{Markup, html};

use crate::app::App;
use crate::http::failure::{Code, Failure};
use crate::pages::ask::Ask;
use crate::pages::bounds::Bounds;
use crate::pages::last_list;
use crate::pages::objects::{Key, List, cursor};
use crate::pages::parts::actions::{Weight, chip, link};
use crate::pages::parts::fields::{self, Field};
use crate::pages::parts::table::{Column, pager, table};
use crate::pages::parts::{Text, Tone, layout, message};
use crate::pages::reply::PagePending;
use crate::pages::visit::Visit;
use crate::routes::Verb;
use row::{COLUMNS, In, NEAR, row};
pub(in crate::pages) use row::{ends, may, state};

/// How many keys a page has.
const SHOWN: &str = "50";

/// The parameters of this page, in the order of its fields.
const FILTERS: &[&str] = &[
    "q",
    "account",
    "kind",
    "mode",
    "state",
    "ends",
    "permission",
    "label",
    "by",
];

/// The same in a portal, without the filters on what only operators know a key by.
const IN_PORTAL: &[&str] = &["q", "account", "mode", "state", "ends"];

fn filters(visit: &Visit) -> &'static [&'static str] {
    if visit.is_portal() {
        IN_PORTAL
    } else {
        FILTERS
    }
}

/// `GET /console/keys`, `GET /portal/keys`
pub(in crate::pages) fn list(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let asked = visit.ask(&app, question(&visit)).await;
        let (listed, refused) = match asked {
            Ok(answered) => (Some(answered.read::<List<Key>>()?), None),
            // The page shows an error in a filter next to it.
            Err(failure)
                if failure.status().is_client_error() && !failure.is(Code::RateLimited) =>
            {
                (None, Some(failure))
            }
            Err(failure) => return last_list::page(&app, &visit, failure),
        };
        let bounds = match visit.session.tenant() {
            Some(tenant) => match Bounds::read(&app, &visit, &tenant.account).await {
                Ok(bounds) => bounds,
                Err(failure) => return last_list::page(&app, &visit, failure),
            },
            None => None,
        };
        let may_create = visit.may(Verb::Post, "/v2/iam/api_keys");
        let has_room = bounds
            .as_ref()
            .is_none_or(|bounds| bounds.allows_new_keys(&visit))
            || visit.is_tree();
        let used = bounds.as_ref().and_then(|bounds| bounds.used(&visit));
        let body = html! {
            (layout::head(None, visit.list_name(), used.map(|used| html! { (used) }), html! {
                @if may_create && has_room { (create(&visit)) }
            }))
            @if may_create && !has_room {
                (message::note(Tone::Info, html! { p { "You have reached the number of keys. End or delete one that you do not use, or ask " (Text(visit.provider())) " for more." } }))
            }
            (search(&visit))
            @if let Some(failure) = &refused { (message::failure(failure)) }
            @if let Some(listed) = listed { (found(&visit, listed, may_create && has_room, app.requests.are_files())) }
        };
        app.last_lists.note(&visit.session.id, &body, visit.now);
        Ok(visit.page(visit.list_name(), body))
    })
}

fn create(visit: &Visit) -> Markup {
    let label = if visit.is_portal() {
        "Create key"
    } else {
        "Create restricted key"
    };
    link(Weight::Main, &format!("{}/new", visit.home()), label)
}

fn question(visit: &Visit) -> Ask {
    let mut ask = Ask::get("/v2/iam/api_keys").query("limit", SHOWN);
    for (ours, theirs) in [
        ("q", "query"),
        ("account", "owner"),
        ("kind", "kind"),
        ("permission", "has_permission"),
        ("by", "created_by"),
        ("page", "page"),
    ] {
        let text = visit.parameter(ours);
        let is_asked = ours == "page" || filters(visit).contains(&ours);
        if !text.is_empty() && is_asked {
            ask = ask.query(theirs, text);
        }
    }
    ask = match visit.parameter("mode") {
        "live" => ask.query("livemode", "true"),
        "test" => ask.query("livemode", "false"),
        _ => ask,
    };
    ask = match visit.parameter("state") {
        "" => ask,
        "all" => ask.query("include_expired", "true"),
        state => ask.query("state", state),
    };
    if visit.parameter("ends") == "14d" {
        let until = visit.now.saturating_add(NEAR);
        // A cursor belongs to its filter, which must not change from page to page.
        let day = until.saturating_sub(until % 86_400);
        ask = ask.query("expires_before", &crate::time::written(day));
    }
    let label = visit.parameter("label").replacen(':', "=", 1);
    if label.is_empty() || visit.is_portal() {
        ask
    } else {
        ask.query("label", &label)
    }
}

/// The address of the list with one parameter changed; it starts again at the first page.
fn with(visit: &Visit, name: &str, value: &str) -> String {
    visit.filtered(visit.home(), filters(visit), name, value)
}

/// Filters that one word sets: the parameter, its value, and the text for it.
const CHIPS: [(&str, &str, &str); 8] = [
    ("mode", "live", "live"),
    ("mode", "test", "test"),
    ("kind", "restricted", "restricted"),
    ("kind", "secret", "unrestricted"),
    ("ends", "14d", "ends within 14 days"),
    ("state", "expired", "expired"),
    ("state", "deleted", "deleted"),
    ("state", "all", "ended ones too"),
];

fn search(visit: &Visit) -> Markup {
    let kept: Vec<(&str, &str)> = filters(visit)
        .iter()
        .filter(|name| **name != "q")
        .map(|name| (*name, visit.parameter(name)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let written = |name: &'static str| visit.parameter(name);
    let more = ["account", "permission", "label", "by"];
    let more_is_used = more.iter().any(|name| !written(name).is_empty());
    html! {
        div.stack {
            (fields::search(visit.home(), "q", "Name, id or last four", written("q"), &kept))
            div.row {
                @for (name, value, says) in CHIPS.iter().copied().filter(|(name, _, _)| filters(visit).contains(name)) {
                    @let is_on = written(name) == value;
                    (chip(says, &with(visit, name, if is_on { "" } else { value }), is_on))
                }
                @for name in more {
                    @if !written(name).is_empty() && filters(visit).contains(&name) {
                        (chip(&format!("{}: {}", words(name), written(name)), &with(visit, name, ""), true))
                    }
                }
            }
            @if !visit.is_portal() { details open[more_is_used && visit.parameter("q").is_empty()] {
                summary { "More filters" }
                form.stack.pad method="get" action="/console/keys" {
                    @for name in ["q", "kind", "mode", "state", "ends"] {
                        @if !written(name).is_empty() { input type="hidden" name=(name) value=(written(name)); }
                    }
                    div.columns.four {
                        (fields::code(&Field { name: "account", label: "Account", value: written("account"), hint: Some("Its id, such as acct_1"), ..Field::default() }))
                        (fields::code(&Field { name: "permission", label: "May", value: written("permission"), hint: Some("charge_write; needs an account"), ..Field::default() }))
                        (fields::code(&Field { name: "label", label: "Label", value: written("label"), hint: Some("team, or team:billing"), ..Field::default() }))
                        (fields::code(&Field { name: "by", label: "Made by", value: written("by"), hint: Some("A key's id, or a person"), ..Field::default() }))
                    }
                    div.row { button.button type="submit" { "Apply" } }
                }
            } }
        }
    }
}

fn words(name: &str) -> &'static str {
    match name {
        "account" => "account",
        "permission" => "may",
        "label" => "label",
        _ => "made by",
    }
}

fn found(visit: &Visit, listed: List<Key>, may_create: bool, has_uses: bool) -> Markup {
    let is_filtered = filters(visit)
        .iter()
        .any(|name| !visit.parameter(name).is_empty());
    if listed.data.is_empty() {
        return if is_filtered || !visit.parameter("page").is_empty() {
            message::empty(
                "No key matches",
                html! { "No key matches these filters. The list leaves out ended keys unless you include them." },
                link(Weight::Usual, visit.home(), "Clear all filters"),
            )
        } else {
            let whose = match (visit.is_portal(), &visit.brand.name) {
                (true, Some(name)) => format!("the {name} API"),
                (true, None) => "the API".to_owned(),
                (false, _) => "your API".to_owned(),
            };
            message::empty(
                "No keys yet",
                html! { "A key lets a server call " (Text(&whose)) ". Make one with only the permissions it needs." },
                html! { @if may_create { (create(visit)) } },
            )
        };
    }
    let list = In {
        is_portal: visit.is_portal(),
        is_tree: visit.is_tree(),
        has_uses,
    };
    let count = listed.data.len();
    let columns: Vec<Column> = COLUMNS
        .iter()
        .filter(|(_, of)| of.is_shown(list))
        .map(|(column, _)| *column)
        .collect();
    let of_account = |owner: &str| with(visit, "account", owner);
    let rows: Vec<Vec<Markup>> = listed
        .data
        .into_iter()
        .map(|key| {
            let key = visit.seen(key);
            let cells = row(visit, &key, &of_account).into_iter().zip(&COLUMNS);
            cells
                .filter(|(_, (_, of))| of.is_shown(list))
                .map(|(cell, _)| cell)
                .collect()
        })
        .collect();
    let page = |url: Option<&str>| {
        let cursor = cursor(url)?;
        let here = with(visit, "", "");
        let join = if here.contains('?') { '&' } else { '?' };
        Some(format!("{here}{join}page={cursor}"))
    };
    let older = page(listed.next_page_url.as_deref());
    let newer = page(listed.previous_page_url.as_deref());
    let shown = if older.is_none() && newer.is_none() {
        crate::pages::parts::text::counted(u64::try_from(count).unwrap_or(0), "key", "keys")
    } else {
        format!("{count} shown, newest first")
    };
    html! {
        div.card {
            (table(visit.list_name(), &columns, &rows))
            (pager(newer.as_deref(), &shown, older.as_deref()))
        }
    }
}

/// The key of a path.
pub(in crate::pages) async fn read(app: &Arc<App>, visit: &Visit) -> Result<Key, Failure> {
    let ask = Ask::get("/v2/iam/api_keys/{id}").target(&visit.target);
    let key: Key = visit.ask(app, ask).await?.read()?;
    Ok(visit.seen(key))
}
