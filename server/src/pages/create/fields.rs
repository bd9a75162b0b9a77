//! The form: three steps that are all visible at once.

use maud::{Markup, html};

use super::choices::Choices;
use super::given::Given;
use crate::http::failure::Failure;
use crate::pages::bounds::{Bounds, Choice};
use crate::pages::objects::GrantSet;
use crate::pages::parts::actions::{Weight, link, submit};
use crate::pages::parts::fields::{self, Field};
use crate::pages::parts::matrix::{self, Matrix};
use crate::pages::parts::{Text, Tone, layout, message};
use crate::pages::visit::{Visit, minutes};
use crate::pages::wording;
use crate::routes::Verb;

/// In the portal of a tree, the account that gets the key. It is a separate form: the other choices depend on it.
pub(super) fn whose(visit: &Visit, choices: &Choices) -> Markup {
    let accounts: Vec<(&str, &str)> = choices
        .accounts
        .iter()
        .map(|one| (one.id.as_str(), one.name.as_deref().unwrap_or(&one.id)))
        .collect();
    html! {
        @if choices.bounds.is_some() && accounts.len() > 1 {
            form.stack.narrow method="get" action={(visit.home()) "/new"} {
                (fields::select(&Field { name: "account", label: "Account", value: &choices.account, ..Field::default() }, &accounts))
                div.row { (submit(Weight::Usual, "Make a key for this account")) }
            }
        }
    }
}

/// Where the permissions begin. A separate form: it reloads the page with them chosen.
pub(super) fn start(visit: &Visit, choices: &Choices, given: &Given) -> Markup {
    let from = visit.parameter("from");
    if choices.bounds.is_some() {
        return html! {};
    }
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
    let why = refused.map(|failure| wording::why(visit, failure));
    let wrong = |param: &str| {
        let is_of = refused.is_some_and(|failure| wording::param(failure) == Some(param));
        why.as_deref().filter(|_| is_of)
    };
    let is_free = choices
        .bounds
        .as_ref()
        .is_none_or(|bounds| bounds.free_choice);
    let presets = choices
        .bounds
        .as_ref()
        .map(|bounds| bounds.presets.as_slice())
        .unwrap_or_default();
    let matrix = Matrix {
        permissions: &choices.permissions,
        chosen: &given.own,
        was: None,
        prefix: "p",
    };
    html! {
        form.stack method="post" action={(visit.home()) "/new"} {
            (visit.hidden())
            div.columns.side {
                div.stack {
                    (layout::card("What it is", html! {}, html! { div.pad.stack { (identity(visit, choices, given, &wrong)) } }))
                    (layout::card("What it may do", html! {}, html! {
                        @if let Some(why) = wrong("permissions") { p.pad.error { (Text(why)) } }
                        (sets(presets, is_free, &given.set))
                        @if is_free { (matrix.render()) }
                    }))
                    @if !choices.connected.is_empty() { (connected(choices, given)) }
                    (layout::card("Addresses and end", html! {}, html! { div.pad.stack { (limits(visit, choices, given, &wrong)) } }))
                }
                div.stack.sticky {
                    @if is_free && presets.is_empty() { (layout::card("This key will", html! {}, html! {
                        div.pad.stack {
                            (matrix::summary("p", &choices.permissions, &given.own))
                            p.small.soft { "It may do only what you choose." }
                        }
                    })) }
                    div.bar { div.row { (submit(Weight::Main, "Create key")) (link(Weight::Quiet, visit.home(), "Cancel")) } }
                }
            }
        }
    }
}

/// The sets that are offered, each with what it allows.
fn sets(presets: &[GrantSet], is_free: bool, chosen: &str) -> Markup {
    html! {
        @if !presets.is_empty() {
            fieldset.pad.stack.tight {
                legend.unseen { "Set of permissions" }
                @if is_free {
                    label.choice { input type="radio" name="set" value="" checked[chosen.is_empty()]; span { "What is chosen below" } }
                }
                @for set in presets {
                    label.choice {
                        input type="radio" name="set" value=(set.name) checked[chosen == set.name];
                        span { b { (Text(&set.name)) } " " span.small.soft { (Text(&set.permissions.join(", "))) } }
                    }
                }
            }
        } @else if !is_free {
            p.pad { "No grant set is offered yet, so you cannot make a key." }
        }
    }
}

fn identity<'f>(
    visit: &Visit,
    choices: &Choices,
    given: &Given,
    wrong: &dyn Fn(&str) -> Option<&'f str>,
) -> Markup {
    let mut modes = vec![("test", "Test"), ("live", "Live")];
    if let Some(bounds) = &choices.bounds {
        let allowed = bounds.modes(visit);
        modes.retain(|(mode, _)| allowed.contains(mode) && bounds.has_room(*mode == "live"));
    }
    html! {
        (fields::text(&Field { name: "name", label: "Name", value: &given.name, hint: Some("Its purpose, such as Billing worker"), error: wrong("name"), is_required: true }))
        @if choices.bounds.is_some() {
            input type="hidden" name="account" value=(given.account);
        } @else { div.field {
            label for="account" { "Account" }
            input id="account" name="account" class="mono" list="accounts" value=(given.account) required autocomplete="off" spellcheck="false"
                aria-invalid=[wrong("keyward.owner").map(|_| "true")] aria-describedby="account-hint";
            datalist id="accounts" {
                @for account in &choices.accounts { option value=(account.id) { (Text(account.name.as_deref().unwrap_or_default())) } }
            }
            @if let Some(why) = wrong("keyward.owner") { p.error { (Text(why)) } }
            p.hint id="account-hint" {
                "The account that owns the key. Type an id, or choose one."
                // The operator's own is there from the beginning.
                @if choices.accounts.len() < 2 && visit.may(Verb::Post, "/v2/keyward/accounts") { " No customer has an account yet: " a href="/console/accounts/new" { "create an account" } " first." }
            }
        } }
        (fields::radios(
            &Field { name: "mode", label: "Mode", value: if given.is_live { "live" } else { "test" }, error: wrong("keyward.livemode"), ..Field::default() },
            &modes,
            false,
        ))
        @if !visit.is_fresh() && modes.iter().any(|(mode, _)| *mode == "live") {
            (message::note(Tone::Info, html! { p {
                @if visit.is_portal() { "You can make live keys within " (minutes(visit.fresh)) " of opening this page. To make one, go back and open the page again." }
                @else { "You can make live keys within " (minutes(visit.fresh)) " of signing in. To make one, sign in again with a new link." }
            } }))
        }
    }
}

