//! Signing in by a link that works once, and signing out. A mail scanner that opens the link sees a page with a button: the token is in the
//! fragment, which browsers send to no server, and only the button's form uses it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use maud::{Markup, html};
use serde_json::json;
use zeroize::Zeroizing;

use super::begin::Begin;
use super::form::Form;
use super::parts::{Text, Tone, actions, layout, message};
use super::place::Place;
use super::reply::Reply;
use super::visit::Visit;
use crate::app::App;
use crate::caller::Caller;
use crate::http::failure::{Code, Failure};
use crate::http::rate::{Class, Rate};
use crate::service::Sender;
use crate::session::Token;
use crate::sign_in::{self, NotOpened};
use crate::store::SessionKind;

/// Thirty a minute for each address. Links that open do not count: many people may have one address.
const RATE: Rate = Rate {
    per_second: 0.5,
    burst: 30.0,
};

/// Counts the uses of links, so that no one can try many tokens.
pub(super) fn limit(app: &App, address: Option<IpAddr>) -> Result<(), Failure> {
    let from = bucket_of(address);
    let taken = app.buckets.take(&from, Class::SignIn, RATE, Instant::now());
    taken.map_err(|failure| {
        let wait = failure.seconds_until_retry().unwrap_or(1);
        Failure::new(
            Code::RateLimited,
            "Too many links were tried from your address. Please wait a minute.",
        )
        .retry_after(wait)
    })
}

fn bucket_of(address: Option<IpAddr>) -> String {
    address.map_or_else(String::new, |address| address.to_string())
}

/// The page that a link opens.
pub(super) fn form(app: &App, place: &Place, query: Option<&str>) -> Reply {
    let begin = Begin::of_query(query);
    let body = fields(app, place, &begin, html! {});
    Reply::page(
        StatusCode::OK,
        layout::plain(place, &app.brand, "Sign in", body),
    )
}

fn fields(app: &App, place: &Place, begin: &Begin, note: Markup) -> Markup {
    html! {
        h1 { "Sign in" }
        (note)
        p data-who { "Press the button to use your link. It works once." }
        form.stack method="post" action=(place.enter) data-peek=(place.peek) {
            (begin.hidden())
            div.field data-code {
                label for="code" { "Link or code" }
                input id="code" name="code" type="text" required autocomplete="off" spellcheck="false" class="mono" aria-describedby="code-hint";
                p.hint id="code-hint" { "Paste the whole link, or the part after the #." }
            }
            (actions::submit(actions::Weight::Main, "Sign in"))
        }
        @match place.kind {
            SessionKind::Console => details {
                summary { "I have no link" }
                p { "Make a link on the server's machine, or with a key that may make console sessions:" }
                pre { code { "keyward-server link --role operator --for you@example.com" } }
            },
            SessionKind::Portal => (back_to_sign_in(app, begin)),
        }
    }
}

/// A person without a link finds one in the application that they came from.
fn back_to_sign_in(app: &App, begin: &Begin) -> Markup {
    let name = app.brand.name.as_deref();
    html! {
        p.small.soft {
            "You get a link from the application that these keys are for. Sign in there, and open its API keys page. "
            @if let Some(url) = app.portal.sign_in_url() {
                a href=(begin.told(url)) { "Go to " (Text(name.unwrap_or("that page"))) }
            }
        }
    }
}

/// The page for a person who is not signed in, or not any more. A link to a key leads to the application that signs people in, and from there back to the key.
pub(super) fn signed_out(app: &App, place: &Place, head: &Parts) -> Reply {
    let query = head.uri.query();
    let begin = match place.kind {
        SessionKind::Console => None,
        SessionKind::Portal => Begin::of_path(head.uri.path(), query),
    };
    if let (true, Some(begin), Some(url)) =
        (head.method == Method::GET, &begin, app.portal.sign_in_url())
    {
        return Reply::see_other(begin.told(url));
    }
    let note = message::note(
        Tone::Info,
        html! { p { "You are not signed in, or your session has ended. Open a new link to continue." } },
    );
    let begin = begin.unwrap_or(Begin::Keys);
    Reply::page(
        StatusCode::UNAUTHORIZED,
        layout::plain(
            place,
            &app.brand,
            "Sign in",
            fields(app, place, &begin, note),
        ),
    )
}

