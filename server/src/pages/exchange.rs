//! One request for a page and its answer. Only a cookie identifies the person: a key opens no page, and a cookie calls no API.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, StatusCode};
use axum::response::Response;
use axum::routing::any;
use keyward::configuration::PRINCIPAL_HEADER;
use maud::html;

use super::assets::{CSS, JS};
use super::checks::{LARGEST, NOT_OURS, checked_form, is_same_origin, read_form, signed_in};
use super::form::Form;
use super::parts::{Text, Tone, actions, layout, message};
use super::place::{CONSOLE, Place};
use super::reply::Reply;
use super::table::{self, Needs, Page};
use super::visit::Visit;
use super::{ask, brand, enter, gzip, portal, wording};
use crate::app::App;
use crate::brand::Brand;
use crate::exchange::{read_out, refuse_raw_key};
use crate::http::address::last_forwarded;
use crate::http::failure::{Code, Failure};
use crate::http::listener::Peer;
use crate::http::reply::request_id;
use crate::http::{query, raw_key};
use crate::identify::is_from_gateway;
use crate::routes::Verb;
use crate::store::SessionKind;

/// The router of the pages, for the gateway's socket.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let app = Arc::clone(app);
    let handler = move |ConnectInfo(peer): ConnectInfo<Peer>, request: Request| {
        let app = Arc::clone(&app);
        // A separate task: a request that has begun is carried out even if the client hangs up.
        async move {
            let answered = tokio::spawn(answer(app, peer, request)).await;
            answered.unwrap_or_else(|_| {
                let failure = Failure::new(Code::Internal, "The server made a mistake.");
                without_session(&CONSOLE, &Brand::default(), &failure)
                    .response(&request_id(), false)
            })
        }
    };
    Router::new()
        .route("/console", any(handler.clone()))
        .route("/console/{*rest}", any(handler.clone()))
        .route("/portal", any(handler.clone()))
        .route("/portal/{*rest}", any(handler))
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
    reply.response(&id, gzip::is_taken(&head.headers))
}

/// The name in the log for a request that matches no page of the table.
const OTHER: &str = "/console";

async fn replied(
    app: &Arc<App>,
    peer: Peer,
    head: &Parts,
    unread: &mut Option<Body>,
    id: &str,
) -> (&'static str, Reply) {
    let place = Place::of(head.uri.path());
    if !is_from_gateway(app, peer, head) {
        app.metrics.not_through_gateway();
        let failure = Failure::new(
            Code::NotThroughGateway,
            "This request did not come through the gateway.",
        );
        return (OTHER, without_session(place, &app.brand, &failure));
    }
    // Pages and API share no credential.
    let has_key = [AUTHORIZATION, HeaderName::from_static(PRINCIPAL_HEADER)]
        .iter()
        .any(|name| head.headers.contains_key(name));
    if has_key {
        let failure = Failure::new(
            Code::FormRefused,
            "Pages are for people who sign in. This request has a key, and keys are for the API.",
        );
        return (OTHER, without_session(place, &app.brand, &failure));
    }
    let path = head.uri.path();
    let method = match head.method {
        Method::GET => Verb::Get,
        Method::POST => Verb::Post,
        _ => {
            return (
                OTHER,
                plain(
                    place,
                    &app.brand,
                    StatusCode::METHOD_NOT_ALLOWED,
                    "No such page",
                    "Request pages with GET, and send forms with POST.",
                ),
            );
        }
    };
    if method == Verb::Get {
        match path {
            _ if path == place.root => return (OTHER, Reply::see_other(place.home)),
            _ if path == place.enter => {
                return (place.enter, enter::form(app, place, head.uri.query()));
            }
            _ => {}
        }
        let below = path.strip_prefix(place.root);
        if let Some(asset) = [&CSS, &JS]
            .into_iter()
            .find(|asset| Some(asset.path) == below)
        {
            return (asset.path, Reply::asset(asset));
        }
        if let Some(found) = brand::asset(&app.brand, path) {
            return found;
        }
    }
    let address = last_forwarded(head);
    if method == Verb::Post && !is_same_origin(&head.headers) {
        return (OTHER, refused_form(app, place));
    }
    if method == Verb::Post && (path == place.enter || path == place.peek) {
        let reply = signing_in(app, place, head, unread, address, id).await;
        return (
            place.enter,
            reply.unwrap_or_else(|failure| without_session(place, &app.brand, &failure)),
        );
    }
    for_session(app, place, head, unread, method, address, id).await
}

async fn signing_in(
    app: &Arc<App>,
    place: &Place,
    head: &Parts,
    unread: &mut Option<Body>,
    address: Option<IpAddr>,
    id: &str,
) -> Result<Reply, Failure> {
    enter::limit(app, address)?;
    let form = read_form(app, head, unread).await?;
    if head.uri.path() == place.peek {
        return enter::peek(app, place, &form).await;
    }
    enter::enter(app, place, &form, address, id).await
}

