//! The command's only HTTP client, for Envoy's admin interface and keyward-server's API, over TCP,
//! TLS and Unix sockets. Conformance cases are the exception: many are requests that a client
//! library would not send, so `conformance/wire.rs` writes them byte by byte.

mod client;
mod place;

use std::io;

use anyhow::Result;

pub(super) use client::{Client, Request, Response};
pub(super) use place::{Authority, Place, authority};

/// Sends one request to Envoy's admin interface, on a new connection. An answer of more than
/// `longest` bytes is an error.
pub(super) fn ask(to: &Authority, method: &str, path: &str, longest: usize) -> Result<Response> {
    let mut client = Client::new(Place::plain(to.clone()))?;
    client.send(&Request::new(method, path), longest)
}

/// Whether the network may have lost a request or its answer. False if the other side rejected the
/// request.
pub(super) fn is_of_the_network(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.is::<io::Error>() || cause.is::<hyper::Error>())
}
