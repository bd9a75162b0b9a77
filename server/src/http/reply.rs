//! The parts that all answers of the API share: their headers, and the body of an error.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use keyward::management::random_id;

use super::call::written;
use super::failure::Failure;
use crate::randomness::System;

/// The version of this API, in every answer.
const API_VERSION: &str = "2026-12-01";

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const KEYWARD_API_VERSION: HeaderName = HeaderName::from_static("keyward-api-version");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("stripe-should-retry");

pub(crate) fn request_id() -> String {
    // Without randomness, no key is made either. A request is then identified only by its time.
    let random = random_id(&mut System).unwrap_or_default();
    format!("req_{}", random.get(..14).unwrap_or_default())
}

/// Returns the answer to a request that failed.
pub(crate) fn refused(failure: &Failure, id: &str) -> Response {
    let body =
        written(&failure.body()).map_or_else(|_| Body::empty(), |body| Body::from(body.to_vec()));
    let mut response = Response::new(body);
    let status = failure.status();
    *response.status_mut() = status;
    common(response.headers_mut(), id, status, failure.should_retry());
    if let Some(seconds) = failure.seconds_until_retry() {
        put(response.headers_mut(), RETRY_AFTER, &seconds.to_string());
    }
    response
}

/// Sets the headers of every answer.
pub(crate) fn common(headers: &mut HeaderMap, id: &str, status: StatusCode, should_retry: bool) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(KEYWARD_API_VERSION, HeaderValue::from_static(API_VERSION));
    put(headers, REQUEST_ID, id);
    if !status.is_success() {
        put(
            headers,
            SHOULD_RETRY,
            if should_retry { "true" } else { "false" },
        );
    }
}

/// Sets a header. The texts are digits and ids that the server made. One that is not a valid header
/// value is left out.
pub(crate) fn put(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_new_each_time() {
        let (one, other) = (request_id(), request_id());
        assert_eq!(one.len(), 18);
        assert_ne!(one, other);
    }
}
