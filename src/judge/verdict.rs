//! The verdict on one request, and the entry that the ledger makes of it.

use crate::decision::{Denial, Permit, PermitKind, Verified};
use crate::principal::Principal;
use crate::reason::DenyReason;
use crate::snapshot::KeyRecord;
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

/// What is counted for one request, and for which key. A request has one, for its actual outcome. It outlives the request.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    outcome: Outcome,
    key: Option<KeyRecord<'static>>,
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

impl Entry {
    /// Of a verdict that was carried out. The usage report counts nothing.
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

    /// Of a request that did not pass.
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

    /// What became of the request.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Whose request it was, where that is known.
    #[must_use]
    pub fn key(&self) -> Option<KeyRecord<'static>> {
        self.key
    }

    /// What is counted of its key, where it is known.
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