fn connected(choices: &Choices, given: &Given) -> Markup {
    let matrix = Matrix {
        permissions: &choices.connected,
        chosen: &given.connected,
        was: None,
        prefix: "c",
    };
    html! {
        details.card open[!given.connected.is_empty()] {
            summary.pad { "On accounts connected to that account" }
            p.pad.soft { "For platforms: what the key may do if a request names a connected account." }
            (matrix.render())
        }
    }
}

/// The hint of the field for addresses.
pub(in crate::pages) const IPS: &str =
    "One per line: 203.0.113.7 or 203.0.113.0/24. Leave it empty to allow every address.";
pub(in crate::pages) const IPS_NEEDED: &str =
    "One per line: 203.0.113.7 or 203.0.113.0/24. At least one is required.";

fn limits<'f>(
    visit: &Visit,
    choices: &Choices,
    given: &Given,
    wrong: &dyn Fn(&str) -> Option<&'f str>,
) -> Markup {
    let bounds = choices.bounds.as_ref();
    let all_ends = bounds.map_or_else(usual_ends, Bounds::ends);
    let needs_ips = |bounds: &Bounds| {
        let mut modes = bounds.modes(visit).into_iter();
        modes.any(|mode| bounds.needs_addresses(mode == "live"))
    };
    let hint = if bounds.is_some_and(needs_ips) {
        IPS_NEEDED
    } else {
        IPS
    };
    let own = visit.address.map(|address| address.to_string());
    html! {
        (ends("Ends", &all_ends, &given.ends, &given.date, wrong("expires_at")))
        @if let Some(longest) = bounds.and_then(Bounds::longest) { p.small.soft { "A key lasts " (longest) "." } }
        (fields::area(&Field { name: "ips", label: "Addresses", value: &given.ips, hint: Some(hint), error: wrong("ip_allowlist"), ..Field::default() }, 3, true))
        @if let Some(own) = &own {
            p.small.soft { "You are at " code { (own) } ". " button.button.plain-link.js-only type="button" data-add=(own) data-to="ips" { "Add it" } }
        }
        details open[given.ipv6 || given.is_shadow || visit.form.given("reason").is_some() || !given.labels.is_empty() || !given.note.is_empty()] {
            summary { "More" }
            div.stack.pad {
                (fields::text(&Field { name: "note", label: "Note", value: &given.note, error: wrong("note"), ..Field::default() }))
                (fields::text(&Field { name: "reason", label: "Reason", value: visit.form.text("reason"), hint: Some("Why it is made. The history shows it."), error: wrong("keyward.reason"), ..Field::default() }))
                (fields::area(&Field { name: "labels", label: "Labels", value: &given.labels, hint: Some("One per line, such as team: billing"), error: wrong("keyward.labels"), ..Field::default() }, 2, true))
                (fields::check("ipv6", "Addresses may be IPv6", given.ipv6))
                @if !visit.is_portal() { (fields::check("shadow", "Shadow: log requests that the key may not make, but let them pass. For trying out permissions.", given.is_shadow)) }
            }
        }
    }
}

/// When a key ends, if no policy limits it.
pub(in crate::pages) fn usual_ends() -> Vec<Choice> {
    let all = [
        ("7", "in 7 days"),
        ("30", "in 30 days"),
        ("90", "in 90 days"),
        ("date", "on a day"),
        ("never", "never"),
    ];
    all.into_iter()
        .map(|(value, says)| (value.to_owned(), says.to_owned()))
        .collect()
}

/// Choices as fields take them.
pub(in crate::pages) fn of_pairs(choices: &[Choice]) -> Vec<(&str, &str)> {
    let all = choices.iter();
    all.map(|(value, says)| (value.as_str(), says.as_str()))
        .collect()
}

/// When a key ends. The server reads the date only if `on a day` is chosen.
pub(in crate::pages) fn ends(
    label: &str,
    choices: &[Choice],
    chosen: &str,
    date: &str,
    error: Option<&str>,
) -> Markup {
    html! {
        div.ends.stack {
        (fields::radios(
            &Field { name: "ends", label, value: chosen, error, ..Field::default() },
            &of_pairs(choices),
            false,
        ))
        @if choices.iter().any(|(value, _)| value == "date") {
            div.day { (fields::of_type(&Field { name: "date", label: "Last day", value: date, hint: Some("It works until the end of that day, UTC."), ..Field::default() }, "date")) }
        }
        }
    }
}
