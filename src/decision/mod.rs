//! The decision: may this request pass? Rules are checked in a fixed order, and the first that
//! fails determines the answer.

mod authority;
mod evidence;
mod expansions;
mod rules;
mod target;
mod trace;
mod v2;
mod verification;

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

pub use authority::Authority;
pub use evidence::Evidence;
pub use expansions::Inexpandable;
use rules::Inquiry;
pub use trace::{Finding, Needed, Sought, Trace, Untraced};
pub use verification::{Verification, Verified, verify, verify_traced};

use crate::account::IdKind;
use crate::configuration::{Configuration, Preflight, Settings};
use crate::endpoint::{Method, PlainPath};
use crate::principal::Principal;
use crate::reason::DenyReason;
use crate::request::{RequestHead, Value};
use crate::snapshot::{Enforcement, KeyRecord, Snapshot};
use crate::state::{Verdict, Written};

/// What a decision may need from its surroundings. It asks only when a rule needs the answer.
pub trait Environment {
    /// Returns the time in Unix seconds, if there is a clock.
    fn now(&self) -> Option<u64>;

    /// Returns the client's address, if it has one.
    fn client_address(&self) -> Option<IpAddr>;

    /// Returns whether the client is a program on this machine. Only such a client may read the
    /// usage report.
    fn is_local(&self) -> bool {
        false
    }
}

/// The verdict on one request.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a permit is made once per request, on the stack; a box would be one more allocation"
)]
pub enum Decision<'a> {
    /// The request may pass.
    Allow(Permit<'a>),
    /// The request may not pass.
    Deny(Box<Denial<'a>>),
}

/// Proof that a request may pass. Only [`decide`] creates one.
#[derive(Debug)]
pub struct Permit<'a> {
    kind: PermitKind,
    principal: Principal<'a>,
}

/// Why a request may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermitKind {
    /// The endpoint needs no credential.
    Public,
    /// A browser asks whether it may send the actual request.
    Preflight,
    /// The key allows the request.
    Key,
    /// The key does not allow the request, but the gateway or the key is in shadow.
    Shadow(DenyReason),
}

impl<'a> Permit<'a> {
    /// Returns why the request may pass.
    #[must_use]
    pub fn kind(&self) -> PermitKind {
        self.kind
    }

    /// Returns what the decision established.
    #[must_use]
    pub fn principal(&self) -> &Principal<'a> {
        &self.principal
    }

    /// Returns the caller to report to the upstream: a known key that passed rule 4.
    #[must_use]
    pub fn identity(&self) -> Option<&Principal<'a>> {
        Some(&self.principal).filter(|principal| principal.is_live)
    }
}

/// Writes the filter state's text.
impl fmt::Display for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.state().text())
    }
}

impl PermitKind {
    /// Returns the verdict as the filter state names it.
    fn verdict(self) -> Verdict {
        match self {
            Self::Public => Verdict::Public,
            Self::Preflight => Verdict::Preflight,
            Self::Key => Verdict::Key,
            Self::Shadow(reason) => Verdict::Shadow(reason),
        }
    }
}

impl Permit<'_> {
    /// Returns the filter state, which starts with `allow` and contains the identity.
    #[must_use]
    pub fn state(&self) -> Written {
        Written::new(self.kind.verdict(), &self.principal)
    }
}

/// Why a request may not pass, and what the reply needs.
#[derive(Debug)]
pub struct Denial<'a> {
    reason: DenyReason,
    principal: Principal<'a>,
    evidence: Evidence<'a>,
}

impl<'a> Denial<'a> {
    /// Creates a denial before anything about the request is known.
    #[must_use]
    pub fn unread(reason: DenyReason) -> Self {
        Self {
            reason,
            principal: Principal::default(),
            evidence: Evidence::default(),
        }
    }

    /// Returns the denial that replaces a permit after the host failed to carry it out. The request
    /// does not pass, but its key is still known.
    #[must_use]
    pub fn not_carried_out(configuration: &'a Configuration, key: Option<KeyRecord<'a>>) -> Self {
        let snapshot = configuration.snapshot();
        let org = |key: KeyRecord<'_>| organization(snapshot?, key);
        Self {
            principal: Principal {
                key,
                org: key.and_then(org),
                revision: snapshot.map(Snapshot::revision),
                ..Principal::default()
            },
            ..Self::unread(DenyReason::HostFailure)
        }
    }

    /// Returns the reason, which names the rule that failed.
    #[must_use]
    pub fn reason(&self) -> DenyReason {
        self.reason
    }

