//! Whether a request comes from a session's own pages: the cookie, the origin of a form, and its contents.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

use super::form::Form;
use super::place::Place;
use crate::app::App;
use crate::exchange::refuse_raw_key;
use crate::http::body;
use crate::http::failure::{Code, Failure};
use crate::session::{Cookie, Session};
use crate::sign_in::{Found, find};

/// The largest form.
pub(super) const LARGEST: usize = 256 * 1024;

/// The session of keyward's one cookie. If there are two, another site set one of them.
pub(super) async fn signed_in(
    app: &Arc<App>,
    headers: &HeaderMap,
    place: &Place,
    now: u64,
) -> Result<Option<Session>, Failure> {
    let Some(cookie) = cookie(headers, place.cookie) else {
        return Ok(None);
    };
    Ok(
        match find(app, place.kind, place.idle(app), &cookie, now).await? {
            Found::Session(session) => Some(*session),
            Found::Nothing => None,
        },
    )
}

fn cookie(headers: &HeaderMap, wanted: &str) -> Option<Cookie> {
    let mut ours = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == wanted);
    let (_, text) = ours.next().filter(|_| ours.next().is_none())?;
    Cookie::read(text)
}

/// Whether a browser sends a form of these pages. The browser states the origin itself, and other sites cannot forge it.
pub(super) fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match text(HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin",
        None => {
            let authority = text(ORIGIN).and_then(|origin| origin.split_once("://"));
            authority.is_some_and(|(_, authority)| Some(authority) == text(HOST))
        }
    }
}

/// A form from this session's pages.
pub(super) async fn checked_form(
    app: &App,
    head: &Parts,
    unread: &mut Option<Body>,
    session: &Session,
) -> Result<Form, Failure> {
    let form = read_form(app, head, unread).await?;
    if !session.form_token.accepts(form.text("csrf")) {
        return Err(Failure::new(Code::FormRefused, NOT_OURS));
    }
    Ok(form)
}

pub(super) const NOT_OURS: &str = "This form does not belong to your session. Nothing was changed. Go back, reload the page, and send the form again.";

pub(super) async fn read_form(
    app: &App,
    head: &Parts,
    unread: &mut Option<Body>,
) -> Result<Form, Failure> {
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
    let body = body::read(unread.take().unwrap_or_default(), LARGEST, "form").await?;
    let form = Form::read(&body)?;
    if form
        .fields()
        .any(|(name, value)| app.raw_keys.occur_in(name) || app.raw_keys.occur_in(value))
    {
        return Err(refuse_raw_key());
    }
    Ok(form)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::place::CONSOLE;

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
        let one = format!("{}={value}", CONSOLE.cookie);
        assert!(
            cookie(
                &headers(&[("cookie", &format!("a=b; {one}"))]),
                CONSOLE.cookie
            )
            .is_some()
        );
        assert!(
            cookie(
                &headers(&[("cookie", &format!("{one}; {one}"))]),
                CONSOLE.cookie
            )
            .is_none()
        );
        assert!(
            cookie(
                &headers(&[("cookie", &one), ("cookie", &one)]),
                CONSOLE.cookie
            )
            .is_none()
        );
        for text in [
            "",
            &format!("keyward_console={value}"),
            &format!("{}=", CONSOLE.cookie),
        ] {
            assert!(
                cookie(&headers(&[("cookie", text)]), CONSOLE.cookie).is_none(),
                "{text}"
            );
        }
    }
}
