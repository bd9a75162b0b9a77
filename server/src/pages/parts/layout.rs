//! The document around a page.

use std::sync::Arc;

use maud::{DOCTYPE, Markup, html};

use super::time::span;
use super::{Text, brand};
use crate::brand::Brand;
use crate::pages::assets::{CSS, JS};
use crate::pages::place::{CONSOLE, PORTAL, Place};
use crate::store::SessionKind;

/// Who views the page, and where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    /// The person, as the link names them.
    pub(crate) actor: String,
    pub(crate) role: String,
    /// Seconds until the session ends.
    pub(crate) ends_in: u64,
    /// The token that forms of this session carry.
    pub(crate) csrf: String,
    /// The path that is shown.
    pub(crate) path: String,
    /// The portal of the page, if it is in one.
    pub(crate) portal: Option<InPortal>,
}

/// The head of a portal's page.
#[derive(Clone, Debug)]
pub(crate) struct InPortal {
    /// The account, as people call it.
    pub(crate) account: String,
    /// The page that the person came from.
    pub(crate) return_url: Option<String>,
    pub(crate) brand: Arc<Brand>,
}

/// The parts of the console, in their order.
const SECTIONS: &[(&str, &str)] = &[
    ("Keys", "/console/keys"),
    ("Accounts", "/console/accounts"),
    ("Grant sets", "/console/grant_sets"),
    ("Policies", "/console/policies"),
    ("Leaked key", "/console/lookup"),
    ("Incident", "/console/incident"),
    ("Activity", "/console/activity"),
    ("Gateways", "/console/gateways"),
    ("Sessions", "/console/sessions"),
];

/// A page for a person who is signed in.
pub(crate) fn page(frame: &Frame, title: &str, body: Markup) -> Markup {
    if let Some(portal) = &frame.portal {
        return in_portal(frame, portal, title, body);
    }
    let here = SECTIONS
        .iter()
        .find(|(_, path)| frame.path.starts_with(path));
    document(
        title,
        None,
        html! {
            header {
                div.top {
                    (keyward("/console/keys"))
                    div.who {
                        span { (Text(&frame.actor)) " · " (Text(&frame.role)) " · " span title="until this session ends" { (span(frame.ends_in)) " left" } }
                        form method="post" action="/console/leave" {
                            input type="hidden" name="csrf" value=(frame.csrf);
                            button.button type="submit" { "Sign out" }
                        }
                    }
                }
                nav.nav aria-label="Console" {
                    details {
                        summary { span aria-hidden="true" { "☰" } (here.map_or("Menu", |(name, _)| name)) }
                        ul {
                            @for (name, path) in SECTIONS {
                                li { a href=(path) aria-current=[(here.map(|(_, path)| path) == Some(path)).then_some("page")] { (name) } }
                            }
                        }
                    }
                }
            }
            main id="main" { (body) }
        },
    )
}

/// The same in a portal: one account, and the way back.
fn in_portal(frame: &Frame, portal: &InPortal, title: &str, body: Markup) -> Markup {
    let brand = &portal.brand;
    let body = html! {
        header {
            div.top {
                (brand::mark(brand, PORTAL.home))
                div.who {
                    span { (Text(&frame.actor)) " · " span title="until this session ends" { (span(frame.ends_in)) " left" } }
                    form method="post" action=(PORTAL.leave) {
                        input type="hidden" name="csrf" value=(frame.csrf);
                        button.button type="submit" { "Sign out" }
                    }
                }
            }
            nav.nav aria-label="API keys" {
                ul {
                    li { a href=(PORTAL.home) aria-current=[(frame.path == PORTAL.home).then_some("page")] { "API keys of " (Text(&portal.account)) } }
                    @if let Some(url) = &portal.return_url {
                        li { a href=(url) { "← Back" @if let Some(name) = &brand.name { " to " (Text(name)) } } }
                    }
                }
            }
        }
        main id="main" { (body) }
        (brand::foot(brand))
    };
    document(title, Some(brand), body)
}

/// A page without a session: signing in, and its errors.
pub(crate) fn plain(place: &Place, of: &Brand, title: &str, body: Markup) -> Markup {
    let (mark, of) = match place.kind {
        SessionKind::Console => (keyward(place.root), None),
        SessionKind::Portal => (brand::mark(of, place.root), Some(of)),
    };
    document(
        title,
        of,
        html! {
            header.top { (mark) }
            main id="main" { div.card.pad.center.stack { (body) } }
        },
    )
}

/// The head of a page: its parent, its name, its description, and its actions.
pub(crate) fn head(
    crumb: Option<(&str, &str)>,
    title: &str,
    sub: Option<Markup>,
    actions: Markup,
) -> Markup {
    html! {
        div.head {
            div {
                @if let Some((href, name)) = crumb { a.crumb href=(href) { "‹ " (Text(name)) } }
                h1 { (Text(title)) }
                @if let Some(sub) = sub { div.soft { (sub) } }
            }
            div.row { (actions) }
        }
    }
}

/// A box with a heading.
pub(crate) fn card(title: &str, extra: Markup, body: Markup) -> Markup {
    html! {
        section.card {
            header { h2 { (title) } (extra) }
            (body)
        }
    }
}

/// `of` is the company that offers the portal.
fn document(title: &str, of: Option<&Brand>, body: Markup) -> Markup {
    let root = of.map_or(CONSOLE.root, |_| PORTAL.root);
    let product = of.map_or("keyward", |brand| {
        brand.name.as_deref().unwrap_or("API keys")
    });
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (Text(title)) " · " (Text(product)) }
                link rel="icon" href="data:,";
                link rel="stylesheet" href=(CSS.address(root));
                @if let Some(of) = of { (brand::style(of)) }
                script src=(JS.address(root)) {}
            }
            body {
                a.skip href="#main" { "Skip to content" }
                (body)
                div.unseen id="live" role="status" {}
            }
        }
    }
}

fn keyward(home: &str) -> Markup {
    html! {
        a.brand href=(home) {
            svg viewBox="0 0 20 20" aria-hidden="true" {
                path d="M10 2 17 5v5c0 4-3 7-7 8-4-1-7-4-7-8V5z" {}
                circle cx="10" cy="9" r="2" {}
                path d="M10 11v3" {}
            }
            "keyward"
        }
    }
}
