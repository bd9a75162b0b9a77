//! What the filter needs from the proxy that runs it.

use std::fmt;
use std::net::IpAddr;

use super::counter::Counter;
use crate::reply::{Activity, Reply};
use crate::usage::Event;

/// The level of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// For information.
    Info,
    /// Someone must look at it.
    Error,
}

/// A header's name in lower case, and its value as the client sent it.
pub type Header<'a> = (&'a [u8], &'a [u8]);

/// A request, as its host presents it. [`super::exchange::run`] calls the methods in this order: it
/// reads and judges the request in [`Self::with_headers`], then carries the ruling out with
/// setters, and then counts.
///
/// Every call that may change the request takes `&mut self`, so nothing that [`Self::with_headers`]
/// shows can be kept until then. A host may show headers in the proxy's own memory, which a setter
/// frees.
pub trait Host {
    /// Why the host failed a call. It is logged, so it must not contain anything of the request.
    type Fault: fmt::Display;

    /// Returns the time in Unix seconds, if there is a clock.
    fn now(&self) -> Option<u64>;

    /// Returns the client's address as the proxy determines it, if there is one.
    fn client_address(&self) -> Option<IpAddr>;

    /// Returns the address that the client connected to, if it is an IP address.
    fn own_address(&self) -> Option<IpAddr>;

    /// Returns a new value for every call. It need not be secret.
    fn entropy(&self) -> u128;

    /// Shows all headers of the request, in order, including pseudo-headers. A fault denies the
    /// request.
    fn with_headers<R>(&self, read: impl FnOnce(&[Header<'_>]) -> R) -> Result<R, Self::Fault>;

    /// Returns how active a key was before this request.
    fn activity(&self, key: &str) -> Activity;

    /// Returns the usage report from that part on: see [`crate::usage::report`].
    fn usage_report(&self, from: usize) -> String;

    /// Removes all headers with that name from the request.
    fn remove_header(&mut self, name: &[u8]) -> Result<(), Self::Fault>;

    /// Adds a header to the request, after all others.
    fn add_header(&mut self, name: &str, value: &str) -> Result<(), Self::Fault>;

    /// Sets the filter state `wasm.NAME`. For a request that passes, this is the last call that can
    /// fail.
    fn set_state(&mut self, name: &str, value: &str) -> Result<(), Self::Fault>;

    /// Answers instead of the upstream. A gRPC client also learns from the answer that the call
    /// failed (unless the status is 200).
    fn reply(&mut self, reply: &Reply) -> Result<(), Self::Fault>;

    /// Ends the request without an answer: the last resort if none can be sent.
    fn reset(&mut self);

    /// Increments a counter.
    fn count(&mut self, counter: Counter);

    /// Counts a request for its key.
    fn count_key(&mut self, key: &str, event: Event);

    /// Does what [`Self::count_key`] does, for a key that does not exist, in about the same time.
    fn count_no_key(&mut self);

    /// Writes a log line.
    fn log(&mut self, level: LogLevel, line: &str);
}
