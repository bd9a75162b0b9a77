//! The result of a verdict: what the upstream learns, or the answer that replaces its response. It
//! is built while the request is visible, and carried out later.

use std::net::IpAddr;

use super::host::{Header, Host};
use crate::configuration::Configuration;
use crate::decision::Environment;
use crate::judge::{Entry, Verdict, judge, no_report};
use crate::reply::{Reply, RequestId};
use crate::request::RequestHead;
use crate::state::REPORT;
use crate::upstream::Handover;

/// The ruling on a request. It borrows nothing from the request.
pub(super) struct Ruling<'c> {
    pub(super) course: Course<'c>,
    /// What is counted after the ruling was carried out.
    pub(super) entry: Option<Entry>,
    /// Whether the query contains a key that is not public. That key has leaked, whatever the
    /// outcome of the request.
    pub(super) exposes_secret: bool,
}

/// What happens to a request.
#[allow(
    clippy::large_enum_variant,
    reason = "it is made once per request, on the stack; a box would be one more allocation"
)]
pub(super) enum Course<'c> {
    Pass(Handover<'c>),
    Answer(Answer),
}

/// What is sent instead of the upstream's response, and its filter state, which does not start with
/// `allow`.
pub(super) struct Answer {
    pub(super) reply: Reply,
    pub(super) state: String,
}

impl<'c> Ruling<'c> {
    /// Reads and judges the request with these headers.
    pub(super) fn on<H: Host>(
        configuration: &'c Configuration,
        host: &H,
        headers: &[Header<'_>],
        has_body: bool,
    ) -> Self {
        let request = RequestHead::read(
            configuration.profile(),
            configuration.identity_names(),
            headers.iter().copied(),
            has_body,
        );
        let verdict = judge(configuration, &request, &Surroundings { host, headers });
        Self {
            course: course(configuration, host, &request, &verdict),
            entry: Entry::of(&verdict),
            exposes_secret: request.exposes_secret,
        }
    }
}

fn course<'c, H: Host>(
    configuration: &'c Configuration,
    host: &H,
    request: &RequestHead<'_>,
    verdict: &Verdict<'_>,
) -> Course<'c> {
    let (reply, state) = match verdict {
        Verdict::Allow(permit) => {
            return Course::Pass(Handover::new(configuration, request, permit));
        }
        Verdict::Deny(denial) => (
            Reply::new(configuration, denial, request_id(host)),
            denial.state().into_text(),
        ),
        Verdict::Verify(verified) => {
            let activity = host.activity(verified.key().id());
            (
                Reply::verified(configuration, verified, activity, request_id(host)),
                verified.state().into_text(),
            )
        }
        Verdict::NotVerified(denial) => (
            Reply::not_verified(configuration, denial, request_id(host)),
            denial.state().into_text(),
        ),
        Verdict::Report(Some(from)) => (
            Reply::usage(configuration, host.usage_report(*from), request_id(host)),
            REPORT.to_owned(),
        ),
        Verdict::Report(None) => {
            let denial = no_report();
            (
                Reply::new(configuration, &denial, request_id(host)),
                denial.state().into_text(),
            )
        }
    };
    Course::Answer(Answer { reply, state })
}

/// Returns a request id. It must be new, but need not be secret.
pub(super) fn request_id<H: Host>(host: &H) -> RequestId {
    RequestId::new(host.entropy())
}

/// What the core may ask the host.
struct Surroundings<'a, H> {
    host: &'a H,
    headers: &'a [Header<'a>],
}

impl<H: Host> Environment for Surroundings<'_, H> {
    fn now(&self) -> Option<u64> {
        self.host.now()
    }

    fn client_address(&self) -> Option<IpAddr> {
        self.host.client_address()
    }

    /// Returns whether the client is on this machine. If the listener reads the PROXY protocol,
    /// both addresses come from it, and Envoy has no attribute for the actual ones. So the listener
    /// that keyward ships also checks the connection's actual peer.
    fn is_local(&self) -> bool {
        let ends = [self.host.client_address(), self.host.own_address()];
        crate::usage::is_local(self.headers, ends)
    }
}
