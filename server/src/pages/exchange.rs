//! One request for a page and its answer. Who asks is known by a cookie and by nothing else: a key opens no page, and a cookie asks no API.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::Response;
use axum::routing::any;
use keyward::configuration::PRINCIPAL_HEADER;
use keyward_files::key_file::has_secret_key;
use maud::html;

use super::assets::{CSS, JS};
use super::form::Form;
use super::parts::{Tone, actions, layout, message};
use super::reply::Reply;
use super::table::{self, Needs, Page};
use super::visit::Visit;
use super::{ask, enter};
use crate::app::App;

use crate::exchange::{read_out, refuse_raw_key, request_id};
use crate::http::address::last_forwarded;
use crate::http::failure::{Code, Failure};
use crate::http::listener::Peer;
use crate::http::{query, raw_key};
use crate::identify::is_from_gateway;
use crate::routes::Verb;
use crate::session::{Cookie, Session};
use crate::sign_in::{Found, find};

/// The largest form.
const LARGEST: usize = 256 * 1024;

/// The router of the pages, for the gateway's socket.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let app = Arc::clone(app);
    let handler = move |ConnectInfo(peer): ConnectInfo<Peer>, request: Request| {
        let app = Arc::clone(&app);
        // A task of its own: what was begun is carried out, though the client hangs up.
        async move {
            let answered = tokio::spawn(answer(app, peer, request)).await;
            answered.unwrap_or_else(|_| {
                let failure = Failure::new(Code::Internal, "The server made a mistake.");
                without_session(&failure).response(&request_id())
            })
        }
    };
    Router::new()
        .route("/console", any(handler.clone()))
        .route("/console/{*rest}", any(handler))
}

async fn answer(app: Arc<App>, peer: Peer, request: Request) -> Response {
    let id = request_id();
    let (head, body) = request.into_parts();
    let mut unread = Some(body);
    let (endpoint, reply) = replied(&app, peer, &head, &mut unread, &id).await;
    if let Some(body) = unread {
        read_out(body, LARGEST).await;
    }
    tracing::info!(
        request = %id,
        method = %head.method,
        page = endpoint,
        status = reply.status().as_u16(),
    );
    reply.response(&id)
}

/// What a request without a page of the table is called in the log.
const OTHER: &str = "/console";

async fn replied(
    app: &Arc<App>,
    peer: Peer,
    head: &Parts,
    unread: &mut Option<Body>,
    id: &str,
) -> (&'static str, Reply) {
    if !is_from_gateway(app, peer, head) {
        app.metrics.not_through_gateway();
        let failure = Failure::new(
            Code::NotThroughGateway,
            "This request did not come by the gateway.",
        );
        return (OTHER, without_session(&failure));
    }
    // Pages and API share no credential.
    let has_key = [AUTHORIZATION, HeaderName::from_static(PRINCIPAL_HEADER)]
        .iter()
        .any(|name| head.headers.contains_key(name));
    if has_key {
        let failure = Failure::new(
            Code::FormRefused,
            "Pages are for people who are signed in. This request has a key, which no page looks at: keys are for the API.",
        );
        return (OTHER, without_session(&failure));
    }
    let path = head.uri.path();
    let method = match head.method {
        Method::GET => Verb::Get,
        Method::POST => Verb::Post,
        _ => {
            return (
                OTHER,
                plain(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "No such page",
                    "Pages are asked for by GET, and forms are sent by POST.",
                ),
            );
        }
    };
    if method == Verb::Get {
        match path {
            "/console" => return (OTHER, Reply::see_other("/console/keys")),
            "/console/enter" => return (enter::PATH, enter::form()),
            _ => {}
        }
        if let Some(asset) = [&CSS, &JS].into_iter().find(|asset| asset.path == path) {
            return (asset.path, Reply::asset(asset.content_type, asset.bytes));
        }
    }
    let address = last_forwarded(head);
    if method == Verb::Post && !is_same_origin(&head.headers) {
        return (OTHER, refused_form());
    }
    match (method, path) {
        (Verb::Post, enter::PATH | enter::PEEK) => {
            let reply = signing_in(app, head, unread, address, id).await;
            (
                enter::PATH,
                reply.unwrap_or_else(|failure| without_session(&failure)),
            )
        }
        (_, _) => for_session(app, head, unread, method, address, id).await,
    }
}

