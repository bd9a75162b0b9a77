//! A request, as Envoy presents it to the filter.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;

use keyward::address::parse_source;
use keyward::filter::counter::Counter;
use keyward::filter::host::{self, Host};
use keyward::reply::{Activity, Reply};
use keyward::usage::{self, Event};

use crate::abi::{Buffer, DESTINATION_ADDRESS, ERROR, Header, INFO, SOURCE_ADDRESS, Stream, log};
use crate::clock::now;
use crate::counts::Counts;
use crate::fault::Fault;
use crate::store::Pages;
use crate::workers::Worker;

/// The maximum number of headers. By default, Envoy accepts at most 100 from a client.
const MOST_HEADERS: usize = 10_000;

/// The number of headers that are read without an allocation. All places are cleared for each
/// request, used or not.
const ON_STACK: usize = 32;

/// A request.
pub(crate) struct Request<'a> {
    /// Its plugin's parts, if it has a plugin.
    plugin: Option<OfPlugin<'a>>,
    stream: Stream<'a>,
    /// Whether any of its headers was changed.
    is_changed: bool,
}

/// What a request needs from its plugin.
#[derive(Clone, Copy)]
struct OfPlugin<'a> {
    counts: &'a Counts,
    /// Its worker's share.
    worker: &'a Worker,
    /// The filter state's key, for calls to Envoy.
    state: &'a str,
}

impl<'a> Request<'a> {
    /// Creates a request. `state` is the [`state_key`] of the plugin's configuration.
    pub(crate) fn of(counts: &'a Counts, worker: u32, state: &'a str, stream: Stream<'a>) -> Self {
        let plugin = OfPlugin {
            counts,
            worker: counts.workers().of(worker),
            state,
        };
        Self {
            plugin: Some(plugin),
            stream,
            is_changed: false,
        }
    }

    pub(crate) fn of_none(stream: Stream<'a>) -> Self {
        Self {
            plugin: None,
            stream,
            is_changed: false,
        }
    }

    fn end(&self, end: u32) -> Option<IpAddr> {
        parse_source(self.stream.address(end)?)
    }
}

/// Returns the key of the filter state with that name, as the interlock and access logs name it.
/// The wasm filter has the same key.
pub(crate) fn state_key(name: &str) -> String {
    format!("{STATE}{name}")
}

const STATE: &str = "wasm.";

impl Host for Request<'_> {
    type Fault = Fault;

    fn now(&self) -> Option<u64> {
        now()
    }

    fn client_address(&self) -> Option<IpAddr> {
        self.end(SOURCE_ADDRESS)
    }

    fn own_address(&self) -> Option<IpAddr> {
        self.end(DESTINATION_ADDRESS)
    }

    /// Returns two hashes, with keys that the standard library seeds randomly.
    fn entropy(&self) -> u128 {
        let half = || u128::from(RandomState::new().build_hasher().finish());
        half() << 64 | half()
    }

    fn with_headers<R>(&self, read: impl FnOnce(&[host::Header<'_>]) -> R) -> Result<R, Fault> {
        let (mut few, mut many) = ([Header::NULL; ON_STACK], Vec::new());
        let headers = self.stream.headers(MOST_HEADERS, &mut few, &mut many)?;
        let (mut few, mut many) = ([(&[][..], &[][..]); ON_STACK], Vec::new());
        let pairs = of_length(headers.len(), &mut few, &mut many, (&[], &[]))?;
        for (pair, header) in pairs.iter_mut().zip(headers) {
            *pair = (header.name.text()?, header.value.text()?);
            if pair.0.is_empty() {
                return Err(Fault("a header has no name"));
            }
        }
        Ok(read(pairs))
    }

    fn activity(&self, key: &str) -> Activity {
        self.plugin
            .map(|plugin| plugin.counts.activity(key))
            .unwrap_or_default()
    }

    fn usage_report(&self, from: usize) -> String {
        usage::report(&mut Pages, from)
    }

    fn remove_header(&mut self, name: &[u8]) -> Result<(), Fault> {
        self.is_changed = true;
        self.stream.remove_header(name)
    }

    fn add_header(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        self.is_changed = true;
        self.stream.add_header(name.as_bytes(), value.as_bytes())
    }

    fn set_state(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        // For the wasm filter, Envoy does this itself. Routes may match headers and this state.
        if std::mem::take(&mut self.is_changed) && !self.stream.has_answered() {
            self.stream.forget_route();
        }
        match self.plugin {
            Some(plugin) if plugin.state.strip_prefix(STATE) == Some(name) => {
                self.stream.set_state(plugin.state, value)
            }
            _ => self.stream.set_state(&state_key(name), value),
        }
    }

    fn reply(&mut self, reply: &Reply) -> Result<(), Fault> {
        let grpc = self
            .with_headers(is_grpc)
            .unwrap_or(false)
            .then(|| grpc_status(reply.status));
        let own = reply.headers.iter();
        let own = own.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        // Without such a header, Envoy would send 0, which means success.
        let status = grpc.map(|status| (&b"grpc-status"[..], status.as_bytes()));
        let headers: Vec<Header<'_>> = own
            .chain(status)
            .map(|(name, value)| Header {
                name: Buffer::of(name),
                value: Buffer::of(value),
            })
            .collect();
        self.stream
            .answer(reply.status, &headers, [&reply.body, &reply.details]);
        Ok(())
    }

    fn reset(&mut self) {
        self.stream.reset();
    }

    fn count(&mut self, counter: Counter) {
        if let Some(plugin) = self.plugin {
            plugin.worker.count(counter);
        }
    }

    fn count_key(&mut self, key: &str, event: Event) {
        if let Some(plugin) = self.plugin {
            plugin.counts.count_key(plugin.worker, key, event);
        }
    }

    fn count_no_key(&mut self) {
        if let Some(plugin) = self.plugin {
            std::hint::black_box(plugin.worker.usage().of(""));
        }
    }

    fn log(&mut self, level: host::LogLevel, line: &str) {
        let level = match level {
            host::LogLevel::Info => INFO,
            host::LogLevel::Error => ERROR,
        };
        log(level, line);
    }
}

/// Returns `count` places: from `few` if they are enough, and otherwise from `many`.
fn of_length<'a, T: Clone>(
    count: usize,
    few: &'a mut [T; ON_STACK],
    many: &'a mut Vec<T>,
    empty: T,
) -> Result<&'a mut [T], Fault> {
    if count <= ON_STACK {
        return Ok(few.split_at_mut(count).0);
    }
    let has_room = many.try_reserve_exact(count);
    has_room.map_err(|_| Fault("there is no memory for the headers"))?;
    many.resize(count, empty);
    Ok(many)
}

/// Returns whether Envoy would answer as for gRPC, by Envoy's rule: this content type, also with a
/// suffix after a plus.
fn is_grpc(headers: &[host::Header<'_>]) -> bool {
    let mut types = headers.iter().filter(|(name, _)| *name == b"content-type");
    types.any(|(_, value)| {
        let rest = value.strip_prefix(b"application/grpc");
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+')))
    })
}

/// Returns the gRPC status for an HTTP status, as Envoy converts it for the wasm filter.
///
/// Source: <https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md>
fn grpc_status(status: u16) -> &'static str {
    match status {
        200 => "0",
        400 => "13",
        401 => "16",
        403 => "7",
        404 => "12",
        429 | 502 | 503 | 504 => "14",
        _ => "2",
    }
}
