//! What the filter asks of the proxy it runs in.

use std::fmt;
use std::net::IpAddr;

use super::counter::Counter;
use crate::reply::{Activity, Reply};
use crate::usage::Event;

/// How loud a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// It shows what happened.
    Info,
    /// Someone has to look.
    Error,
}

/// A header's name, in lower case, and its value, as the client sent it.
pub type Header<'a> = (&'a [u8], &'a [u8]);

/// One request, as its host shows it. [`super::exchange::run`] calls it in this order: the request is read and judged in
/// [`Self::with_headers`], then it is carried out by setters, then counted.
///
/// Every call that may change the request takes `&mut self`, so nothing that [`Self::with_headers`] shows can be kept until then: a host
/// may show headers where they are in the proxy's own memory, which a setter frees.
pub trait Host {
    /// Why the host refused a call. It is logged, so it holds nothing of the request.
    type Fault: fmt::Display;

    /// Unix seconds, if there is a clock.
    fn now(&self) -> Option<u64>;

    /// The client's address, as the proxy establishes it, if it has one.
    fn client_address(&self) -> Option<IpAddr>;

    /// The address that the client connected to, if it is one.
    fn own_address(&self) -> Option<IpAddr>;

    /// Fresh for every call. It need not be secret.
    fn entropy(&self) -> u128;

    /// Shows all headers of the request, in their order, pseudo headers among them. A fault denies the request.
    fn with_headers<R>(&self, read: impl FnOnce(&[Header<'_>]) -> R) -> Result<R, Self::Fault>;

    /// How active a key was before this request.
    fn activity(&self, key: &str) -> Activity;

    /// The usage report from that part on: see [`crate::usage::report`].
    fn usage_report(&self, from: usize) -> String;

    /// Takes all headers of that name off the request.
    fn remove_header(&mut self, name: &[u8]) -> Result<(), Self::Fault>;

    /// Adds a header to the request, after all others.
    fn add_header(&mut self, name: &str, value: &str) -> Result<(), Self::Fault>;

    /// Sets filter state `wasm.NAME`. For a request that passes this is the last call that can fail.
    fn set_state(&mut self, name: &str, value: &str) -> Result<(), Self::Fault>;

    /// Answers in the upstream's stead. A gRPC client learns from it as well, that this is not a success (but for a status of 200).
    fn reply(&mut self, reply: &Reply) -> Result<(), Self::Fault>;

    /// Ends the request without an answer: the last resort where none can be sent.
    fn reset(&mut self);

    /// Adds one to a counter.
    fn count(&mut self, counter: Counter);

    /// Counts one request among its key's.
    fn count_key(&mut self, key: &str, event: Event);

    /// Does what [`Self::count_key`] does for a key that no one has, in about the same time.
    fn count_no_key(&mut self);

    /// Writes a log line.
    fn log(&mut self, level: LogLevel, line: &str);
}
