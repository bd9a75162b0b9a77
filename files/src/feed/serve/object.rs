//! An object, or a range of one. It never changes, so caches may store it forever.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::condition::{self, Wanted};
use super::{Feed, plain};
use crate::feed::store::ObjectName;

/// The number of bytes that are read at a time.
const PIECE: u64 = 256 << 10;

/// A client that reads nothing for this long is disconnected.
const STALLED: Duration = Duration::from_secs(30);

const KIND: [(header::HeaderName, &str); 3] = [
    (header::CONTENT_TYPE, "application/octet-stream"),
    (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    (header::ACCEPT_RANGES, "bytes"),
];

pub(super) async fn answer(feed: &Feed, request: &Parts) -> Response {
    let last = request.uri.path().rsplit('/').next();
    let Some(name) = last.and_then(ObjectName::parse) else {
        return plain(StatusCode::NOT_FOUND, "there is no such object\n");
    };
    let tag = format!("\"{name}\"");
    let headers = &request.headers;
    let path = feed.folder.join("o").join(name.to_string());
    let opened = spawn_blocking(move || {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        io::Result::Ok((file, size))
    });
    let (file, size) = match opened.await {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
            return plain(StatusCode::NOT_FOUND, "there is no such object\n");
        }
        Ok(Err(_)) | Err(_) => {
            return plain(StatusCode::INTERNAL_SERVER_ERROR, "it cannot be read\n");
        }
    };
    if condition::has(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, KIND, [(header::ETAG, tag)]).into_response();
    }
    let (status, first, length) = match condition::wanted(headers, size) {
        Wanted::Whole => (StatusCode::OK, 0, size),
        Wanted::Part(first, length) => (StatusCode::PARTIAL_CONTENT, first, length),
        Wanted::Nowhere => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, KIND, range).into_response();
        }
    };
    let about = [
        (header::ETAG, tag),
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    let body = match request.method == Method::HEAD {
        true => Body::empty(),
        false => Body::new(Pieces::of(file, first, length)),
    };
    let mut response = (status, KIND, about, body).into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let last = first.saturating_add(length).saturating_sub(1);
        let range = format!("bytes {first}-{last}/{size}");
        if let Ok(range) = range.parse() {
            response.headers_mut().insert(header::CONTENT_RANGE, range);
        }
    }
    response
}

/// A part of a file, read as fast as the client receives it.
struct Pieces {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    left: u64,
}

impl Pieces {
    fn of(file: File, first: u64, length: u64) -> Self {
        let (sender, pieces) = mpsc::channel(1);
        tokio::spawn(send(Arc::new(file), first, length, sender));
        Self {
            pieces,
            left: length,
        }
    }
}

async fn send(
    file: Arc<File>,
    mut at: u64,
    mut left: u64,
    sender: mpsc::Sender<io::Result<Bytes>>,
) {
    while left > 0 {
        let length = left.min(PIECE);
        let source = Arc::clone(&file);
        let read = spawn_blocking(move || {
            let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
            source.read_exact_at(&mut bytes, at)?;
            io::Result::Ok(Bytes::from(bytes))
        });
        let read = read
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        let is_over = read.is_err();
        let sent = timeout(STALLED, sender.send(read)).await;
        if is_over || !matches!(sent, Ok(Ok(()))) {
            return;
        }
        at = at.saturating_add(length);
        left = left.saturating_sub(length);
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.pieces.poll_recv(context).map(|piece| match piece {
            Some(Ok(bytes)) => {
                let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                self.left = self.left.saturating_sub(length);
                Some(Ok(Frame::data(bytes)))
            }
            Some(Err(error)) => Some(Err(error)),
            None if self.left > 0 => Some(Err(io::Error::from(io::ErrorKind::TimedOut))),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
