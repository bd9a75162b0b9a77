//! The list of keys: search, filters, and pages of fifty.

use std::sync::Arc;

use maud::{Markup, html};

use super::ask::Ask;
use super::objects::{Key, List, cursor};
use super::parts::actions::{Weight, chip, link, menu};
use super::parts::fields::{self, Field};
use super::parts::table::{Column, pager, table};
use super::parts::{Text, Tone, layout, mark, message, state_badge, time};
use super::reply::PagePending;
use super::visit::Visit;
use crate::app::App;
use crate::http::failure::{Code, Failure};
use crate::http::query::{Pairs, written};
use crate::routes::Verb;

/// How many keys a page has.
const SHOWN: &str = "50";

/// Within how many days an end counts as near.
const NEAR: u64 = 14 * 86_400;

/// The parameters of this page, in the order of its fields.
const FILTERS: [&str; 9] = [
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

/// `GET /console/keys`
pub(super) fn list(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let asked = visit.ask(&app, question(&visit)).await;
        let (listed, refused) = match asked {
            Ok(answered) => (Some(answered.read::<List<Key>>()?), None),
            // What is wrong with a filter is said beside it.
            Err(failure)
                if failure.status().is_client_error() && !failure.is(Code::RateLimited) =>
            {
                (None, Some(failure))
            }
            Err(failure) => return Err(failure),
        };
        let body = html! {
            (layout::head(None, "Keys", None, html! {
                @if visit.may(Verb::Post, "/v2/iam/api_keys") {
                    (link(Weight::Main, "/console/keys/new", "Create restricted key"))
                }
            }))
            (search(&visit))
            @if let Some(failure) = &refused { (message::failure(failure)) }
            @if let Some(listed) = &listed { (found(&visit, listed)) }
        };
        Ok(visit.page("Keys", body))
    })
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
        if !text.is_empty() {
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
        // A cursor is of its filter, which must not change from page to page.
        let day = until.saturating_sub(until % 86_400);
        ask = ask.query("expires_before", &crate::time::written(day));
    }
    let label = visit.parameter("label").replacen(':', "=", 1);
    if label.is_empty() {
        ask
    } else {
        ask.query("label", &label)
    }
}

/// The address of the list with one parameter changed; its page begins anew.
fn with(visit: &Visit, name: &str, value: &str) -> String {
    let mut pairs: Pairs = FILTERS
        .iter()
        .filter_map(|filter| Some(((*filter).to_owned(), visit.query.get(*filter)?.clone())))
        .filter(|(_, text)| !text.is_empty())
        .collect();
    if value.is_empty() {
        pairs.remove(name);
    } else {
        pairs.insert(name.to_owned(), value.to_owned());
    }
    if pairs.is_empty() {
        "/console/keys".to_owned()
    } else {
        format!("/console/keys?{}", written(&pairs))
    }
}

/// Filters of which one word is enough: the parameter, its value, and what is said of it.
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
    let kept: Vec<(&str, &str)> = FILTERS
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
            (fields::search("/console/keys", "q", "Name, id or last four", written("q"), &kept))
            div.row {
                @for (name, value, says) in CHIPS {
                    @let is_on = written(name) == value;
                    (chip(says, &with(visit, name, if is_on { "" } else { value }), is_on))
                }
                @for name in more {
                    @if !written(name).is_empty() {
                        (chip(&format!("{}: {}", words(name), written(name)), &with(visit, name, ""), true))
                    }
                }
            }
            details open[more_is_used && visit.parameter("q").is_empty()] {
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
            }
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

fn found(visit: &Visit, listed: &List<Key>) -> Markup {
    let is_filtered = FILTERS.iter().any(|name| !visit.parameter(name).is_empty());
    if listed.data.is_empty() {
        return if is_filtered || !visit.parameter("page").is_empty() {
            message::empty(
                "No key matches",
                html! { "Nothing here fits all of these filters. Ended keys are left out unless you ask for them." },
                link(Weight::Usual, "/console/keys", "Clear all filters"),
            )
        } else {
            message::empty(
                "No keys yet",
                html! { "A key lets a server call your API. Make one with what it needs and nothing more." },
                link(Weight::Main, "/console/keys/new", "Create restricted key"),
            )
        };
    }
    let rows: Vec<Vec<Markup>> = listed.data.iter().map(|key| row(visit, key)).collect();
    let page = |url: Option<&str>| {
        let cursor = cursor(url)?;
        let here = with(visit, "", "");
        let join = if here.contains('?') { '&' } else { '?' };
        Some(format!("{here}{join}page={cursor}"))
    };
    let older = page(listed.next_page_url.as_deref());
    let newer = page(listed.previous_page_url.as_deref());
    let count = listed.data.len();
    let shown = if older.is_none() && newer.is_none() {
        super::parts::text::counted(u64::try_from(count).unwrap_or(0), "key", "keys")
    } else {
        format!("{count} shown, newest first")
    };
    html! {
        div.card {
            (table("Keys", &COLUMNS, &rows))
            (pager(newer.as_deref(), &shown, older.as_deref()))
        }
    }
}

