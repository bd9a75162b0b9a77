//! The judge: which question a request asks, and the one verdict on it. The filter carries it out and counts it; `replay` and `explain` tell it.

use crate::configuration::{Configuration, Role};
use crate::decision::{
    Decision, Denial, Environment, Permit, PermitKind, Trace, Untraced, Verification, Verified,
    decide_traced, verify_traced,
};
use crate::reason::DenyReason;
use crate::request::RequestHead;
use crate::usage::Event;

/// What becomes of a request.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "it is made once per request, on the stack; a box would be one more allocation"
)]
pub enum Verdict<'a> {
    /// It passes.
    Allow(Permit<'a>),
    /// It does not pass.
    Deny(Box<Denial<'a>>),
    /// It asks about its own credential, and the credential is good: keyward answers.
    Verify(Verified<'a>),
    /// It asks about its own credential, which is not good, or nothing can be said of it.
    NotVerified(Box<Denial<'a>>),
    /// It asks a filter that is only there for the usage report: for that part of it, where it may have it. Nothing passes such a filter.
    Report(Option<usize>),
}

/// Judges one request: the usage report, a verification, or the decision, in this order.
#[must_use]
pub fn judge<'a>(
    configuration: &'a Configuration,
    request: &'a RequestHead<'a>,
    environment: &dyn Environment,
) -> Verdict<'a> {
    judge_traced(configuration, request, environment, &mut Untraced)
}

/// The same, with what each rule asked reported to `trace`.
#[must_use]
pub fn judge_traced<'a>(
    configuration: &'a Configuration,
    request: &'a RequestHead<'a>,
    environment: &dyn Environment,
    trace: &mut impl Trace<'a>,
) -> Verdict<'a> {
    match configuration.settings().role {
        Role::UsageReport => {
            return Verdict::Report(report_part(request).filter(|_| environment.is_local()));
        }
        Role::Gateway => {}
    }
    match verify_traced(configuration, request, environment, trace) {
        Some(Verification::Valid(verified)) => return Verdict::Verify(verified),
        Some(Verification::Refused(denial)) => return Verdict::NotVerified(denial),
        None => {}
    }
    match decide_traced(configuration, request, environment, trace) {
        Decision::Allow(permit) => Verdict::Allow(permit),
        Decision::Deny(denial) => Verdict::Deny(denial),
    }
}

/// What is answered where there is no report for the client: that there is no such endpoint.
#[must_use]
pub fn no_report() -> Denial<'static> {
    Denial::unread(DenyReason::UnknownEndpoint)
}

/// Which part of the usage report is asked for, where it is.
fn report_part(request: &RequestHead<'_>) -> Option<usize> {
    let is_asked =
        matches!(request.method, b"GET" | b"HEAD") && request.path_without_query() == b"/usage";
    match request.query().filter(|_| is_asked) {
        None => is_asked.then_some(0),
        Some(query) => std::str::from_utf8(query.strip_prefix(b"from=")?)
            .ok()?
            .parse()
            .ok(),
    }
}

/// What is counted of one request, and of which key. A request has one, of what really became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    outcome: Outcome,
    key: Option<&'a str>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It passed.
    Allowed(PermitKind),
    /// It did not pass.
    Denied(DenyReason),
    /// It asked about its credential, which was good.
    Verified,
    /// It asked about its credential, which was not.
    NotVerified(DenyReason),
}

impl<'a> Entry<'a> {
    /// Of a verdict that was carried out. The usage report counts nothing.
    #[must_use]
    pub fn of(verdict: &'a Verdict<'a>) -> Option<Self> {
        let (outcome, principal) = match verdict {
            Verdict::Allow(permit) => (Outcome::Allowed(permit.kind()), permit.principal()),
            Verdict::Deny(denial) => return Some(Self::denied(denial)),
            Verdict::Verify(verified) => (Outcome::Verified, verified.principal()),
            Verdict::NotVerified(denial) => {
                (Outcome::NotVerified(denial.reason()), denial.principal())
            }
            Verdict::Report(_) => return None,
        };
        Some(Self {
            outcome,
            key: principal.key.as_ref().map(|key| key.id()),
        })
    }

    /// Of a request that did not pass.
    #[must_use]
    pub fn denied(denial: &'a Denial<'a>) -> Self {
        Self {
            outcome: Outcome::Denied(denial.reason()),
            key: denial.principal().key.as_ref().map(|key| key.id()),
        }
    }

    /// What became of the request.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// What is counted of its key, where it is known.
    #[must_use]
    pub fn event(&self) -> Option<(&'a str, Event)> {
        let event = match self.outcome {
            Outcome::Allowed(PermitKind::Key) => Event::Allowed,
            Outcome::Allowed(PermitKind::Shadow(_)) => Event::WouldDeny,
            Outcome::Allowed(PermitKind::Public | PermitKind::Preflight) => return None,
            Outcome::Denied(_) | Outcome::NotVerified(_) => Event::Denied,
            Outcome::Verified => Event::Verified,
        };
        self.key.map(|key| (key, event))
    }
}

#[cfg(test)]
mod tests;
