//! The actual or the predicted result of a request.

use crate::access_log::State;
use crate::access_log::Verdict;
use keyward::decision::{Denial, PermitKind};
use keyward::judge;
use keyward::permission::AccessLevel;
use keyward::principal::Principal;
use keyward::reason::DenyReason;

/// A verdict and the missing permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    kind: Kind,
    missing: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Public,
    Preflight,
    Key,
    Verify,
    Shadow(DenyReason),
    Deny(DenyReason),
}

/// Whether and how a verdict changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It passed, and no longer does.
    Breaks,
    /// The request did not pass, but now does.
    Opens,
    /// The gateway answers the request instead of the upstream, or the reverse.
    Moves,
    /// The request still passes or still fails, but for another reason.
    Reason,
}

impl Change {
    /// `breaks`, `opens`, `moves` or `reason`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Breaks => "breaks",
            Self::Opens => "opens",
            Self::Moves => "moves",
            Self::Reason => "reason",
        }
    }

    /// Whether the verdict flips.
    #[must_use]
    pub fn is_flip(self) -> bool {
        self != Self::Reason
    }
}

/// Who answers a request.
#[derive(PartialEq, Eq)]
enum End {
    Upstream,
    Verification,
    Refusal,
}

impl Outcome {
    pub(super) fn of(verdict: &judge::Verdict<'_>) -> Self {
        match verdict {
            judge::Verdict::Allow(permit) => match permit.kind() {
                PermitKind::Public => Self::without_fault(Kind::Public),
                PermitKind::Preflight => Self::without_fault(Kind::Preflight),
                PermitKind::Key => Self::without_fault(Kind::Key),
                PermitKind::Shadow(reason) => {
                    Self::with_fault(Kind::Shadow(reason), reason, permit.principal())
                }
            },
            judge::Verdict::Deny(denial) | judge::Verdict::NotVerified(denial) => {
                Self::denied(denial)
            }
            judge::Verdict::Verify(_) => Self::without_fault(Kind::Verify),
            // No request passes a filter that only reports usage.
            judge::Verdict::Report(_) => Self::denied(&judge::no_report()),
        }
    }

    /// Returns the result in the log.
    pub(super) fn logged(state: &State<'_>) -> Self {
        Self::without_fault(match state.verdict {
            Verdict::Public => Kind::Public,
            Verdict::Preflight => Kind::Preflight,
            Verdict::Key => Kind::Key,
            Verdict::Verify => Kind::Verify,
            Verdict::Shadow(reason) => Kind::Shadow(reason),
            Verdict::Deny(reason) => Kind::Deny(reason),
        })
    }

    fn denied(denial: &Denial<'_>) -> Self {
        let reason = denial.reason();
        Self::with_fault(Kind::Deny(reason), reason, denial.principal())
    }

    fn without_fault(kind: Kind) -> Self {
        Self {
            kind,
            missing: None,
        }
    }

    fn with_fault(kind: Kind, reason: DenyReason, principal: &Principal<'_>) -> Self {
        let is_permission = matches!(
            reason,
            DenyReason::InsufficientPermission | DenyReason::NoConnectPermission
        );
        let spelled = |(name, level): (&str, AccessLevel)| format!("{name}={}", level.name());
        Self {
            kind,
            missing: principal.permission.filter(|_| is_permission).map(spelled),
        }
    }

    /// Whether the verdicts are the same, regardless of the permission.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.kind == other.kind
    }

    /// Why it did not pass, or would not.
    #[must_use]
    pub fn reason(&self) -> Option<DenyReason> {
        match self.kind {
            Kind::Shadow(reason) | Kind::Deny(reason) => Some(reason),
            Kind::Public | Kind::Preflight | Kind::Key | Kind::Verify => None,
        }
    }

    /// The permission that is missing: `customer=write`.
    #[must_use]
    pub fn missing(&self) -> Option<&str> {
        self.missing.as_deref()
    }

    /// As filter state begins: `allow`, `allow would_deny=REASON`, `verify`, `deny REASON`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.kind {
            Kind::Public => "allow public".to_owned(),
            Kind::Preflight => "allow preflight".to_owned(),
            Kind::Key => "allow".to_owned(),
            Kind::Verify => "verify".to_owned(),
            Kind::Shadow(reason) => format!("allow would_deny={}", reason.name()),
            Kind::Deny(reason) => format!("deny {}", reason.name()),
        }
    }

    fn end(&self) -> End {
        match self.kind {
            Kind::Public | Kind::Preflight | Kind::Key | Kind::Shadow(_) => End::Upstream,
            Kind::Verify => End::Verification,
            Kind::Deny(_) => End::Refusal,
        }
    }

    /// Returns how `after` differs, if it does.
    pub(super) fn change_to(&self, after: &Self) -> Option<Change> {
        match (self.end(), after.end()) {
            (End::Upstream | End::Verification, End::Refusal) => Some(Change::Breaks),
            (End::Refusal, End::Upstream | End::Verification) => Some(Change::Opens),
            (before, after) if before != after => Some(Change::Moves),
            _ if self != after => Some(Change::Reason),
            _ => None,
        }
    }
}
