//! One request and its answer: what is alike for all endpoints. The order is that of cost and of trust: nothing of a body is looked at before its sender is known.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use axum::response::Response;
use axum::routing::MethodRouter;
use zeroize::Zeroizing;

use crate::app::App;
use crate::caller::{Caller, Entrance};
use crate::http::address::last_forwarded;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::http::listener::Peer;
use crate::http::query::{Pairs, pairs};
use crate::http::rate::{Class, Rate};
use crate::http::reply::{common, put, refused, request_id};
use crate::http::{body, conditions, raw_key};
use crate::identify::{Identified, Need, Unknown, identify};
use crate::routes::{Pace, ROUTES, Route};
use crate::service::failure::Stored;
use crate::service::{Sender, refused as refusals};
use crate::store::{Holds, while_holds};

const KEYWARD_CHANGE: HeaderName = HeaderName::from_static("keyward-change");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The router of one socket.
pub(crate) fn router(app: &Arc<App>, entrance: Entrance) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let app = Arc::clone(app);
        let handler = move |ConnectInfo(peer): ConnectInfo<Peer>, request: Request| {
            let app = Arc::clone(&app);
            // A separate task: a request that has begun is carried out even if the client hangs up.
            async move { finished(tokio::spawn(answer(app, route, entrance, peer, request))).await }
        };
        let method = MethodRouter::new().on(route.method.filter(), handler);
        router = router.route(route.template, method);
    }
    router
        .method_not_allowed_fallback(unknown)
        .fallback(unknown)
}

/// What the task answers. One that panicked is a mistake of the server's, and of no other request's concern.
async fn finished(task: tokio::task::JoinHandle<Response>) -> Response {
    match task.await {
        Ok(response) => response,
        Err(_) => refused(
            &Failure::new(Code::Internal, "The server made a mistake."),
            &request_id(),
        ),
    }
}

async fn unknown(request: Request) -> Response {
    read_out(request.into_body(), MOST_READ_OUT).await;
    refused(&no_endpoint(), &request_id())
}

/// The most that is read of a body that no endpoint looks at.
const MOST_READ_OUT: usize = 256 * 1024;

/// Reads what a refused client still sends. An answer to half a request ends the connection, and
/// a gateway that sends the next request on it answers 503.
pub(crate) async fn read_out(body: Body, largest: usize) {
    let rest = axum::body::to_bytes(body, largest);
    let _ = tokio::time::timeout(Duration::from_secs(2), rest).await;
}

fn no_endpoint() -> Failure {
    Failure::new(
        Code::UnknownEndpoint,
        "No endpoint has this method and path.",
    )
}

/// Answers a request to an endpoint.
pub(crate) async fn answer(
    app: Arc<App>,
    route: &'static Route,
    entrance: Entrance,
    peer: Peer,
    request: Request,
) -> Response {
    let id = request_id();
    let (head, body) = request.into_parts();
    let mut unread = Some(body);
    let answered = carried_out(&app, route, entrance, peer, &head, &mut unread, &id).await;
    if let Some(body) = unread {
        read_out(body, route.largest_body).await;
    }
    let (status, code, response) = match answered {
        Ok(answer) => (answer.status, None, shown(answer, &id)),
        Err(failure) => {
            let failure = if failure.is(Code::Internal) {
                failure.with("request", id.as_str())
            } else {
                failure
            };
            (
                failure.status(),
                Some(failure.name()),
                refused(&failure, &id),
            )
        }
    };
    app.metrics
        .answered(route.method.name(), route.template, status);
    tracing::info!(
        request = %id,
        method = route.method.name(),
        endpoint = route.template,
        status = status.as_u16(),
        code,
    );
    response
}

async fn carried_out(
    app: &Arc<App>,
    route: &'static Route,
    entrance: Entrance,
    peer: Peer,
    head: &Parts,
    unread: &mut Option<Body>,
    id: &str,
) -> Result<Answer, Failure> {
    let target = target_of(route.template, head.uri.path()).ok_or_else(no_endpoint)?;
    let need = Need::of(route);
    let Identified { caller, holds } = match identify(app, entrance, peer, need, head).await {
        Ok(identified) => identified,
        Err(Unknown { failure, key }) => {
            if let Some(key) = key {
                let sender = Sender::of_key(&key, last_forwarded(head), id);
                refusals::note(app, sender, &failure, route.template).await;
            }
            return Err(failure);
        }
    };
    limit(app, route, &caller)?;
    let query = head.uri.query().unwrap_or_default();
    if app.raw_keys.occur_in(target)
        || raw_key::is_in_query(&app.raw_keys, query)
        || raw_key::is_in_header(&app.raw_keys, &head.headers, &conditions::IDEMPOTENCY_KEY)
    {
        return Err(refuse_raw_key());
    }
    knows(route, &pairs(query)?)?;
    let unread = unread.take().unwrap_or_default();
    let was_awaited = !unread.is_end_stream();
    let body = body::read(unread, route.largest_body, "body").await?;
    if was_awaited {
        // The caller may have lost its key meanwhile.
        let asked: Result<(), Stored> =
            while_holds(Arc::clone(&holds), app.store.must_hold()).await;
        if let Err(why) = asked {
            return Err(why_changed(app, entrance, peer, need, head, why.into()).await);
        }
    }
    if !body.is_empty() {
        if !is_json(&head.headers) {
            return Err(Failure::new(
                Code::JsonExpected,
                "The body must be JSON, and `Content-Type` must say so.",
            ));
        }
        if raw_key::is_in_body(&app.raw_keys, &body) {
            return Err(refuse_raw_key());
        }
    }
    let idempotency = conditions::idempotency(head, &caller, &body)?;
    let call = Call {
        target: target.to_owned(),
        path: head.uri.path().to_owned(),
        query: query.to_owned(),
        expected_version: conditions::expected_version(&head.headers)?,
        wait: conditions::wait(&head.headers),
        request_id: id.to_owned(),
        caller,
        body,
        idempotency,
    };
    match perform(app, route, call, holds).await {
        Err(failure) => Err(why_changed(app, entrance, peer, need, head, failure).await),
        Ok(answer) => Ok(answer),
    }
}

