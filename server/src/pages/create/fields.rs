//! The form: three steps that are in sight at once.

use maud::{Markup, html};

use super::given::Given;
use crate::http::failure::Failure;
use crate::pages::objects::{Account, GrantSet};
use crate::pages::parts::actions::{Weight, link, submit};
use crate::pages::parts::fields::{self, Field};
use crate::pages::parts::matrix::{self, Matrix, Permission};
use crate::pages::parts::{Text, Tone, layout, message};
use crate::pages::visit::{Visit, minutes};
use crate::routes::Verb;

/// What can be chosen.
pub(super) struct Choices {
    pub(super) permissions: Vec<Permission>,
    pub(super) accounts: Vec<Account>,
    pub(super) sets: Vec<GrantSet>,
}

/// Where the permissions begin. A form of its own: it loads the page anew, with them chosen.
pub(super) fn start(visit: &Visit, choices: &Choices, given: &Given) -> Markup {
    let from = visit.parameter("from");
    html! {
        details open[!from.is_empty()] {
            summary { "Start from a grant set or another key" }
            form.row.pad method="get" action="/console/keys/new" {
                input type="hidden" name="account" value=(given.account);
                label for="from" { "Start from" }
                input id="from" name="from" class="mono" list="starts" value=(from) autocomplete="off" spellcheck="false" placeholder="set:support, or a key's id";
                datalist id="starts" { @for set in &choices.sets { option value={"set:" (set.name)} {} } }
                button.button type="submit" { "Use its permissions" }
            }
        }
    }
}

/// The form that makes the key.
pub(super) fn form(
    visit: &Visit,
    choices: &Choices,
    given: &Given,
    refused: Option<&Failure>,
) -> Markup {
    let wrong = |param: &str| {
        refused
            .filter(|failure| failure.param() == Some(param))
            .map(Failure::message)
    };
    let matrix = Matrix {
        permissions: &choices.permissions,
        chosen: &given.own,
        was: None,
        prefix: "p",
    };
    html! {
        form.stack method="post" action="/console/keys/new" {
            (visit.hidden())
            div.columns.side {
                div.stack {
                    (layout::card("What it is", html! {}, html! { div.pad.stack { (identity(visit, choices, given, &wrong)) } }))
                    (layout::card("What it may do", html! {}, html! {
                        @if let Some(why) = wrong("permissions") { p.pad.error { (Text(why)) } }
                        (matrix.render())
                    }))
                    (connected(choices, given))
                    (layout::card("From where, and until when", html! {}, html! { div.pad.stack { (limits(visit, given, &wrong)) } }))
                }
                div.stack.sticky {
                    (layout::card("This key will", html! {}, html! {
                        div.pad.stack {
                            (matrix::summary("p", &choices.permissions, &given.own))
                            p.small.soft { "What is not chosen it may not do." }
                        }
                    }))
                    div.row { (submit(Weight::Main, "Create key")) (link(Weight::Quiet, "/console/keys", "Cancel")) }
                }
            }
        }
    }
}

fn identity<'f>(
    visit: &Visit,
    choices: &Choices,
    given: &Given,
    wrong: &dyn Fn(&str) -> Option<&'f str>,
) -> Markup {
    html! {
        (fields::text(&Field { name: "name", label: "Name", value: &given.name, hint: Some("What it is for, such as Billing worker"), error: wrong("name"), is_required: true }))
        div.field {
            label for="account" { "Account" }
            input id="account" name="account" class="mono" list="accounts" value=(given.account) required autocomplete="off" spellcheck="false"
                aria-invalid=[wrong("keyward.owner").map(|_| "true")] aria-describedby="account-hint";
            datalist id="accounts" {
                @for account in &choices.accounts { option value=(account.id) { (Text(account.name.as_deref().unwrap_or_default())) } }
            }
            @if let Some(why) = wrong("keyward.owner") { p.error { (Text(why)) } }
            p.hint id="account-hint" {
                "Whose key it is. Type an id, or choose."
                // The operator's own is there from the beginning.
                @if choices.accounts.len() < 2 && visit.may(Verb::Post, "/v2/keyward/accounts") { " There is none of a customer yet: " a href="/console/accounts/new" { "create an account" } " first." }
            }
        }
        (fields::radios(
            &Field { name: "mode", label: "Mode", value: if given.is_live { "live" } else { "test" }, error: wrong("keyward.livemode"), ..Field::default() },
            &[("test", "Test"), ("live", "Live")],
            false,
        ))
        @if !visit.is_fresh() {
            (message::note(Tone::Info, html! { p { "Live keys are made within " (minutes(visit.fresh)) " of signing in. Open a new link first if you need one." } }))
        }
    }
}

fn connected(choices: &Choices, given: &Given) -> Markup {
    let matrix = Matrix {
        permissions: &choices.permissions,
        chosen: &given.connected,
        was: None,
        prefix: "c",
    };
    html! {
        details.card open[!given.connected.is_empty()] {
            summary.pad { "On accounts connected to that account" }
            p.pad.soft { "For platforms: what the key may do when a request names a connected account." }
            (matrix.render())
        }
    }
}

fn limits<'f>(visit: &Visit, given: &Given, wrong: &dyn Fn(&str) -> Option<&'f str>) -> Markup {
    let own = visit.address.map(|address| address.to_string());
    html! {
        (ends("Ends", &given.ends, &given.date, wrong("expires_at")))
        (fields::area(&Field { name: "ips", label: "Addresses", value: &given.ips, hint: Some("One on each line: 203.0.113.7 or 203.0.113.0/24. Empty: from everywhere."), error: wrong("ip_allowlist"), ..Field::default() }, 3, true))
        @if let Some(own) = &own {
            p.small.soft { "You are at " code { (own) } ". " button.button.plain-link.js-only type="button" data-add=(own) data-to="ips" { "Add it" } }
        }
        details open[given.ipv6 || given.is_shadow || !given.labels.is_empty() || !given.note.is_empty()] {
            summary { "More" }
            div.stack.pad {
                (fields::text(&Field { name: "note", label: "Note", value: &given.note, error: wrong("note"), ..Field::default() }))
                (fields::area(&Field { name: "labels", label: "Labels", value: &given.labels, hint: Some("team: billing, one on each line"), error: wrong("keyward.labels"), ..Field::default() }, 2, true))
                (fields::check("ipv6", "Addresses may be IPv6", given.ipv6))
                (fields::check("shadow", "Shadow: let pass what it may not do, and log it. For trying out permissions.", given.is_shadow))
            }
        }
    }
}

/// When a key ends. The date is looked at where `on a day` is chosen.
pub(in crate::pages) fn ends(label: &str, chosen: &str, date: &str, error: Option<&str>) -> Markup {
    html! {
        div.ends.stack {
        (fields::radios(
            &Field { name: "ends", label, value: chosen, error, ..Field::default() },
            &[("7", "in 7 days"), ("30", "in 30 days"), ("90", "in 90 days"), ("date", "on a day"), ("never", "never")],
            false,
        ))
        div.day { (fields::of_type(&Field { name: "date", label: "Last day", value: date, hint: Some("It works until the end of that day, UTC."), ..Field::default() }, "date")) }
        }
    }
}
