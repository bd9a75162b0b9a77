//! Serves a feed's folder over HTTP/1.1, with answers that wait for the next head. The module has
//! no listener: a caller serves [`Feed::router`] on one, and decides who has access.

mod claim;
mod condition;
mod fleet;
mod head;
pub mod listen;
mod object;
mod poll;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::{Semaphore, watch};

pub use claim::Claim;
use fleet::Fleet;
pub use head::Named;
use head::{Content, Watcher};

/// How a feed is served.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The maximum number of polls that wait at the same time. Others are answered immediately, and
    /// their gateways ask again after their interval.
    pub most_polls: usize,
    /// The maximum time that a poll waits, even if it asks for more.
    pub longest_wait: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            most_polls: 10_000,
            longest_wait: Duration::from_secs(55),
        }
    }
}

/// A folder that is being served.
pub struct Feed {
    folder: PathBuf,
    settings: Settings,
    head: watch::Receiver<Option<Arc<Content>>>,
    /// True when the server is about to stop. Then every waiting poll is answered.
    stop: watch::Sender<bool>,
    polls: Semaphore,
    fleet: Fleet,
    _watcher: Watcher,
}

impl Feed {
    /// Reads the head of a folder and starts to follow it.
    pub fn open(folder: &Path, settings: Settings) -> Result<Arc<Self>> {
        let (watcher, head) = Watcher::start(folder)?;
        Ok(Arc::new(Self {
            folder: folder.to_owned(),
            settings,
            head,
            stop: watch::channel(false).0,
            polls: Semaphore::new(settings.most_polls.min(Semaphore::MAX_PERMITS)),
            fleet: Fleet::default(),
            _watcher: watcher,
        }))
    }

    /// Returns a router for `/head`, `/o/…` and `/fleet`.
    pub fn router(self: &Arc<Self>) -> Router {
        let objects = Arc::clone(self);
        let fleet = Arc::clone(self);
        let heads = Arc::clone(self);
        Router::new()
            .route(
                "/head",
                get(move |headers: HeaderMap| async move {
                    let _seen = heads.fleet.note(&headers, crate::clock::now());
                    heads.answer_poll(&headers).await.response
                }),
            )
            .route(
                "/o/{name}",
                get(move |request: Request| async move {
                    objects.answer_object(&request.into_parts().0).await
                }),
            )
            .route("/fleet", get(move || async move { fleet.fleet_page() }))
    }

    /// Returns the same routes below a path, which begins with `/` and does not end with it.
    pub fn router_below(self: &Arc<Self>, path: &str) -> Router {
        Router::new().nest(path, self.router())
    }

    /// Answers a request for the head, for a caller that knows the sender. The answer may wait for
    /// the next head.
    pub async fn answer_poll(&self, headers: &HeaderMap) -> Polled {
        poll::answer(self, headers).await
    }

    /// Answers a request for an object, which the last segment of the path names.
    pub async fn answer_object(&self, request: &Parts) -> Response {
        object::answer(self, request).await
    }

    /// Returns the head that is being served.
    #[must_use]
    pub fn head(&self) -> Option<Named> {
        let served = self.head.borrow().clone();
        served.and_then(|content| content.named)
    }

    /// Answers all waiting polls.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    fn fleet_page(&self) -> Response {
        let revision = self.head().map(|head| head.revision);
        let page = self.fleet.page(revision, crate::clock::now());
        let kind = [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (kind, page).into_response()
    }
}

/// The answer to a poll, and the head that its sender then has.
#[derive(Debug)]
pub struct Polled {
    /// The answer.
    pub response: Response,
    /// The head in the answer, or the head that is unchanged. `None` if the feed has none.
    pub head: Option<Named>,
}

/// Returns an answer with a plain text body.
fn plain(status: StatusCode, text: &'static str) -> Response {
    let kind = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    )];
    (status, kind, text).into_response()
}