/// Says what a link is for, without using it.
pub(super) async fn peek(app: &Arc<App>, place: &Place, form: &Form) -> Result<Reply, Failure> {
    let nothing = || Reply::json(&json!({"actor": null, "role": null, "status": "ended"}));
    let Some(token) = Token::read(form.text("code")) else {
        return Ok(nothing());
    };
    let peeked = sign_in::peek(app, place.kind, &token, crate::time::now()).await?;
    Ok(match peeked {
        Ok(session) => {
            let role = match session.kind {
                SessionKind::Console => session.role,
                SessionKind::Portal => None,
            };
            let person = ["name", "email", "id"]
                .iter()
                .find_map(|name| session.actor.get(*name).and_then(serde_json::Value::as_str));
            Reply::json(&json!({"actor": person, "role": role, "status": "unopened"}))
        }
        Err(_) => nothing(),
    })
}

/// Uses a link: sets a new cookie, whatever cookie the browser had before.
pub(super) async fn enter(
    app: &Arc<App>,
    place: &Place,
    form: &Form,
    address: Option<IpAddr>,
    request_id: &str,
) -> Result<Reply, Failure> {
    let Some(token) = Token::read(form.text("code")) else {
        return Ok(refused(
            app,
            place,
            form,
            "This is not a link. Paste all of it: it ends with lt_ and 64 characters.",
        ));
    };
    let now = crate::time::now();
    let opened = sign_in::open(
        app,
        place.kind,
        place.lifetime(app),
        &token,
        address,
        request_id,
        now,
    )
    .await?;
    match opened {
        Ok(opened) => {
            tracing::info!(session = %opened.session.id, "signed in");
            // What was taken to ask what the link is for, and to use it.
            (app.buckets).give_back(&bucket_of(address), Class::SignIn, 2.0, RATE);
            Ok(
                Reply::see_other(Begin::of_form(form).page(place)).setting(cookie(
                    place,
                    opened.cookie.expose(),
                    None,
                )),
            )
        }
        Err(why) => Ok(refused(
            app,
            place,
            form,
            match why {
                NotOpened::Unknown => "This link does not exist. Check that you copied all of it.",
                NotOpened::Used if place.kind == SessionKind::Portal => {
                    "This link was already used. Go back to where you came from, and open the page again."
                }
                NotOpened::Used => {
                    "This link was already used. If you did not use it, tell an operator: the activity log shows who opened it, and from where."
                }
                NotOpened::Over => "This link has expired. Ask for a new one.",
                NotOpened::Revoked => {
                    "This link was withdrawn, or the key that made it has ended. Ask for a new one."
                }
            },
        )),
    }
}

fn refused(app: &App, place: &Place, form: &Form, why: &str) -> Reply {
    let note = message::note(Tone::Bad, html! { p { (Text(why)) } });
    Reply::page(
        StatusCode::BAD_REQUEST,
        layout::plain(
            place,
            &app.brand,
            "Sign in",
            fields(app, place, &Begin::of_form(form), note),
        ),
    )
}

/// Ends the session everywhere.
pub(super) async fn leave(app: &Arc<App>, place: &Place, visit: &Visit) -> Result<Reply, Failure> {
    let caller = Caller::of_session(&visit.session, visit.address);
    let sender = Sender::of_caller(&caller, &visit.request_id);
    sign_in::leave(app, sender, &visit.session.id, visit.now).await?;
    let back = visit
        .session
        .tenant()
        .and_then(|tenant| tenant.return_url.as_deref());
    let body = html! {
        h1 { "Signed out" }
        (message::note(Tone::Good, html! { p { "Your session has ended, here and everywhere." } }))
        p {
            @match back {
                Some(url) => a href=(url) { "← Back to " (Text(visit.provider())) },
                None => a href=(place.enter) { "Sign in with a link" },
            }
        }
    };
    Ok(Reply::page(
        StatusCode::OK,
        layout::plain(place, &app.brand, "Signed out", body),
    )
    .setting(cookie(place, "", Some(0))))
}

/// Without an expiry: the server ends sessions, and a browser forgets the cookie when it closes.
fn cookie(place: &Place, value: &str, lasts: Option<u64>) -> Zeroizing<String> {
    let lasts = lasts.map_or(String::new(), |seconds| format!("; Max-Age={seconds}"));
    Zeroizing::new(format!(
        "{}={value}; Path=/; Secure; HttpOnly; SameSite={}{lasts}",
        place.cookie, place.same_site
    ))
}
