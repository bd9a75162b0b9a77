//! A plan to end keys, and its result.

use maud::{Markup, html};
use serde::Deserialize;

use super::{END, HERE, kept};
use crate::pages::keys::{may, state};
use crate::pages::objects::{Key, Propagation};
use crate::pages::parts::actions::{Weight, form, link, submit};
use crate::pages::parts::fields::{self, Field};
use crate::pages::parts::table::{Column, pager, table};
use crate::pages::parts::text::{count, counted};
use crate::pages::parts::{Text, Tone, layout, message, time};
use crate::pages::visit::Visit;

/// `keyward.plan`.
#[derive(Debug, Deserialize)]
pub(super) struct Plan {
    id: String,
    count: u64,
    sample: Vec<Key>,
    skipped: Skipped,
    expires_at: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Skipped {
    file: u64,
    publishable: u64,
}

/// The same after it was carried out.
#[derive(Debug, Deserialize)]
pub(super) struct Revoked {
    revoked: u64,
    keyward: Members,
}

#[derive(Debug, Deserialize)]
struct Members {
    propagation: Option<Propagation>,
}

const COLUMNS: [Column; 4] = [
    Column::new("Name"),
    Column::new("Account"),
    Column::new("May"),
    Column::narrow("State"),
];

/// How many keys, which ones, and the field for the number.
pub(super) fn body(visit: &Visit, plan: &Plan, error: Option<&str>) -> Markup {
    let keys = counted(plan.count, "key", "keys");
    html! {
        (layout::head(Some((HERE, "Choose other keys")), &format!("End {keys}"), Some(html! { "This plan ends " (time(&plan.expires_at, visit.now)) ". If it matches other keys by then, nothing ends." }), html! {}))
        (skipped(&plan.skipped))
        @if plan.count == 0 {
            section.card { (message::empty("No key fits", html! { "No working key matches these conditions." }, link(Weight::Usual, HERE, "Choose other keys"))) }
        } @else {
            section.card {
                (table("Keys that end", &COLUMNS, &plan.sample.iter().map(row).collect::<Vec<_>>()))
                (pager(None, &shown(plan), None))
            }
            div.narrow.stack {
                (message::note(Tone::Warn, html! { p { strong { "This cannot be undone in one step." } " Gateways deny these keys at once. You can let a key work again on its own page." } }))
                (form(END, &html! { (visit.hidden()) input type="hidden" name="plan" value=(plan.id); input type="hidden" name="count" value=(plan.count); (kept(visit)) }, &html! {
                    (fields::code(&Field { name: "confirm", label: "Type the number of keys", hint: Some(&count(plan.count)), error, is_required: true, ..Field::default() }))
                    div.row {
                        (submit(Weight::Danger, &format!("End {keys}")))
                        (link(Weight::Quiet, HERE, "Cancel"))
                    }
                }))
            }
        }
    }
}

fn shown(plan: &Plan) -> String {
    let here = u64::try_from(plan.sample.len()).unwrap_or(plan.count);
    if here == plan.count {
        format!("All {} are shown", count(plan.count))
    } else {
        format!("{} of {} are shown", count(here), count(plan.count))
    }
}

fn row(key: &Key) -> Vec<Markup> {
    vec![
        html! {
            a href={"/console/keys/" (key.id)} { (Text(key.title())) }
            div { code.soft { (Text(key.redacted())) } }
        },
        html! { (Text(&key.keyward.owner)) div.small.soft { (key.mode()) } },
        may(key),
        state(key),
    ]
}

fn skipped(skipped: &Skipped) -> Markup {
    html! {
        @if skipped.file > 0 || skipped.publishable > 0 {
            (message::titled(Tone::Info, "Left out", html! {
                @if skipped.publishable > 0 { p { (counted(skipped.publishable, "publishable key", "publishable keys")) ": rotate them one by one." } }
                @if skipped.file > 0 { p { (counted(skipped.file, "key", "keys")) " from a file: end them on their own pages and in the file." } }
            }))
        }
    }
}

/// The ended keys, and how far that change has come.
pub(super) fn done(revoked: &Revoked, change: Option<u64>) -> Markup {
    let keys = counted(revoked.revoked, "key", "keys");
    let is_published = revoked
        .keyward
        .propagation
        .as_ref()
        .is_some_and(|come| come.state != "committed");
    html! {
        (layout::head(None, &format!("{keys} ended"), None, html! {}))
        div.narrow.stack {
            (message::note(Tone::Good, html! {
                p { "All of them ended in one step. The activity log has a row for each, and one for all." }
                p role="status" {
                    @match change {
                        Some(change) if !is_published => span data-poll={"/console/changes/" (change)} { "The change is on its way to the gateways." },
                        Some(_) | None => "Published. Gateways deny these keys within seconds.",
                    }
                }
            }))
            div.row {
                (link(Weight::Main, "/console/activity", "See the activity log"))
                (link(Weight::Usual, "/console/gateways", "See the gateways"))
            }
        }
    }
}