    /// Returns what the decision established up to that rule.
    #[must_use]
    pub fn principal(&self) -> &Principal<'a> {
        &self.principal
    }

    /// Returns the filter state, which starts with `deny`.
    #[must_use]
    pub fn state(&self) -> Written {
        Written::new(Verdict::Deny(self.reason), &self.principal)
    }

    /// Returns what the reply may say.
    #[must_use]
    pub fn evidence(&self) -> &Evidence<'a> {
        &self.evidence
    }
}

/// Writes the filter state's text.
impl fmt::Display for Denial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.state().text())
    }
}

/// Decides whether a request may pass.
#[must_use]
pub fn decide<'a>(
    configuration: &'a Configuration,
    request: &'a RequestHead<'a>,
    environment: &dyn Environment,
) -> Decision<'a> {
    decide_traced(configuration, request, environment, &mut Untraced)
}

/// Like [`decide`], and reports to `trace` what each rule asked.
#[must_use]
pub fn decide_traced<'a>(
    configuration: &'a Configuration,
    request: &'a RequestHead<'a>,
    environment: &dyn Environment,
    trace: &mut impl Trace<'a>,
) -> Decision<'a> {
    let settings = configuration.settings();
    trace.report(|| Finding::Snapshot);
    let Some(snapshot) = configuration.snapshot() else {
        return Decision::Deny(Box::new(Denial::unread(DenyReason::NoSnapshot)));
    };
    let mut inquiry = Inquiry::new(configuration, snapshot, request, environment, trace);
    if is_stale(snapshot, settings, environment) {
        return inquiry.deny(DenyReason::StaleSnapshot);
    }
    if is_public(snapshot, settings, request) {
        return inquiry.allow(PermitKind::Public);
    }
    if is_preflight(settings, request) {
        return inquiry.allow(PermitKind::Preflight);
    }
    match inquiry.ask() {
        Ok(()) => inquiry.allow(PermitKind::Key),
        Err(reason) if is_shadowed(settings, inquiry.key(), reason) => {
            inquiry.allow(PermitKind::Shadow(reason))
        }
        Err(reason) => inquiry.deny(reason),
    }
}

/// How many seconds ahead of the clock a snapshot's time of issue may be.
pub(crate) const CLOCK_SKEW: u64 = 300;

fn is_stale(snapshot: &Snapshot, settings: &Settings, environment: &dyn Environment) -> bool {
    let Some(age) = settings.max_snapshot_age else {
        return false;
    };
    let issued = snapshot.issued_at();
    environment.now().is_none_or(|now| {
        now > issued.saturating_add(age) || issued > now.saturating_add(CLOCK_SKEW)
    })
}

/// Returns the organization at the root of the tree that contains the key's owner.
fn organization<'a>(snapshot: &'a Snapshot, key: KeyRecord<'_>) -> Option<&'a str> {
    let root = snapshot.accounts().root(key.owner())?;
    (root.kind() == IdKind::Organization).then(|| root.id())
}

/// Returns whether the request names an endpoint that needs no credential, and contains nothing
/// that could make the upstream serve another one.
fn is_public(snapshot: &Snapshot, settings: &Settings, request: &RequestHead<'_>) -> bool {
    if !snapshot.endpoints().has_public()
        || request.is_overridden
        || asks_upgrade(settings, request)
    {
        return false;
    }
    Method::of_request(request.method)
        .zip(PlainPath::parse(request.path_without_query()))
        .and_then(|(method, path)| snapshot.endpoints().find(method, path))
        .is_some_and(|endpoint| endpoint.is_public())
}

/// Returns whether the request is a CORS preflight and nothing else.
///
/// Source: <https://fetch.spec.whatwg.org/#cors-preflight-request>
fn is_preflight(settings: &Settings, request: &RequestHead<'_>) -> bool {
    let ours = [
        &request.authorization,
        &request.credential,
        &request.version,
        &request.context,
        &request.account,
    ];
    settings.preflight == Preflight::Pass
        && request.method == b"OPTIONS"
        && request.is_cross_origin_probe
        && ours.iter().all(|field| field.value() == Value::Absent)
        && !request.has_family_header
        && !request.is_overridden
        && !request.has_body
        && !asks_upgrade(settings, request)
}

fn asks_upgrade(settings: &Settings, request: &RequestHead<'_>) -> bool {
    request.is_upgrade && !settings.allow_upgrades
}

/// Returns whether shadow lets a request pass: a gateway in shadow ignores rules 2 to 11, and a key
/// in shadow rules 7 to 11.
fn is_shadowed(settings: &Settings, key: Option<KeyRecord<'_>>, reason: DenyReason) -> bool {
    let gateway = settings.enforcement == Enforcement::Shadow && reason.rule() >= 2;
    let key = key.is_some_and(|key| key.enforcement() == Enforcement::Shadow && reason.rule() >= 7);
    gateway || key
}
