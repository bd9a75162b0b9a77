//! A client for one server, over one connection that stays open between requests. Everything has a
//! limit: how long it waits, and how long an answer is.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::place::Place;
use keyward_files::tls;

/// How long to wait for a connection, and for each piece of an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request. The client adds `Host` and the length.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// The path, including its query.
    pub(crate) path: &'a str,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Vec<u8>,
}

impl<'a> Request<'a> {
    pub(crate) fn new(method: &'a str, path: &'a str) -> Self {
        Self {
            method,
            path,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }
}

/// The answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// Returns the first header with this name, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A connection that is made when it is needed, and again if it was closed.
pub(crate) struct Client {
    place: Place,
    runtime: Runtime,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub(crate) fn new(place: Place) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Self {
            place,
            runtime: runtime.context("this process cannot use the network")?,
            open: None,
        })
    }

    /// Returns the place of the server.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Sends a request. An answer of more than `longest` bytes is an error. If a request fails, it
    /// is unknown whether the server carried it out.
    pub(crate) fn send(&mut self, request: &Request<'_>, longest: usize) -> Result<Response> {
        let Self {
            place,
            runtime,
            open,
        } = self;
        runtime.block_on(async {
            let kept = open.take();
            let mut connection = match kept.filter(|kept| !kept.is_closed()) {
                Some(kept) => kept,
                None => connect(place).await?,
            };
            let response = exchange(&mut connection, place, request, longest).await?;
            *open = Some(connection);
            Ok(response)
        })
    }
}

async fn exchange(
    connection: &mut SendRequest<Full<Bytes>>,
    place: &Place,
    request: &Request<'_>,
    longest: usize,
) -> Result<Response> {
    patiently(connection.ready()).await?;
    let mut built = hyper::Request::builder()
        .method(request.method)
        .uri(request.path)
        .header(HOST, place.host_header())
        .body(Full::new(Bytes::from(request.body.clone())))?;
    built.headers_mut().extend(request.headers.iter().cloned());
    let answered = patiently(connection.send_request(built)).await?;
    let (head, body) = answered.into_parts();
    Ok(Response {
        status: head.status.as_u16(),
        headers: head.headers,
        body: read(body, longest).await?,
    })
}

async fn read(mut body: Incoming, longest: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(frame) = timeout(PATIENCE, body.frame()).await.map_err(late)? {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        if bytes.len().saturating_add(data.len()) > longest {
            bail!("the answer is longer than {longest} bytes");
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

async fn connect(place: &Place) -> Result<SendRequest<Full<Bytes>>> {
    match place {
        Place::Plain(authority) => {
            let stream = patiently(TcpStream::connect(authority.as_str())).await?;
            shake_hands(TokioIo::new(stream)).await
        }
        Place::Tls(authority) => {
            let (connector, name) = (tls::connector()?, tls::name(authority.host())?);
            let stream = patiently(TcpStream::connect(authority.as_str())).await?;
            let stream = patiently(connector.connect(name, stream)).await;
            let stream = stream.context("no TLS connection can be made")?;
            shake_hands(TokioIo::new(stream)).await
        }
        Place::Socket(path) => {
            let stream = patiently(UnixStream::connect(path)).await?;
            shake_hands(TokioIo::new(stream)).await
        }
    }
}

/// Starts HTTP on a connection. The same thread transports the bytes while it waits for a request.
async fn shake_hands(
    io: impl Read + Write + Unpin + Send + 'static,
) -> Result<SendRequest<Full<Bytes>>> {
    let (sender, carrier) = patiently(http1::handshake(io)).await?;
    tokio::spawn(async move {
        // The affected request also receives the error.
        let _ = carrier.await;
    });
    Ok(sender)
}

/// Waits for a step, but no longer than [`PATIENCE`].
async fn patiently<T, E>(step: impl Future<Output = Result<T, E>>) -> Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let done = timeout(PATIENCE, step).await.map_err(late)?;
    Ok(done?)
}

fn late(_: tokio::time::error::Elapsed) -> std::io::Error {
    let why = format!("nothing came within {} seconds", PATIENCE.as_secs());
    std::io::Error::new(std::io::ErrorKind::TimedOut, why)
}