/// Why a caller is not what it was, if that is what a request failed for: its key was deleted, say.
async fn why_changed(
    app: &Arc<App>,
    entrance: Entrance,
    peer: Peer,
    need: Need,
    head: &Parts,
    failure: Failure,
) -> Failure {
    if !failure.is(Code::CallerChanged) {
        return failure;
    }
    match identify(app, entrance, peer, need, head).await {
        Ok(_) => failure,
        Err(unknown) => unknown.failure,
    }
}

/// Hands a request to its endpoint; what is refused is in the trail. Pages ask the API in the same way.
/// The store does nothing for it once `holds` says that the caller is not what it was.
pub(crate) async fn perform(
    app: &Arc<App>,
    route: &'static Route,
    call: Call,
    holds: Holds,
) -> Result<Answer, Failure> {
    let in_flight = match &call.idempotency {
        Some(one) => Some(app.in_flight.enter(one)?),
        None => None,
    };
    let sender = Sender::of(&call);
    let answered = while_holds(holds, (route.handler)(Arc::clone(app), call)).await;
    drop(in_flight);
    if let Err(failure) = &answered {
        refusals::note(app, sender, failure, route.template).await;
    }
    answered
}

/// Refuses a parameter that the endpoint does not have. `actions[0]` is one of `actions[]`.
fn knows(route: &Route, pairs: &Pairs) -> Result<(), Failure> {
    let name = |text: &str| text.split('[').next().unwrap_or_default().to_owned();
    let known: Vec<String> = route.query.iter().map(|known| name(known.name)).collect();
    if pairs.keys().all(|given| known.contains(&name(given))) {
        return Ok(());
    }
    let known = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    Err(Failure::new(
        Code::ParameterUnknown,
        format!("The query has a parameter that this endpoint does not know; expected {known}."),
    ))
}

/// Counts the request. A request that ends a key is never delayed.
pub(crate) fn limit(app: &App, route: &Route, caller: &Caller) -> Result<(), Failure> {
    let (per_second, burst, class) = match route.pace {
        Pace::Free => return Ok(()),
        Pace::Creation if caller.is_operator() => (
            app.creations_per_second * 20.0,
            app.creations_per_second * 20.0,
            Class::Creation,
        ),
        Pace::Creation => (
            app.creations_per_second,
            app.creations_per_second * 5.0,
            Class::Creation,
        ),
        Pace::Lookup => (5.0, 5.0, Class::Lookup),
        Pace::Usual => return app.buckets.take_usual(&caller.id()),
    };
    let rate = Rate { per_second, burst };
    app.buckets.take(&caller.id(), class, rate, Instant::now())
}

/// The segment of the path that the template leaves open. A path with a second reading (an escape, an empty or a dot segment) has none.
pub(crate) fn target_of<'a>(template: &str, path: &'a str) -> Option<&'a str> {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'/');
    if !path.bytes().all(plain) {
        return None;
    }
    let mut target = "";
    let mut segments = path.split('/').skip(1);
    for expected in template.split('/').skip(1) {
        let segment = segments.next()?;
        if expected.starts_with('{') {
            if matches!(segment, "" | "." | "..") || segment.len() > 64 {
                return None;
            }
            target = segment;
        } else if segment != expected {
            return None;
        }
    }
    segments.next().is_none().then_some(target)
}

fn is_json(headers: &HeaderMap) -> bool {
    let text = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = text.and_then(|text| text.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

pub(crate) fn refuse_raw_key() -> Failure {
    Failure::new(
        Code::RawKeyRefused,
        "Something in the request looks like a secret key. Nothing of it was kept; a key that was sent by mistake should be rotated. No endpoint takes the value of a key: send its SHA-256 where one is asked for.",
    )
}

/// The body is wiped as soon as it has been handed to the socket.
pub(crate) struct Wiped(pub(crate) Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn shown(answer: Answer, id: &str) -> Response {
    let mut response = Response::new(Body::from(Bytes::from_owner(Wiped(answer.body))));
    *response.status_mut() = answer.status;
    common(response.headers_mut(), id, answer.status, false);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, answer.content_type);
    if let Some(version) = answer.version {
        put(headers, ETAG, &format!("\"v{version}\""));
    }
    if let Some(change) = answer.change {
        put(headers, KEYWARD_CHANGE, &change.to_string());
    }
    if let Some(waited) = answer.waited {
        put(
            headers,
            PREFERENCE_APPLIED,
            &format!("wait={}", waited.as_secs()),
        );
    }
    if answer.is_replayed {
        put(headers, IDEMPOTENT_REPLAYED, "true");
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_reading_or_none() {
        let template = "/v2/iam/api_keys/{id}/expire";
        assert_eq!(
            target_of(template, "/v2/iam/api_keys/mk_1/expire"),
            Some("mk_1")
        );
        for path in [
            "/v2/iam/api_keys//expire",
            "/v2/iam/api_keys/../expire",
            "/v2/iam/api_keys/mk%5f1/expire",
            "/v2/iam/api_keys/mk;1/expire",
            "/v2/iam/api_keys/mk_1/expire/",
            "/v2/iam/api_keys/mk_1",
        ] {
            assert_eq!(target_of(template, path), None, "{path}");
        }
        assert_eq!(target_of("/v2/iam/api_keys", "/v2/iam/api_keys"), Some(""));
    }
}