const COLUMNS: [Column; 7] = [
    Column::new("Name"),
    Column::narrow("Kind"),
    Column::new("Account"),
    Column::new("May"),
    Column::narrow("Ends"),
    Column::narrow("State"),
    Column::actions(),
];

fn row(visit: &Visit, key: &Key) -> Vec<Markup> {
    let href = format!("/console/keys/{}", key.id);
    vec![
        html! {
            a href=(href) { (Text(key.title())) }
            div { code.soft { (Text(key.redacted())) } }
            @if let Some(file) = key.file() { div.small.soft { "from " (Text(file)) " · read only" } }
        },
        html! { (key.keyward.kind) div.small.soft { (key.mode()) } },
        html! { a.wrap href=(with(visit, "account", &key.keyward.owner)) { (Text(&key.keyward.owner)) } },
        may(key),
        ends(key, visit.now),
        state(visit, key),
        html! { @if key.is_in_use() { (menu(key.title(), &entries(visit, key))) } },
    ]
}

/// What a key may do, in a few words.
pub(super) fn may(key: &Key) -> Markup {
    let held = key.permissions.as_deref();
    html! {
        @match (&key.keyward.grant_set, held) {
            (Some(set), _) => { (Text(set)) span.soft { " (set)" } }
            (None, None) => "everything",
            (None, Some([])) => span.soft { "nothing" },
            (None, Some([only])) => (Text(only)),
            (None, Some([first, second])) => { (Text(first)) ", " (Text(second)) }
            (None, Some([first, rest @ ..])) => { (Text(first)) span.soft { ", " (rest.len()) " more" } }
        }
    }
}

/// When a key ends, and that it is soon.
pub(super) fn ends(key: &Key, now: u64) -> Markup {
    let Some(written) = key.expires_at.as_deref() else {
        return html! { span.soft { "never" } };
    };
    let is_near =
        crate::time::read(written).is_some_and(|end| end > now && end.saturating_sub(now) < NEAR);
    html! {
        (time(written, now))
        @if is_near && key.is_in_use() { " " (mark(Tone::Warn, "soon")) }
    }
}

/// A key's state, and what else one has to know of it at once.
pub(super) fn state(visit: &Visit, key: &Key) -> Markup {
    let is_replaced = key.keyward.replaced_by.is_some() && key.is_in_use();
    html! {
        (state_badge(if is_replaced { "replaced" } else { &key.keyward.state }))
        @if key.keyward.enforcement == "shadow" && !visit.is_portal() { " " (mark(Tone::Warn, "shadow")) }
    }
}

/// What can be done with a key.
pub(super) fn entries(visit: &Visit, key: &Key) -> Vec<(&'static str, String)> {
    let may_change = visit.may(Verb::Post, "/v2/iam/api_keys/{id}");
    let may_end = visit.may(Verb::Post, "/v2/iam/api_keys/{id}/expire");
    offered(key, may_change, may_end)
        .into_iter()
        .map(|(label, page)| (label, format!("{}/{page}", visit.key_home(&key.id))))
        .collect()
}

/// The entries, each with its page. An expired key offers only what still has an effect: a change to it would help nobody.
fn offered(key: &Key, may_change: bool, may_end: bool) -> Vec<(&'static str, &'static str)> {
    let is_secret = key.keyward.kind != "publishable";
    let is_in_use = key.is_in_use();
    let mut all = Vec::new();
    if may_change && key.file().is_none() {
        if is_secret && is_in_use {
            all.push(("Edit permissions", "edit"));
            all.push(("Limit addresses", "addresses"));
        }
        if is_in_use && key.keyward.replaced_by.is_none() {
            all.push(("Rotate", "rotate"));
        }
        if key.keyward.kind == "restricted" {
            all.push(("Duplicate", "duplicate"));
        }
    }
    if may_end {
        if is_in_use {
            all.push(("Expire", "expire"));
        }
        if is_secret {
            all.push(("Delete", "delete"));
        }
    }
    all
}

/// The key of a path.
pub(super) async fn read(app: &Arc<App>, visit: &Visit) -> Result<Key, Failure> {
    let ask = Ask::get("/v2/iam/api_keys/{id}").target(&visit.target);
    visit.ask(app, ask).await?.read()
}
