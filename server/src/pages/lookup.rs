//! Whose key is it? The browser hashes the value and sends only the digest; without a script the person sends a digest.

use std::sync::Arc;

use keyward::management::VALUE_LENGTH;
use maud::{Markup, html};
use serde_json::json;

use super::ask::Ask;
use super::keys::{ends, may, state};
use super::objects::Key;
use super::parts::actions::{Weight, link, submit};
use super::parts::fields::{self, Field};
use super::parts::{Text, Tone, layout, message, pairs};
use super::reply::PagePending;
use super::visit::Visit;
use crate::app::App;
use crate::http::failure::{Code, Failure};
use crate::routes::Verb;

const HERE: &str = "/console/lookup";
const TITLE: &str = "Leaked key";

/// `GET /console/lookup`
pub(super) fn form(_app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move { Ok(visit.page(TITLE, body(&visit, &html! {}))) })
}

/// `POST /console/lookup`
pub(super) fn find(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let digest = visit.form.text("sha256").to_ascii_lowercase();
        if digest.is_empty() {
            let said = message::note(
                Tone::Bad,
                html! { p { "Paste the leaked value, or its SHA-256." } },
            );
            return Ok(visit.page(TITLE, body(&visit, &said)));
        }
        let ask = Ask::post("/v2/keyward/api_keys/lookup").body(json!({"sha256": digest}));
        let shown = match visit.ask(&app, ask).await {
            Ok(answered) => found(&visit, &answered.read()?, app.requests.are_files()),
            Err(failure) if failure.is(Code::ResourceMissing) => not_found(&visit),
            Err(failure) if failure.is(Code::ParameterInvalid) => wrong(&failure),
            Err(failure) => return Err(failure),
        };
        Ok(visit.page(TITLE, body(&visit, &shown)))
    })
}

fn body(visit: &Visit, shown: &Markup) -> Markup {
    html! {
        (layout::head(None, TITLE, Some(html! { "Find out whose key leaked, and end it. The value stays in your browser, which sends only its digest." }), html! {}))
        (shown)
        form.narrow.stack method="post" action=(HERE) data-digest {
            (visit.hidden())
            input type="hidden" name="prefix";
            input type="hidden" name="length";
            div.field.js-only {
                label for="found" { "The leaked value" }
                input id="found" type="password" data-hash autocomplete="off" spellcheck="false" aria-describedby="found-hint found-problem";
                p.hint id="found-hint" { "Your browser computes the SHA-256 of this field, and never sends the value." }
                p.error id="found-problem" data-problem hidden role="alert" {}
            }
            details open data-fold {
                summary { "Paste a digest instead" }
                div.stack {
                    (fields::code(&Field {
                        name: "sha256",
                        label: "SHA-256 of the value",
                        hint: Some("64 hexadecimal digits. In a terminal:"),
                        ..Field::default()
                    }))
                    pre { code { "printf %s \"$VALUE\" | sha256sum" } }
                }
            }
            div.row { (submit(Weight::Main, "Find the key")) }
        }
    }
}

fn found(visit: &Visit, key: &Key, has_uses: bool) -> Markup {
    let home = format!("/console/keys/{}", key.id);
    let is_used = key.is_in_use();
    html! {
        section.card {
            header { h2 { (Text(key.title())) } (state(key)) }
            div.pad.stack {
                @if is_used {
                    (message::note(Tone::Warn, html! { p { strong { "This key works." } " Anyone who has the value can use it. End it now, or rotate it if its users need time." } }))
                } @else {
                    (message::note(Tone::Good, html! { p { "This key has ended. Gateways deny it." } }))
                }
                (pairs::wide(&[
                    ("Key", html! { a href=(home) { code { (Text(&key.id)) } } " · " code { (Text(key.redacted())) } }),
                    ("Account", html! { a href={"/console/accounts/" (key.keyward.owner)} { (Text(&key.keyward.owner)) } " · " (key.mode()) }),
                    ("May", may(key)),
                    ("From", addresses(key)),
                    ("Last used", html! { @match &key.last_used { Some(at) => (super::parts::time(at, visit.now)), None if has_uses => span.soft { "not seen in the access logs" }, None => span.soft { "unknown: this server reads no access logs" } } }),
                    ("Made", html! { @if let Some(at) = &key.created { (super::parts::time(at, visit.now)) } @if let Some(by) = &key.keyward.created_by { " by " (Text(&by.id)) } }),
                    ("Ends", ends(key, visit.now)),
                ]))
                div.row {
                    @if is_used && visit.may(Verb::Post, "/v2/iam/api_keys/{id}/expire") {
                        (link(Weight::Danger, &format!("{home}/expire"), "End now"))
                    }
                    @if is_used && key.file().is_none() && visit.may(Verb::Post, "/v2/iam/api_keys/{id}/rotate") {
                        (link(Weight::Usual, &format!("{home}/rotate"), "Rotate"))
                    }
                    (link(Weight::Usual, &home, "Open the key"))
                }
            }
        }
    }
}

fn addresses(key: &Key) -> Markup {
    html! {
        @if key.ip_allowlist.is_empty() { "anywhere" } @else { (Text(&key.ip_allowlist.join(", "))) }
    }
}

/// What the browser sends about a value with its digest: its prefix, if that is a known one, and its length.
fn not_found(visit: &Visit) -> Markup {
    let prefix = visit.form.text("prefix");
    let length: Option<usize> = visit.form.text("length").parse().ok();
    let whole = VALUE_LENGTH;
    message::titled(
        Tone::Info,
        "No key has this digest",
        html! {
            p {
                @match (prefix, length) {
                    ("", None) => "Check the digest: it must be that of the value without a line end.",
                    ("", Some(_)) => "The value does not begin with a prefix of this server's keys, so it may belong to something else.",
                    (prefix, Some(length)) if length < whole => {
                        "The value begins with " code { (Text(prefix)) } " as keys do, but has " (length) " of " (whole) " characters: it was cut, so it cannot identify its key. Search for the key by its account or its last four characters."
                    }
                    (prefix, _) => {
                        "The value begins with " code { (Text(prefix)) } " as keys do, but this server has no such key. Its record may have been purged, or it belongs to another server."
                    }
                }
            }
        },
    )
}

fn wrong(failure: &Failure) -> Markup {
    message::titled(
        Tone::Bad,
        "That is no digest",
        html! { p { (Text(failure.message())) } },
    )
}
