//! The answers of pages, and the headers that every answer has.

use std::future::Future;
use std::pin::Pin;

use axum::body::{Body, Bytes};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION,
    REFERRER_POLICY, SET_COOKIE, STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use maud::Markup;
use zeroize::Zeroizing;

use super::assets::Asset;
use super::gzip;
use crate::exchange::Wiped;
use crate::http::failure::{Code, Failure};
use crate::http::reply::{REQUEST_ID, put};

/// A page may load only its stylesheet, its script and the pictures in it. No page has an exception.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

const HTML: &str = "text/html; charset=utf-8";

/// What a page's handler returns.
pub(crate) type PagePending = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>>;

/// An answer.
pub(crate) struct Reply {
    status: StatusCode,
    content: Content,
    cookie: Option<Zeroizing<String>>,
}

enum Content {
    Page(String),
    /// A page that holds a value, in one buffer that is wiped.
    Wiped(Zeroizing<Vec<u8>>),
    SeeOther(String),
    Json(String),
    Asset(&'static Asset),
    Image {
        content_type: &'static str,
        bytes: &'static [u8],
    },
    Made {
        content_type: &'static str,
        text: String,
    },
}

/// The place of a value in a page that is made without it. No escaped text contains this character.
const PLACE: &str = "\u{1a}value\u{1a}";

impl Reply {
    pub(crate) fn page(status: StatusCode, page: Markup) -> Self {
        Self::of(status, Content::Page(page.into_string()))
    }

    /// A page with a value in it, at the one place that [`Reply::place`] marks.
    pub(crate) fn with_value(page: Markup, value: &str) -> Result<Self, Failure> {
        let page = page.into_string();
        let mut parts = page.split(PLACE);
        let (Some(before), Some(after), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Failure::new(
                Code::Internal,
                "The page has no place for the value.",
            ));
        };
        let is_plain = |byte: u8| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'_' | b'-' | b'/' | b':' | b'.' | b'#' | b'[' | b']')
        };
        if !value.bytes().all(is_plain) {
            return Err(Failure::new(Code::Internal, "The value cannot be shown."));
        }
        let size = before.len() + value.len() + after.len();
        // It has its final size from the start: the old copies of a growing buffer are not wiped.
        let mut whole = Zeroizing::new(Vec::with_capacity(size));
        for part in [before, value, after] {
            whole.extend_from_slice(part.as_bytes());
        }
        Ok(Self::of(StatusCode::OK, Content::Wiped(whole)))
    }

    /// The placeholder of the value while the page is made.
    pub(crate) fn place() -> &'static str {
        PLACE
    }

    /// Post, redirect, get.
    pub(crate) fn see_other(path: impl Into<String>) -> Self {
        Self::of(StatusCode::SEE_OTHER, Content::SeeOther(path.into()))
    }

    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self::of(StatusCode::OK, Content::Json(value.to_string()))
    }

    pub(crate) fn asset(asset: &'static Asset) -> Self {
        Self::of(StatusCode::OK, Content::Asset(asset))
    }

    pub(crate) fn image(content_type: &'static str, bytes: &'static [u8]) -> Self {
        Self::of(
            StatusCode::OK,
            Content::Image {
                content_type,
                bytes,
            },
        )
    }

    /// A file made from the configuration.
    pub(crate) fn made(content_type: &'static str, text: String) -> Self {
        Self::of(StatusCode::OK, Content::Made { content_type, text })
    }

    pub(crate) fn setting(self, cookie: Zeroizing<String>) -> Self {
        Self {
            cookie: Some(cookie),
            ..self
        }
    }

    fn of(status: StatusCode, content: Content) -> Self {
        Self {
            status,
            content,
            cookie: None,
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The answer, with the headers that every answer has. The server compresses it if the browser accepts that, unless it holds a value.
    pub(crate) fn response(self, request_id: &str, takes_gzip: bool) -> Response {
        let mut cache = "no-store";
        let mut location = None;
        let mut packed = None;
        let (content_type, body) = match self.content {
            Content::Page(text) => {
                packed = takes_gzip
                    .then(|| gzip::page(&text))
                    .flatten()
                    .map(Body::from);
                (HTML, Body::from(text))
            }
            Content::Wiped(bytes) => (HTML, Body::from(Bytes::from_owner(Wiped(bytes)))),
            Content::SeeOther(path) => {
                location = Some(path);
                (HTML, Body::empty())
            }
            Content::Json(text) => ("application/json", Body::from(text)),
            Content::Asset(asset) => {
                // Its address contains its digest.
                cache = "public, max-age=31536000, immutable";
                packed = takes_gzip
                    .then(|| gzip::asset(asset))
                    .flatten()
                    .map(Body::from);
                (asset.content_type, Body::from(asset.bytes))
            }
            Content::Image {
                content_type,
                bytes,
            } => {
                cache = "public, max-age=31536000, immutable";
                (content_type, Body::from(bytes))
            }
            Content::Made { content_type, text } => {
                cache = "public, max-age=31536000, immutable";
                (content_type, Body::from(text))
            }
        };
        let is_packed = packed.is_some();
        let mut response = Response::new(packed.unwrap_or(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        for (name, value) in [
            (CONTENT_TYPE, content_type),
            (CACHE_CONTROL, cache),
            (CONTENT_SECURITY_POLICY, POLICY),
            (REFERRER_POLICY, "no-referrer"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                "same-origin",
            ),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                "same-origin",
            ),
            (
                HeaderName::from_static("permissions-policy"),
                "camera=(), geolocation=(), microphone=(), payment=(), usb=(), clipboard-read=(), clipboard-write=(self)",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if is_packed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        put(headers, REQUEST_ID, request_id);
        if let Some(path) = location {
            put(headers, LOCATION, &path);
        }
        if let Some(cookie) = &self.cookie
            && let Ok(mut value) = HeaderValue::from_str(cookie)
        {
            value.set_sensitive(true);
            headers.insert(SET_COOKIE, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use maud::html;

    use super::*;

    #[test]
    fn a_value_is_put_in_at_one_place_and_as_it_is() {
        let page = |count: usize| {
            html! { p { "a" } @for _ in 0..count { input value=(Reply::place()); } }
        };
        let Content::Wiped(bytes) = Reply::with_value(page(1), "rk_test_x")
            .ok()
            .unwrap()
            .content
        else {
            panic!("the buffer is not wiped");
        };
        assert_eq!(&bytes[..], b"<p>a</p><input value=\"rk_test_x\">");
        assert_eq!(bytes.capacity(), bytes.len());
        for (page, value) in [(page(0), "rk"), (page(2), "rk"), (page(1), "\"><script>")] {
            assert!(Reply::with_value(page, value).is_err(), "{value}");
        }
    }
}
