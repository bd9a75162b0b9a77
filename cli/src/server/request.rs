//! One request to the server. If the request or its answer is lost on the way, it is sent again,
//! and the server carries it out only once. The result is an object or the reason of a refusal.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, IF_MATCH, USER_AGENT};
use serde_json::Value as Json;
use zeroize::Zeroize;

use super::Server;
use super::answer::Refused;
use crate::http::{Request, Response, is_of_the_network};
use keyward_files::randomness::new_random_id;

/// The maximum size of an answer. Even a page of 100 keys with 300 permissions each is smaller.
const LONGEST_ANSWER: usize = 16 << 20;

/// The maximum number of times that a request is sent.
const TRIES: u32 = 4;

/// How long to wait before the second attempt. Each further wait is twice as long.
const PAUSE: Duration = Duration::from_millis(200);

/// The maximum number of seconds that the server may ask the command to wait.
const LONGEST_PAUSE: u64 = 5;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A method, and whether the server carries out a repeated request only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Put,
    Delete,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    /// Whether the request has an `Idempotency-Key`.
    fn has_key(self) -> bool {
        match self {
            Self::Post | Self::Delete => true,
            Self::Get | Self::Put => false,
        }
    }

    /// Whether the request may be sent again if its outcome is unknown.
    fn is_repeatable(self) -> bool {
        match self {
            Self::Get | Self::Post | Self::Delete => true,
            Self::Put => false,
        }
    }
}

/// A request that has not been sent yet.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) body: Option<Json>,
    /// The version that was seen.
    pub(super) version: Option<u64>,
}

impl<'a> Call<'a> {
    pub(super) fn get(path: &'a str) -> Self {
        Self {
            method: Method::Get,
            path,
            body: None,
            version: None,
        }
    }

    pub(super) fn post(path: &'a str, body: Json) -> Self {
        Self {
            method: Method::Post,
            body: Some(body),
            ..Self::get(path)
        }
    }

    /// Makes the request apply only if the object still has the version that was seen.
    pub(super) fn at(self, version: Option<u64>) -> Self {
        Self { version, ..self }
    }
}

impl Server {
    /// Sends a request, and returns the object in the answer or the refusal.
    pub(super) fn call(&self, call: &Call<'_>) -> Result<Result<Json, Refused>> {
        let place = self.shown();
        let mut response = self
            .sent(call)
            .with_context(|| format!("`{place}` cannot be asked"))?;
        let read = read(&response, &place);
        // The answer may contain the value of a new key.
        response.body.zeroize();
        read
    }

    /// Like [`Self::call`], but a refusal is an error.
    pub(super) fn ask(&self, call: &Call<'_>) -> Result<Json> {
        self.call(call)?.map_err(|refused| refused.to_error())
    }

    /// Returns the text in the answer to a GET, which is of this media type.
    pub(super) fn ask_for_text(&self, path: &str, media_type: &str) -> Result<String> {
        let place = self.shown();
        let response = self
            .sent(&Call::get(path))
            .with_context(|| format!("`{place}` cannot be asked"))?;
        if response.status == 200 && response.header("content-type") == Some(media_type) {
            let text = String::from_utf8(response.body);
            return text.ok().with_context(|| strange(&place, 200));
        }
        match read(&response, &place)? {
            Err(refused) => Err(refused.to_error()),
            Ok(_) => bail!(strange(&place, response.status)),
        }
    }

    fn sent(&self, call: &Call<'_>) -> Result<Response> {
        let request = self.request(call)?;
        let mut pause = PAUSE;
        for attempt in 1.. {
            let is_last = attempt == TRIES;
            match self.client.borrow_mut().send(&request, LONGEST_ANSWER) {
                Ok(response) => {
                    let Some(asked) = wait_of(&response).filter(|_| !is_last) else {
                        return Ok(response);
                    };
                    thread::sleep(asked.max(pause));
                }
                Err(error)
                    if !is_last && is_of_the_network(&error) && call.method.is_repeatable() =>
                {
                    thread::sleep(pause);
                }
                Err(error) if call.method == Method::Get => return Err(error),
                Err(error) => {
                    return Err(error.context(
                        "whether the change was made is not known; look, and run this again",
                    ));
                }
            }
            pause = pause.saturating_mul(2);
        }
        bail!("it was not asked; please report this")
    }

    fn request<'a>(&self, call: &Call<'a>) -> Result<Request<'a>> {
        let mut request = Request::new(call.method.name(), call.path);
        let agent = concat!("keyward/", env!("CARGO_PKG_VERSION"));
        request
            .headers
            .push((USER_AGENT, HeaderValue::from_static(agent)));
        if let Some(authorization) = &self.authorization {
            request.headers.push((AUTHORIZATION, authorization.clone()));
        }
        if let Some(body) = &call.body {
            let json = HeaderValue::from_static("application/json");
            request.headers.push((CONTENT_TYPE, json));
            request.body = serde_json::to_vec(body)?;
        }
        if call.method.has_key() {
            let key = HeaderValue::try_from(format!("keyward-{}", new_random_id()?))?;
            request.headers.push((IDEMPOTENCY_KEY, key));
        }
        if let Some(version) = call.version {
            let tag = HeaderValue::try_from(format!("\"v{version}\""))?;
            request.headers.push((IF_MATCH, tag));
        }
        Ok(request)
    }
}

/// Returns how long to wait before the same request may succeed, if the server says that it may.
fn wait_of(response: &Response) -> Option<Duration> {
    let may_succeed = response.header("stripe-should-retry") == Some("true");
    may_succeed.then(|| {
        let seconds = response.header("retry-after");
        let seconds: u64 = seconds.and_then(|text| text.parse().ok()).unwrap_or(0);
        Duration::from_secs(seconds.min(LONGEST_PAUSE))
    })
}

fn read(response: &Response, place: &str) -> Result<Result<Json, Refused>> {
    let json: Option<Json> = serde_json::from_slice(&response.body).ok();
    let status = response.status;
    match json {
        Some(object) if (200..300).contains(&status) => Ok(Ok(object)),
        Some(body) if status >= 400 => Refused::read(response, &body)
            .map(Err)
            .with_context(|| strange(place, status)),
        Some(_) | None => bail!(strange(place, status)),
    }
}

fn strange(place: &str, status: u16) -> String {
    format!(
        "`{place}` does not answer as keyward-server does (status {status}); is it the gateway before one?"
    )
}
