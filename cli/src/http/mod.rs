//! The command's one HTTP client: Envoy's admin interfaces and keyward-server's API, over TCP, TLS and Unix sockets. Conformance cases are the exception:
//! they are often requests that a client library refuses to send, and `conformance/wire.rs` writes them byte by byte.

mod client;
mod place;

use std::io;

use anyhow::Result;

pub(super) use client::{Client, Request, Response};
pub(super) use place::{Authority, Place, authority};

/// One request to Envoy's admin interface, on a connection of its own. An answer of more than `longest` bytes is an error.
pub(super) fn ask(to: &Authority, method: &str, path: &str, longest: usize) -> Result<Response> {
    let mut client = Client::new(Place::plain(to.clone()))?;
    client.send(&Request::new(method, path), longest)
}

/// Whether a request may have been lost on its way, or its answer on the way back: the network failed, and nobody refused anything.
pub(super) fn is_of_the_network(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.is::<io::Error>() || cause.is::<hyper::Error>())
}