/// A page of the table.
async fn for_session(
    app: &Arc<App>,
    place: &'static Place,
    head: &Parts,
    unread: &mut Option<Body>,
    method: Verb,
    address: Option<IpAddr>,
    id: &str,
) -> (&'static str, Reply) {
    let now = crate::time::now();
    let session = match signed_in(app, &head.headers, place, now).await {
        Ok(Some(session)) => session,
        Ok(None) => return (OTHER, enter::signed_out(app, place, head)),
        Err(failure) => return (OTHER, without_session(place, &app.brand, &failure)),
    };
    let path = head.uri.path();
    let found = table::find(pages_of(place), method, path);
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
        brand: Arc::clone(&app.brand),
        now,
        fresh: app.console.fresh(),
    };
    let frame = visit.frame();
    let done = match found {
        Some((page, _)) => handled(app, place, head, unread, page, visit).await,
        None if path == place.leave && method == Verb::Post => {
            match checked_form(app, head, unread, &visit.session).await {
                Ok(_) => enter::leave(app, place, &visit).await,
                Err(failure) => Err(failure),
            }
        }
        None => Err(Failure::new(
            Code::UnknownEndpoint,
            "There is no page at this address.",
        )),
    };
    let reply = done.unwrap_or_else(|failure| failed(place, &frame, &failure));
    (endpoint, reply)
}

/// Calls the page of the table, if the session may open it.
async fn handled(
    app: &Arc<App>,
    place: &'static Place,
    head: &Parts,
    unread: &mut Option<Body>,
    page: &Page,
    mut visit: Visit,
) -> Result<Reply, Failure> {
    let Needs(method, template) = page.needs;
    let route = ask::route_of(method, template).ok_or_else(|| {
        Failure::new(
            Code::Internal,
            "The page stands for no endpoint of the API.",
        )
    })?;
    visit.must_be_allowed(route, "this page")?;
    let query = head.uri.query().unwrap_or_default();
    if raw_key::is_in_query(&app.raw_keys, query) {
        return Err(refuse_raw_key());
    }
    visit.query = query::pairs(query)?;
    if page.method == Verb::Post {
        visit.form = checked_form(app, head, unread, &visit.session).await?;
        // The form may have taken a while, and the session may be over.
        visit.now = crate::time::now();
        visit.session = match signed_in(app, &head.headers, place, visit.now).await? {
            Some(session) => session,
            None => return Ok(enter::signed_out(app, place, head)),
        };
        visit.must_be_allowed(route, "this page")?;
        if page.is_fresh {
            visit.must_be_fresh()?;
        }
    }
    (page.handler)(Arc::clone(app), visit).await
}

fn pages_of(place: &Place) -> &'static [Page] {
    match place.kind {
        SessionKind::Console => table::PAGES,
        SessionKind::Portal => portal::PAGES,
    }
}

fn refused_form(app: &App, place: &Place) -> Reply {
    let failure = Failure::new(Code::FormRefused, NOT_OURS);
    without_session(place, &app.brand, &failure)
}

/// A page that gives the reason for an error.
fn failed(place: &Place, frame: &layout::Frame, failure: &Failure) -> Reply {
    let title = title(failure);
    let why = wording::of(place.kind == SessionKind::Portal, failure);
    let body = html! {
        (layout::head(None, title, None, html! {}))
        div.stack {
            (message::note(Tone::Bad, html! { p { (Text(&why)) } }))
            p { (actions::link(actions::Weight::Usual, place.home, "Go to the keys")) }
        }
    };
    Reply::page(failure.status(), layout::page(frame, title, body))
}

fn without_session(place: &Place, brand: &Brand, failure: &Failure) -> Reply {
    plain(
        place,
        brand,
        failure.status(),
        title(failure),
        failure.message(),
    )
}

fn plain(place: &Place, brand: &Brand, status: StatusCode, title: &str, text: &str) -> Reply {
    let body = html! {
        h1 { (title) }
        (message::note(Tone::Bad, html! { p { (text) } }))
        @if status.is_server_error() {
            // The server does not know either whether the person is signed in.
            p { a href=(place.home) { "Try again" } }
        } @else {
            p { a href=(place.enter) { "Sign in with a link" } }
        }
    };
    Reply::page(status, layout::plain(place, brand, title, body))
}

fn title(failure: &Failure) -> &'static str {
    match failure.status() {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => "Somebody was quicker",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        StatusCode::SERVICE_UNAVAILABLE => "The store does not respond",
        status if status.is_server_error() => "Something went wrong",
        _ => "This cannot be done",
    }
}