async fn signing_in(
    app: &Arc<App>,
    head: &Parts,
    unread: &mut Option<Body>,
    address: Option<IpAddr>,
    id: &str,
) -> Result<Reply, Failure> {
    enter::limit(app, address)?;
    let form = read_form(head, unread).await?;
    if head.uri.path() == enter::PEEK {
        return enter::peek(app, &form).await;
    }
    enter::enter(app, &form, address, id).await
}

/// A page of the table.
async fn for_session(
    app: &Arc<App>,
    head: &Parts,
    unread: &mut Option<Body>,
    method: Verb,
    address: Option<IpAddr>,
    id: &str,
) -> (&'static str, Reply) {
    let now = crate::time::now();
    let session = match signed_in(app, &head.headers, now).await {
        Ok(Some(session)) => session,
        Ok(None) => return (OTHER, enter::signed_out()),
        Err(failure) => return (OTHER, without_session(&failure)),
    };
    let path = head.uri.path();
    let found = table::find(method, path);
    let (endpoint, target) = match found {
        Some((page, target)) => (page.template, target),
        None => (OTHER, ""),
    };
    let visit = Visit {
        session,
        target: target.to_owned(),
        path: path.to_owned(),
        query: query::Pairs::new(),
        form: Form::default(),
        request_id: id.to_owned(),
        address,
        now,
        fresh: app.console.fresh(),
    };
    let frame = visit.frame();
    let done = match found {
        Some((page, _)) => handled(app, head, unread, page, visit).await,
        None if path == enter::LEAVE && method == Verb::Post => {
            match checked_form(head, unread, &visit.session).await {
                Ok(_) => enter::leave(app, &visit).await,
                Err(failure) => Err(failure),
            }
        }
        None => Err(Failure::new(
            Code::UnknownEndpoint,
            "There is no page at this address.",
        )),
    };
    let reply = done.unwrap_or_else(|failure| failed(&frame, &failure));
    (endpoint, reply)
}

/// Asks the page of the table, if the session may.
async fn handled(
    app: &Arc<App>,
    head: &Parts,
    unread: &mut Option<Body>,
    page: &Page,
    mut visit: Visit,
) -> Result<Reply, Failure> {
    let Needs(method, template) = page.needs;
    let allowed = ask::route_of(method, template)
        .is_some_and(|route| ask::may(&visit.session.granted, route));
    if !allowed {
        return Err(Failure::new(
            Code::MorePermissionsRequired,
            format!(
                "Your role, {}, does not include this page.",
                visit.session.role.name()
            ),
        ));
    }
    let query = head.uri.query().unwrap_or_default();
    if raw_key::is_in_query(query) {
        return Err(refuse_raw_key());
    }
    visit.query = query::pairs(query)?;
    if page.method == Verb::Post {
        visit.form = checked_form(head, unread, &visit.session).await?;
        if page.is_fresh {
            visit.must_be_fresh()?;
        }
    }
    (page.handler)(Arc::clone(app), visit).await
}

/// The session of the one cookie of ours. Of two, somebody set one of them from elsewhere.
async fn signed_in(
    app: &Arc<App>,
    headers: &HeaderMap,
    now: u64,
) -> Result<Option<Session>, Failure> {
    let Some(cookie) = cookie(headers) else {
        return Ok(None);
    };
    Ok(match find(app, &app.console, &cookie, now).await? {
        Found::Session(session) => Some(*session),
        Found::Nothing => None,
    })
}

fn cookie(headers: &HeaderMap) -> Option<Cookie> {
    let mut ours = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == enter::COOKIE_NAME);
    let (_, text) = ours.next().filter(|_| ours.next().is_none())?;
    Cookie::read(text)
}

/// Whether a browser sends a form of these pages: it says so itself, and pages of others cannot say it for it.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match text(HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin",
        None => {
            let authority = text(ORIGIN).and_then(|origin| origin.split_once("://"));
            authority.is_some_and(|(_, authority)| Some(authority) == text(HOST))
        }
    }
}

