//! A page with every part, for looking at. `cargo test -p keyward-server --lib pages::parts::tests::an_example` writes it below the target folder with its stylesheet and script.

use keyward::management::Api;
use keyward::permission::AccessLevel;
use maud::{Markup, html};

use super::actions::{Weight, chip, link, menu, submit};
use super::fields::{self, Field};
use super::layout::{self, Frame};
use super::matrix::{self, Chosen, Matrix, Permission};
use super::message::{empty, note, titled};
use super::table::{Column, pager, table};
use super::time::{full, moment};
use super::{Tone, mark, pairs, state_badge, value};

pub(super) const NOW: u64 = 1_795_946_400;

const DAY: u64 = 24 * 60 * 60;

/// The catalogue's permissions, as the API gives them.
pub(crate) fn permissions() -> Vec<Permission> {
    let api = Api::stripe();
    let registry = &api.permissions;
    registry
        .iter()
        .map(|permission| Permission {
            name: registry.name(permission).to_owned(),
            label: registry.label(permission).map(str::to_owned),
            category: registry.category(permission).map(str::to_owned),
            levels: [AccessLevel::Read, AccessLevel::Write]
                .into_iter()
                .filter(|level| api.has_level(permission, *level))
                .map(|level| level.name().to_owned())
                .collect(),
            example: None,
            manages_keys: false,
            implies: registry
                .implied(permission)
                .iter()
                .map(|one| registry.name(*one).to_owned())
                .collect(),
        })
        .collect()
}

pub(super) fn chosen() -> Chosen {
    matrix::of_names(["charge_write", "customer_read", "invoice_read"])
}

pub(super) fn page() -> Markup {
    let frame = Frame {
        actor: "admin-with-a-rather-long-name@example.com".to_owned(),
        role: "operator".to_owned(),
        ends_in: 7 * 60 * 60 + 720,
        csrf: "token".to_owned(),
        path: "/console/keys".to_owned(),
        portal: None,
    };
    layout::page(
        &frame,
        "Keys",
        html! {
            (layout::head(None, "Keys", Some(html! { "1,204 keys in use, 9 end within 14 days" }), link(Weight::Main, "/console/create", "Create restricted key")))
            (note(Tone::Good, html! { p { "The key has ended. Gateways deny it." } }))
            (list())
            div.columns {
                (permissions_card())
                aside.stack.sticky { (aside()) }
            }
            (form())
            section.card { (empty("No keys yet", html! { "A key lets a server call your API. Make one with only the permissions it needs." }, link(Weight::Main, "/console/create", "Create restricted key"))) }
        },
    )
}

fn list() -> Markup {
    let columns = [
        Column::new("Name"),
        Column::new("Account"),
        Column::new("May"),
        Column::narrow("Last used"),
        Column::narrow("Expires"),
        Column::narrow("State"),
        Column::actions(),
    ];
    let row = |name: &str, end: &str, may: &str, state: &str, expires: u64| {
        vec![
            html! { a href="/console/keys/mk_1" { (super::Text(name)) } div.small.soft { code { "rk_live_****" (end) } " · restricted · live" } },
            html! { a href="/console/accounts/acct_1" { "acct_1" } div.small.soft { "Widgets Ltd" } },
            html! { (may) },
            moment(NOW - 120, NOW),
            moment(expires, NOW),
            state_badge(state),
            menu(
                name,
                &[
                    ("Edit", "/console/keys/mk_1/edit".to_owned()),
                    ("Rotate", "/console/keys/mk_1/rotate".to_owned()),
                ],
            ),
        ]
    };
    let long = "A name of some length that somebody wrote without thinking of tables, <script>alert(1)</script> \u{202e}and a direction mark";
    html! {
        div.stack {
            div.row { (fields::search("/console/keys", "query", "Name, id, last four or label", "", &[])) }
            div.row { (chip("live", "/console/keys", true)) (chip("expiring in 14 days", "/console/keys?expiring=14d", false)) (chip("no address limit", "/console/keys?x", false)) }
            div.card {
                (table("Keys", &columns, &[
                    row("Billing worker", "hixR", "Charges: write, 3 more", "active", NOW + 9 * DAY),
                    row(long, "9fQa", "set reports", "suspended", NOW + 100 * DAY),
                    row("Averyveryveryveryveryveryveryveryveryveryveryveryverylongwordthatnobodybreaks", "kBWW", "everything", "expired", NOW - 3 * DAY),
                ]))
                (pager(None, "50 shown of 1,204", Some("/console/keys?page=2")))
            }
        }
    }
}

fn permissions_card() -> Markup {
    let (permissions, chosen) = (permissions(), chosen());
    let was = matrix::of_names(["charge_read", "customer_write", "invoice_read"]);
    layout::card(
        "Permissions",
        html! { span.soft { "None, Read or Write for each" } },
        Matrix {
            permissions: &permissions,
            chosen: &chosen,
            was: Some(&was),
            prefix: "p",
        }
        .render(),
    )
}

fn aside() -> Markup {
    html! {
        (layout::card("This key will", html! {}, html! { div.pad { (matrix::summary("p", &permissions(), &chosen())) } }))
        (layout::card("About", mark(Tone::Warn, "expiring"), html! {
            div.pad { (pairs::pairs(&[
                ("Account", html! { a href="/console/accounts/acct_1" { "acct_1" } " Widgets Ltd" }),
                ("Made", full(NOW - DAY, NOW)),
                ("Id", html! { code { "mk_Bguz8mTlXp7JRHdN" } }),
            ])) }
        }))
    }
}

fn form() -> Markup {
    let field = Field::default();
    layout::card(
        "A form",
        html! {},
        html! {
            form.pad.stack method="post" action="/console/example" {
                (fields::text(&Field { name: "name", label: "Name", value: "Billing worker", is_required: true, ..field }))
                (fields::code(&Field { name: "owner", label: "Account", value: "acct_", error: Some("No account has this id."), hint: Some("The id of an account, such as acct_1."), ..field }))
                (fields::select(&Field { name: "expires", label: "Expires", value: "90d", ..field }, &[("7d", "in 7 days"), ("90d", "in 90 days"), ("never", "never")]))
                (fields::radios(&Field { name: "overlap", label: "The old key ends", value: "24h", ..field }, &[("0", "Now"), ("1h", "in 1 hour"), ("24h", "in 24 hours"), ("3d", "in 3 days"), ("7d", "in 7 days")], false))
                (fields::area(&Field { name: "ips", label: "Addresses", value: "203.0.113.0/24", hint: Some("One in a line."), ..field }, 4, true))
                (fields::check("shadow", "Start in shadow", false))
                (value::field("Value", "rk_test_FAKE-example-0001"))
                (titled(Tone::Warn, "Shown once", html! { p { "keyward does not keep it." } }))
                div.row.end {
                    (link(Weight::Quiet, "/console/keys", "Cancel"))
                    (link(Weight::Danger, "/console/keys/mk_1/expire", "End now"))
                    (submit(Weight::Main, "Create key"))
                }
            }
        },
    )
}
