//! Answers a gateway that asks for the head: with the next head as soon as there is one, or after
//! the requested time with the answer that nothing changed.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use tokio::time::timeout;

use super::head::Content;
use super::{Feed, Polled, condition, plain};

/// `Preference-Applied`, which the `http` crate does not name.
const APPLIED: HeaderName = HeaderName::from_static("preference-applied");

pub(super) async fn answer(feed: &Feed, headers: &HeaderMap) -> Polled {
    let wait = condition::wait(headers).map(|wait| wait.min(feed.settings.longest_wait));
    let mut head = feed.head.clone();
    let is_new = |head: &Option<std::sync::Arc<Content>>| {
        head.as_ref()
            .is_some_and(|content| !condition::has(headers, &content.tag))
    };
    let mut applied = wait;
    if let Some(wait) = wait
        && head.borrow().is_some()
        && !is_new(&head.borrow())
    {
        match feed.polls.try_acquire() {
            Ok(_permit) => {
                let mut stop = feed.stop.subscribe();
                let is_stopped = tokio::select! {
                    // Whatever ends the wait, the head is compared again below.
                    _ = timeout(wait, head.wait_for(is_new)) => false,
                    _ = stop.wait_for(|stop| *stop) => true,
                };
                applied = applied.filter(|_| !is_stopped);
            }
            // Too many polls wait. This one asks again after its interval, as if the server could
            // not wait.
            Err(_) => applied = None,
        }
    }
    let content = head.borrow().clone();
    let Some(content) = content else {
        return Polled {
            response: plain(StatusCode::NOT_FOUND, "there is no head yet\n"),
            head: None,
        };
    };
    let about = about(&content, applied);
    let response = match condition::has(headers, &content.tag) {
        true => (StatusCode::NOT_MODIFIED, about).into_response(),
        false => {
            let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            (about, kind, content.bytes.clone()).into_response()
        }
    };
    Polled {
        response,
        head: content.named,
    }
}

fn about(content: &Content, applied: Option<Duration>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let no_cache = HeaderValue::from_static("no-cache");
    headers.insert(header::CACHE_CONTROL, no_cache);
    if let Ok(tag) = HeaderValue::from_str(&content.tag) {
        headers.insert(header::ETAG, tag);
    }
    if let Some(wait) = applied
        && let Ok(applied) = HeaderValue::from_str(&format!("wait={}", wait.as_secs()))
    {
        headers.insert(APPLIED, applied);
    }
    headers
}
