//! The filter: the only code that talks to Envoy. It reads a request's head, asks the core, and carries out the verdict.

mod census;
mod gateway;
mod host;
mod memory;
mod metrics;
mod tenure;
#[cfg(feature = "trap-door")]
mod trap_door;
mod usage;
mod verification;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

use crate::address;
use crate::configuration::Configuration;
use crate::decision::{Decision, Denial, Environment, Permit, decide, verify};
use crate::header_map;
use crate::reason::DenyReason;
use crate::reply::{Reply, RequestId};
use crate::request::RequestHead;
use crate::upstream::{HeaderChange, each_header_change};
use gateway::{Gateway, Load};
use host::{HostStatus, LogLevel};
use tenure::{BACK_PERIOD, PluginId, Tenure};

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root { tenure: None }));
}}

/// When a configuration counts as loaded, in milliseconds after its load. Any time will do: Envoy ends a trial before it looks at a timer.
const SETTLING: u32 = 10;

/// One plugin in one VM, from one push to the next.
struct Root {
    tenure: Option<Rc<Tenure>>,
}

impl Context for Root {
    /// The plugin was replaced or taken away.
    fn on_done(&mut self) -> bool {
        // A timer outlives its root context.
        host::set_tick_period(0);
        if let Some(tenure) = self.tenure.take() {
            tenure.end();
        }
        true
    }
}

impl RootContext for Root {
    fn on_vm_start(&mut self, _size: usize) -> bool {
        let built = concat!(
            "keyward ",
            env!("CARGO_PKG_VERSION"),
            " (",
            env!("KEYWARD_COMMIT"),
            ")"
        );
        host::log(LogLevel::Info, built);
        true
    }

    /// False for one cause alone, the configuration's bytes: then every VM agrees, the trial load on Envoy's main thread among them, and the push is
    /// refused before a worker sees it.
    fn on_configure(&mut self, size: usize) -> bool {
        #[cfg(feature = "trap-door")]
        if let Some(result) = trap_door::on_configure(size) {
            return result;
        }
        match gateway::load(PluginId::of_this_plugin(), size) {
            Load::Serve(tenure) => {
                if let Some(before) = self.tenure.replace(tenure) {
                    before.end();
                }
                host::set_tick_period(SETTLING);
                true
            }
            Load::Refuse => false,
        }
    }

    fn on_tick(&mut self) {
        let again = self.tenure.as_ref().is_some_and(|tenure| {
            let is_back = tenure.tick();
            tenure.usage().tick(tenure.plugin(), is_back)
        });
        host::set_tick_period(if again { BACK_PERIOD } else { 0 });
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Exchange {
            tenure: self.tenure.clone(),
            is_decided: false,
        }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// One request. It holds no snapshot, so that long streams do not hold old ones; what it holds is counted as an open stream.
struct Exchange {
    tenure: Option<Rc<Tenure>>,
    is_decided: bool,
}

impl Context for Exchange {}

impl HttpContext for Exchange {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        // Envoy calls once per stream; a second call has no verdict, so it does not pass.
        if std::mem::replace(&mut self.is_decided, true) {
            return deny_unread(&Gateway::closed());
        }
        #[cfg(feature = "trap-door")]
        trap_door::on_request();
        let gateway = match &self.tenure {
            Some(tenure) => tenure.take_request(),
            None => Gateway::closed(),
        };
        let Ok(map) = host::request_headers() else {
            return deny_unread(&gateway);
        };
        let Some(headers) = header_map::pairs(&map) else {
            return deny_unread(&gateway);
        };
        let configuration = &gateway.configuration;
        let request = RequestHead::read(
            configuration.profile(),
            configuration.identity_names(),
            headers.iter().copied(),
            !end_of_stream,
        );
        if request.exposes_secret {
            metrics::count_secret_key_in_query();
        }
        if let Some((reply, state)) = usage::report(configuration, &request, &headers) {
            return answer(configuration, &reply, state);
        }
        if let Some(verification) = verify(configuration, &request, &Host) {
            return verification::answer(configuration, self.tenure.as_deref(), &verification);
        }
        match decide(configuration, &request, &Host) {
            Decision::Allow(permit) => match allow(&gateway, &request, &permit) {
                Ok(()) => {
                    metrics::count_permit(&permit);
                    usage::count_permit(self.tenure.as_deref(), &permit);
                    Action::Continue
                }
                Err(HostStatus(status)) => {
                    host::log(
                        LogLevel::Error,
                        &format!(
                            "keyward: the host refused to carry out a verdict: status {status}; denied"
                        ),
                    );
                    let denial = permit.failed();
                    usage::count_denial(self.tenure.as_deref(), &denial);
                    deny(&gateway, &denial)
                }
            },
            Decision::Deny(denial) => {
                usage::count_denial(self.tenure.as_deref(), &denial);
                deny(&gateway, &denial)
            }
        }
    }
}

/// What the core may ask of Envoy.
struct Host;

impl Environment for Host {
    fn now(&self) -> Option<u64> {
        host::now_nanoseconds().ok().map(|now| now / 1_000_000_000)
    }

    fn client_address(&self) -> Option<IpAddr> {
        let source = host::property("source\0address").ok().flatten()?;
        address::parse_source(&source)
    }
}

/// Tells the upstream who calls, and last of all Envoy that the request may pass: without that state the interlock denies it.
fn allow(
    gateway: &Gateway,
    request: &RequestHead<'_>,
    permit: &Permit<'_>,
) -> Result<(), HostStatus> {
    let configuration = &gateway.configuration;
    let told = permit.told();
    each_header_change(
        configuration,
        request,
        permit,
        &told,
        |change| match change {
            HeaderChange::Remove(name) => host::remove_request_header(&name),
            HeaderChange::Add(name, value) => {
                host::add_request_header(name.as_bytes(), value.as_bytes())
            }
        },
    )?;
    host::set_filter_state(&configuration.settings().filter_state, told.state())
}

fn deny_unread(gateway: &Gateway) -> Action {
    deny(gateway, &Denial::unread(DenyReason::HostFailure))
}

fn deny(gateway: &Gateway, denial: &Denial<'_>) -> Action {
    let configuration = &gateway.configuration;
    let reply = Reply::new(configuration, denial, request_id());
    metrics::count_denial(denial.reason());
    answer(configuration, &reply, &denial.to_string())
}

/// Answers in the upstream's stead. Whatever the host says to that, the request does not go on. `state` does not start with `allow`.
fn answer(configuration: &Configuration, reply: &Reply, state: &str) -> Action {
    let headers = header_map::serialize(&reply.headers);
    let sent = host::send_local_response(reply.status, &reply.details, &reply.body, &headers);
    if sent.is_err() {
        host::reset_stream();
    }
    // A state that cannot be written is no pass either: only `allow` lets a request through.
    let _ = host::set_filter_state(&configuration.settings().filter_state, state);
    Action::Pause
}

/// A request id need not be secret, only fresh: two hashes with keys that the standard library seeds at random.
fn request_id() -> RequestId {
    let half = || u128::from(RandomState::new().build_hasher().finish());
    RequestId::new(half() << 64 | half())
}
