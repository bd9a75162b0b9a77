//! Rules 2 to 11, checked one after the other. The next rule, the upstream and the reply use what
//! each rule establishes.

mod about_key;
mod about_request;

use super::authority::Authority;
use super::evidence::Evidence;
use super::trace::{Finding, Needed, Trace};
use super::{Decision, Denial, Environment, Permit, PermitKind};
use crate::configuration::Configuration;
use crate::key::KeyKind;
use crate::principal::Principal;
use crate::reason::DenyReason;
use crate::request::RequestHead;
use crate::snapshot::{KeyRecord, Snapshot};

/// A request that is being decided.
pub(in crate::decision) struct Inquiry<'a, 'e, T> {
    configuration: &'a Configuration,
    snapshot: &'a Snapshot,
    request: &'a RequestHead<'a>,
    environment: &'e dyn Environment,
    trace: &'e mut T,
    principal: Principal<'a>,
    evidence: Evidence<'a>,
}

impl<'a, 'e, T: Trace<'a>> Inquiry<'a, 'e, T> {
    pub(in crate::decision) fn new(
        configuration: &'a Configuration,
        snapshot: &'a Snapshot,
        request: &'a RequestHead<'a>,
        environment: &'e dyn Environment,
        trace: &'e mut T,
    ) -> Self {
        Self {
            configuration,
            snapshot,
            request,
            environment,
            trace,
            principal: Principal {
                revision: Some(snapshot.revision()),
                ..Principal::default()
            },
            evidence: Evidence {
                request: Some(request),
                ..Evidence::default()
            },
        }
    }

    pub(in crate::decision) fn key(&self) -> Option<KeyRecord<'a>> {
        self.principal.key
    }

    pub(in crate::decision) fn allow(self, kind: PermitKind) -> Decision<'a> {
        Decision::Allow(Permit {
            kind,
            principal: self.principal,
        })
    }

    pub(in crate::decision) fn deny(self, reason: DenyReason) -> Decision<'a> {
        Decision::Deny(self.denial(reason))
    }

    pub(in crate::decision) fn denial(self, reason: DenyReason) -> Box<Denial<'a>> {
        Box::new(Denial {
            reason,
            principal: self.principal,
            evidence: self.evidence,
        })
    }

    /// Returns what was established, for a question that concerns only the key.
    pub(in crate::decision) fn established(self) -> (Principal<'a>, Evidence<'a>) {
        (self.principal, self.evidence)
    }

    /// Checks all rules in the order of the decision. The first that fails determines the answer.
    pub(in crate::decision) fn ask(&mut self) -> Result<(), DenyReason> {
        let key = &self.ask_about_key()?;
        self.rule_7_version(key)?;
        let target = self.rule_8_target(key)?;
        let are_stripes = self.snapshot.endpoints().are_stripes();
        let authority = Authority::of(key, target.is_connected, are_stripes);
        let Some(endpoint) = self.rule_9_endpoint(key, &authority)? else {
            self.trace.report(|| Finding::Publishable(None));
            let everything = || Finding::Permission(Needed::Everything);
            self.trace.report(everything);
            return Ok(());
        };
        if key.kind() == KeyKind::Publishable {
            return self.rule_10_publishable(&endpoint);
        }
        self.trace.report(|| Finding::Publishable(None));
        self.rule_11_permission(&authority, &endpoint)?;
        self.rule_11_expansions(&authority, &endpoint)
    }
}
