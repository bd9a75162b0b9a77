//! The judge determines which question a request asks, and reaches one verdict on it. The filter
//! carries the verdict out and counts it; `replay` and `explain` show it.

#[cfg(test)]
mod tests;
mod verdict;

use crate::configuration::{Configuration, Role};
use crate::decision::{
    Decision, Denial, Environment, Trace, Untraced, Verification, decide_traced, verify_traced,
};
use crate::reason::DenyReason;
use crate::request::RequestHead;
pub use verdict::{Entry, Outcome, Verdict};

/// Judges a request: the usage report, a verification, or the decision, in this order.
#[must_use]
pub fn judge<'a>(
    configuration: &'a Configuration,
    request: &'a RequestHead<'a>,
    environment: &dyn Environment,
) -> Verdict<'a> {
    judge_traced(configuration, request, environment, &mut Untraced)
}

/// Like [`judge`], and reports to `trace` what each rule asked.
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

/// Returns the answer to a client that may not read the report: no such endpoint.
#[must_use]
pub fn no_report() -> Denial<'static> {
    Denial::unread(DenyReason::UnknownEndpoint)
}

/// Returns which part of the usage report the request asks for, if any.
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
