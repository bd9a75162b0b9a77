//! One request, as Envoy shows it to the filter.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;

use keyward::address::parse_source;
use keyward::filter::counter::Counter;
use keyward::filter::host::{self, Host};
use keyward::reply::{Activity, Reply};
use keyward::usage::{self, Event};

use crate::abi::{Buffer, DESTINATION_ADDRESS, ERROR, Header, INFO, SOURCE_ADDRESS, Stream, log};
use crate::boundary::Fault;
use crate::plugin::{Plugin, now};
use crate::store::Pages;
use crate::workers::Worker;

/// Envoy takes at most 100 headers from a client, unless it is told otherwise.
const MOST_HEADERS: usize = 10_000;

/// So many are read without an allocation.
const ON_STACK: usize = 64;

/// One request.
pub(crate) struct Request<'a> {
    /// Its plugin and the share of its worker, where there is one.
    plugin: Option<(&'a Plugin, &'a Worker)>,
    stream: Stream<'a>,
}

impl<'a> Request<'a> {
    pub(crate) fn of(plugin: &'a Plugin, stream: Stream<'a>) -> Self {
        let worker = plugin.workers().of(stream.worker());
        Self {
            plugin: Some((plugin, worker)),
            stream,
        }
    }

    pub(crate) fn of_none(stream: Stream<'a>) -> Self {
        Self {
            plugin: None,
            stream,
        }
    }

    fn end(&self, end: u32) -> Option<IpAddr> {
        parse_source(self.stream.address(end)?)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

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

    /// Two hashes with keys that the standard library seeds at random.
    fn entropy(&self) -> u128 {
        let half = || u128::from(RandomState::new().build_hasher().finish());
        half() << 64 | half()
    }

    fn with_headers<R>(&self, read: impl FnOnce(&[host::Header<'_>]) -> R) -> Result<R, Fault> {
        // A request has headers, if only `:method`: none is how Envoy says that it does not know.
        let count = match self.stream.header_count() {
            0 => return Err(Fault("the request's headers are not there")),
            count if count > MOST_HEADERS => return Err(Fault("the request has too many headers")),
            count => count,
        };
        let (mut few, mut many) = ([Header::NULL; ON_STACK], Vec::new());
        let headers = of_length(count, &mut few, &mut many, Header::NULL);
        self.stream.read_headers(headers)?;
        let (mut few, mut many) = ([(&[][..], &[][..]); ON_STACK], Vec::new());
        let pairs = of_length(count, &mut few, &mut many, (&[], &[]));
        for (pair, header) in pairs.iter_mut().zip(headers.iter()) {
            *pair = (header.name.text()?, header.value.text()?);
            if pair.0.is_empty() {
                return Err(Fault("a header has no name"));
            }
        }
        Ok(read(pairs))
    }

    fn activity(&self, key: &str) -> Activity {
        let Some((plugin, _)) = self.plugin else {
            return Activity::default();
        };
        let workers = plugin.workers().all();
        let own = workers.fold(0_u64, |sum, worker| {
            sum.saturating_add(worker.usage().of(key).accepted())
        });
        let shared = usage::shared(&mut Pages, plugin.id(), key).unwrap_or_default();
        let last = if own > 0 {
            now()
        } else {
            Some(shared.last_accepted).filter(|last| *last > 0)
        };
        Activity {
            count: shared.counts.accepted().saturating_add(own),
            last,
        }
    }

    fn usage_report(&self, from: usize) -> String {
        usage::report(&mut Pages, from)
    }

    fn remove_header(&mut self, name: &[u8]) -> Result<(), Fault> {
        self.stream.remove_header(name)
    }

    fn add_header(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        self.stream.add_header(name.as_bytes(), value.as_bytes())
    }

    fn set_state(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        // The key that the filter in wasm has, which the interlock and access logs name.
        self.stream.set_state(&format!("wasm.{name}"), value)
    }

    fn reply(&mut self, reply: &Reply) -> Result<(), Fault> {
        let grpc = self
            .with_headers(is_grpc)
            .unwrap_or(false)
            .then(|| grpc_status(reply.status));
        let own = reply.headers.iter();
        let own = own.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        // Envoy says 0, which is success, unless there is such a header.
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
        if let Some((_, worker)) = self.plugin {
            worker.count(counter);
        }
    }

    fn count_key(&mut self, key: &str, event: Event) {
        let Some((plugin, worker)) = self.plugin else {
            return;
        };
        if worker.usage().count(key, event) {
            return;
        }
        let mut full = std::mem::take(&mut *worker.usage());
        plugin.share(&mut full);
        let mut pending = worker.usage();
        if !pending.count(key, event) {
            pending.give_up();
        }
    }

    fn count_no_key(&mut self) {
        if let Some((_, worker)) = self.plugin {
            std::hint::black_box(worker.usage().of(""));
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

/// `count` places: `few` if they are enough, and else `many`.
fn of_length<'a, T: Clone>(
    count: usize,
    few: &'a mut [T; ON_STACK],
    many: &'a mut Vec<T>,
    empty: T,
) -> &'a mut [T] {
    if count <= ON_STACK {
        return few.split_at_mut(count).0;
    }
    many.resize(count, empty);
    many
}

/// Whether Envoy answers in gRPC's way, by its own rule: this type, or one that goes on with a plus.
fn is_grpc(headers: &[host::Header<'_>]) -> bool {
    let mut types = headers.iter().filter(|(name, _)| *name == b"content-type");
    types.any(|(_, value)| {
        let rest = value.strip_prefix(b"application/grpc");
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+')))
    })
}

/// What a gRPC client makes of an HTTP status, as Envoy has it for the filter in wasm.
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