/// A form of this session's own pages.
async fn checked_form(
    head: &Parts,
    unread: &mut Option<Body>,
    session: &Session,
) -> Result<Form, Failure> {
    let form = read_form(head, unread).await?;
    // Both are digests, so the time that comparing takes says nothing of the secret.
    if form.text("csrf") != session.csrf.as_str() {
        return Err(Failure::new(Code::FormRefused, NOT_OURS));
    }
    Ok(form)
}

const NOT_OURS: &str = "This form is not one of this session's own pages. Nothing was changed. Go back to the console, load the page again, and send the form from there.";

async fn read_form(head: &Parts, unread: &mut Option<Body>) -> Result<Form, Failure> {
    let kind = head
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = kind
        .and_then(|text| text.split(';').next())
        .unwrap_or_default();
    if !kind
        .trim()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    {
        return Err(Failure::new(Code::FormRefused, NOT_OURS));
    }
    let body = axum::body::to_bytes(unread.take().unwrap_or_default(), LARGEST).await;
    let body = body.map_err(|_| {
        Failure::new(
            Code::BodyTooLarge,
            "The form must be complete and have at most 256 KiB.",
        )
    })?;
    let form = Form::read(&body)?;
    if form
        .fields()
        .any(|(name, value)| has_secret_key(name) || has_secret_key(value))
    {
        return Err(refuse_raw_key());
    }
    Ok(form)
}

fn refused_form() -> Reply {
    without_session(&Failure::new(Code::FormRefused, NOT_OURS))
}

/// A page that says why there is no other.
fn failed(frame: &layout::Frame, failure: &Failure) -> Reply {
    let title = title(failure);
    let body = html! {
        (layout::head(None, title, None, html! {}))
        div.stack {
            (message::failure(failure))
            p { (actions::link(actions::Weight::Usual, "/console/keys", "Go to the keys")) }
        }
    };
    Reply::page(failure.status(), layout::page(frame, title, body))
}

fn without_session(failure: &Failure) -> Reply {
    plain(failure.status(), title(failure), failure.message())
}

fn plain(status: StatusCode, title: &str, text: &str) -> Reply {
    let body = html! {
        h1 { (title) }
        (message::note(Tone::Bad, html! { p { (text) } }))
        p { a href="/console/enter" { "Sign in with a link" } }
    };
    Reply::page(status, layout::plain(title, body))
}

fn title(failure: &Failure) -> &'static str {
    match failure.status() {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => "Somebody was quicker",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        StatusCode::SERVICE_UNAVAILABLE => "The store does not answer",
        status if status.is_server_error() => "Something went wrong",
        _ => "This cannot be done",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in all {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_form_of_another_origin_is_known_as_one() {
        let host = ("host", "keys.example.com");
        for (all, expected) in [
            (vec![host, ("sec-fetch-site", "same-origin")], true),
            (vec![host, ("sec-fetch-site", "same-site")], false),
            (vec![host, ("sec-fetch-site", "cross-site")], false),
            (vec![host, ("sec-fetch-site", "none")], false),
            (
                vec![
                    host,
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://keys.example.com"),
                ],
                false,
            ),
            (vec![host, ("origin", "https://keys.example.com")], true),
            (
                vec![host, ("origin", "https://keys.example.com.evil.example")],
                false,
            ),
            (vec![host, ("origin", "null")], false),
            (vec![host], false),
        ] {
            assert_eq!(is_same_origin(&headers(&all)), expected, "{all:?}");
        }
    }

    #[test]
    fn of_two_cookies_none_is_taken() {
        let value = "0".repeat(64);
        let one = format!("{}={value}", enter::COOKIE_NAME);
        assert!(cookie(&headers(&[("cookie", &format!("a=b; {one}"))])).is_some());
        assert!(cookie(&headers(&[("cookie", &format!("{one}; {one}"))])).is_none());
        assert!(cookie(&headers(&[("cookie", &one), ("cookie", &one)])).is_none());
        for text in [
            "",
            &format!("keyward_console={value}"),
            &format!("{}=", enter::COOKIE_NAME),
        ] {
            assert!(cookie(&headers(&[("cookie", text)])).is_none(), "{text}");
        }
    }
}
