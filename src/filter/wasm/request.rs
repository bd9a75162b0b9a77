//! A request, as a proxy-wasm host presents it.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use super::abi::{self, HostStatus};
use super::instance::Instance;
use super::metrics::Metrics;
use super::shared_data::SharedData;
#[cfg(feature = "trap-door")]
use super::trap_door;
use crate::address;
use crate::configuration::Configuration;
use crate::filter::counter::Counter;
use crate::filter::exchange::{self, Flow};
use crate::filter::host::{Header, Host, LogLevel};
use crate::filter::monitor::Monitor;
use crate::header_map;
use crate::reply::{Activity, Reply};
use crate::usage::{self, Event};

/// A stream. It contains no snapshot, so that long streams do not keep old ones. Its instance
/// counts it as an open stream.
pub(super) struct Stream {
    instance: Option<Instance>,
    is_judged: bool,
}

impl Stream {
    pub(super) fn new(instance: Option<Instance>) -> Self {
        Self {
            instance,
            is_judged: false,
        }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let instance = self.instance.as_ref();
        let mut request = Request { instance };
        // Envoy calls this once per stream. A second call has no verdict, so the request does not
        // pass.
        let flow = if std::mem::replace(&mut self.is_judged, true) {
            exchange::refuse(&Configuration::closed(), &mut request)
        } else {
            #[cfg(feature = "trap-door")]
            trap_door::on_request();
            let closed = || Arc::new(Configuration::closed());
            let configuration = instance.map_or_else(closed, Instance::take_request);
            exchange::run(&configuration, &mut request, !end_of_stream)
        };
        match flow {
            Flow::Continue => Action::Continue,
            Flow::Stop => Action::Pause,
        }
    }
}

/// The request of the stream that Envoy's current call is about.
struct Request<'a> {
    instance: Option<&'a Instance>,
}

impl Host for Request<'_> {
    type Fault = HostStatus;

    fn now(&self) -> Option<u64> {
        abi::now()
    }

    fn client_address(&self) -> Option<IpAddr> {
        end("source\0address")
    }

    fn own_address(&self) -> Option<IpAddr> {
        end("destination\0address")
    }

    /// Returns two hashes, with keys that the standard library seeds randomly.
    fn entropy(&self) -> u128 {
        let half = || u128::from(RandomState::new().build_hasher().finish());
        half() << 64 | half()
    }

    fn with_headers<R>(&self, read: impl FnOnce(&[Header<'_>]) -> R) -> Result<R, HostStatus> {
        let map = abi::request_headers()?;
        let headers = header_map::pairs(&map).ok_or(HostStatus(0))?;
        Ok(read(&headers))
    }

    fn activity(&self, key: &str) -> Activity {
        self.instance
            .map(|instance| instance.activity(key))
            .unwrap_or_default()
    }

    fn usage_report(&self, from: usize) -> String {
        usage::report(&mut SharedData, from)
    }

    fn remove_header(&mut self, name: &[u8]) -> Result<(), HostStatus> {
        abi::remove_request_header(name)
    }

    fn add_header(&mut self, name: &str, value: &str) -> Result<(), HostStatus> {
        abi::add_request_header(name.as_bytes(), value.as_bytes())
    }

    fn set_state(&mut self, name: &str, value: &str) -> Result<(), HostStatus> {
        abi::set_filter_state(name, value)
    }

    fn reply(&mut self, reply: &Reply) -> Result<(), HostStatus> {
        let headers = header_map::serialize(&reply.headers);
        abi::send_local_response(reply.status, &reply.details, &reply.body, &headers)
    }

    fn reset(&mut self) {
        abi::reset_stream();
    }

    fn count(&mut self, counter: Counter) {
        Metrics.count(counter, 1);
    }

    fn count_key(&mut self, key: &str, event: Event) {
        if let Some(instance) = self.instance {
            instance.count(key, event);
        }
    }

    fn count_no_key(&mut self) {
        if let Some(instance) = self.instance {
            instance.count_nothing();
        }
    }

    fn log(&mut self, level: LogLevel, line: &str) {
        abi::log(level, line);
    }
}

/// Returns one end of the connection.
fn end(property: &str) -> Option<IpAddr> {
    address::parse_source(&abi::property(property).ok().flatten()?)
}
