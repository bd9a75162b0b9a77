//! One request as Envoy sees it. Its head is read and judged; the verdict is carried out, and what became of the request is counted, once.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use super::gateway::Gateway;
use super::host::{self, HostStatus, LogLevel};
use super::tenure::Tenure;
#[cfg(feature = "trap-door")]
use super::trap_door;
use super::{ledger, metrics, usage};
use crate::address;
use crate::configuration::Configuration;
use crate::decision::{Denial, Environment, Permit};
use crate::header_map;
use crate::judge::{Entry, Verdict, judge, no_report};
use crate::reason::DenyReason;
use crate::reply::{Activity, Reply, RequestId};
use crate::request::RequestHead;
use crate::upstream::{HeaderChange, each_header_change};

/// One request. It holds no snapshot, so that long streams do not hold old ones; what it holds is counted as an open stream.
pub(super) struct Exchange {
    tenure: Option<Rc<Tenure>>,
    is_judged: bool,
}

impl Exchange {
    pub(super) fn new(tenure: Option<Rc<Tenure>>) -> Self {
        Self {
            tenure,
            is_judged: false,
        }
    }
}

impl Context for Exchange {}

impl HttpContext for Exchange {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        // Envoy calls once per stream; a second call has no verdict, so it does not pass.
        if std::mem::replace(&mut self.is_judged, true) {
            return self.deny_unread(&Gateway::closed().configuration);
        }
        #[cfg(feature = "trap-door")]
        trap_door::on_request();
        let gateway = match &self.tenure {
            Some(tenure) => tenure.take_request(),
            None => Gateway::closed(),
        };
        let configuration = &gateway.configuration;
        let Ok(map) = host::request_headers() else {
            return self.deny_unread(configuration);
        };
        let Some(headers) = header_map::pairs(&map) else {
            return self.deny_unread(configuration);
        };
        let request = RequestHead::read(
            configuration.profile(),
            configuration.identity_names(),
            headers.iter().copied(),
            !end_of_stream,
        );
        if request.exposes_secret {
            metrics::count_secret_key_in_query();
        }
        let host = Host { headers: &headers };
        self.carry_out(
            configuration,
            &request,
            &judge(configuration, &request, &host),
        )
    }
}

impl Exchange {
    /// Carries a verdict out, and then counts it. A permit that the host does not let pass is another verdict, and that one is counted.
    fn carry_out(
        &self,
        configuration: &Configuration,
        request: &RequestHead<'_>,
        verdict: &Verdict<'_>,
    ) -> Action {
        let action = match verdict {
            Verdict::Allow(permit) => match allow(configuration, request, permit) {
                Ok(()) => Action::Continue,
                Err(HostStatus(status)) => {
                    host::log(
                        LogLevel::Error,
                        &format!(
                            "keyward: the host refused to carry out a verdict: status {status}; denied"
                        ),
                    );
                    return self.deny(configuration, &permit.failed());
                }
            },
            Verdict::Deny(denial) => return self.deny(configuration, denial),
            Verdict::Verify(verified) => {
                let activity = self.activity(verified.key().id());
                let reply = Reply::verified(configuration, verified, activity, request_id());
                answer(configuration, &reply, &verified.to_string())
            }
            Verdict::NotVerified(denial) => {
                let reply = Reply::not_verified(configuration, denial, request_id());
                answer(configuration, &reply, &denial.to_string())
            }
            Verdict::Report(Some(from)) => {
                let reply = Reply::usage(configuration, usage::report(*from), request_id());
                answer(configuration, &reply, "report")
            }
            Verdict::Report(None) => {
                let denial = no_report();
                let reply = Reply::new(configuration, &denial, request_id());
                answer(configuration, &reply, &denial.to_string())
            }
        };
        if let Some(entry) = Entry::of(verdict) {
            ledger::count(self.tenure.as_deref(), &entry);
        }
        action
    }

    fn deny_unread(&self, configuration: &Configuration) -> Action {
        self.deny(configuration, &Denial::unread(DenyReason::HostFailure))
    }

    fn deny(&self, configuration: &Configuration, denial: &Denial<'_>) -> Action {
        let reply = Reply::new(configuration, denial, request_id());
        let action = answer(configuration, &reply, &denial.to_string());
        ledger::count(self.tenure.as_deref(), &Entry::denied(denial));
        action
    }

    /// How active the key was before this request.
    fn activity(&self, key: &str) -> Activity {
        self.tenure
            .as_deref()
            .map(|tenure| tenure.usage().activity(tenure.plugin(), key))
            .unwrap_or_default()
    }
}

/// What the core may ask of Envoy.
struct Host<'a> {
    headers: &'a [(&'a [u8], &'a [u8])],
}

impl Environment for Host<'_> {
    fn now(&self) -> Option<u64> {
        host::now()
    }

    fn client_address(&self) -> Option<IpAddr> {
        end("source\0address")
    }

    /// Both addresses are what the PROXY protocol says where the listener reads it, and Envoy has no attribute without: the listener that we ship asks for the
    /// connection's true peer, too.
    fn is_local(&self) -> bool {
        let ends = [self.client_address(), end("destination\0address")];
        crate::usage::is_local(self.headers, ends)
    }
}

/// One end of the connection.
fn end(property: &str) -> Option<IpAddr> {
    address::parse_source(&host::property(property).ok().flatten()?)
}

/// Tells the upstream who calls, and last of all Envoy that the request may pass: without that state the interlock denies it.
fn allow(
    configuration: &Configuration,
    request: &RequestHead<'_>,
    permit: &Permit<'_>,
) -> Result<(), HostStatus> {
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
