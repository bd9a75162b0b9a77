//! The verdict on a request, and its entry in the ledger.

use crate::decision::{Denial, Permit, PermitKind, Verified};
use crate::principal::Principal;
use crate::reason::DenyReason;
use crate::snapshot::KeyRecord;
use crate::usage::Event;

/// The verdict on a request.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "it is made once per request, on the stack; a box would be one more allocation"
)]
pub enum Verdict<'a> {
    /// The request passes.
    Allow(Permit<'a>),
    /// The request does not pass.
    Deny(Box<Denial<'a>>),
    /// The request asks about its own credential, which is valid. keyward answers it.
    Verify(Verified<'a>),
    /// The request asks about its own credential. It is not valid, or keyward could not find out.
    NotVerified(Box<Denial<'a>>),
    /// The request reached a filter whose only purpose is the usage report. It asks for this part
    /// of the report, or may not have any. Nothing passes such a filter.
    Report(Option<usize>),
}

/// What is counted for a request, and for which key. A request has one entry, for its actual
/// outcome. The entry outlives the request.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    outcome: Outcome,
    key: Option<KeyRecord<'static>>,
}

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The request passed.
    Allowed(PermitKind),
    /// The request did not pass.
    Denied(DenyReason),
    /// The request asked about its credential, which was valid.
    Verified,
    /// The request asked about its credential, which was not valid.
    NotVerified(DenyReason),
}

impl Entry {
    /// Returns the entry for a verdict that was carried out. The usage report counts nothing.
    #[must_use]
    pub fn of(verdict: &Verdict<'_>) -> Option<Self> {
        let (outcome, principal) = match verdict {
            Verdict::Allow(permit) => (Outcome::Allowed(permit.kind()), permit.principal()),
            Verdict::Deny(denial) => return Some(Self::denied(denial)),
            Verdict::Verify(verified) => (Outcome::Verified, verified.principal()),
            Verdict::NotVerified(denial) => {
                (Outcome::NotVerified(denial.reason()), denial.principal())
            }
            Verdict::Report(_) => return None,
        };
        Some(Self::new(outcome, principal))
    }

    /// Returns the entry for a request that did not pass.
    #[must_use]
    pub fn denied(denial: &Denial<'_>) -> Self {
        Self::new(Outcome::Denied(denial.reason()), denial.principal())
    }

    fn new(outcome: Outcome, principal: &Principal<'_>) -> Self {
        Self {
            outcome,
            key: principal.key.as_ref().map(KeyRecord::named),
        }
    }

    /// Returns the outcome of the request.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Returns the key of the request, if it is known.
    #[must_use]
    pub fn key(&self) -> Option<KeyRecord<'static>> {
        self.key
    }

    /// Returns what to count for the key, if it is known.
    #[must_use]
    pub fn event(&self) -> Option<(&str, Event)> {
        let event = match self.outcome {
            Outcome::Allowed(PermitKind::Key) => Event::Allowed,
            Outcome::Allowed(PermitKind::Shadow(_)) => Event::WouldDeny,
            Outcome::Allowed(PermitKind::Public | PermitKind::Preflight) => return None,
            Outcome::Denied(_) | Outcome::NotVerified(_) => Event::Denied,
            Outcome::Verified => Event::Verified,
        };
        self.key.as_ref().map(|key| (key.id(), event))
    }
}
