//! The account of a decision: each of the eleven rules, what became of it, and what it found. All of it is what the rules reported while they were asked; nothing is decided
//! or looked up here a second time.

use super::found::Facts;
use crate::configuration::Configuration;
use crate::decision::Finding;
use crate::reason::DenyReason;
use crate::request::RequestHead;

/// One rule of the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) rule: u8,
    pub(super) name: &'static str,
    pub(super) outcome: Outcome,
    /// What was looked at, in words; never a key in clear.
    pub(super) found: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
    /// It failed, and shadow let the request pass.
    Shadowed,
    NotAsked,
}

impl Outcome {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Shadowed => "failed, in shadow",
            Self::NotAsked => "not asked",
        }
    }
}

/// The rules, in the order of the decision.
const RULES: [(u8, &str); 11] = [
    (1, "snapshot"),
    (2, "credential"),
    (3, "known key"),
    (4, "life of the key"),
    (5, "client's address"),
    (6, "mode"),
    (7, "headers and version"),
    (8, "target account"),
    (9, "endpoint"),
    (10, "publishable keys"),
    (11, "permission"),
];

/// How a decision ended, as far as it tells what became of the rules.
#[derive(Clone, Copy)]
pub(super) enum Verdict {
    /// Nothing failed; rules that were not asked were not for this reason.
    Passed(&'static str),
    /// A rule failed.
    Failed(DenyReason),
    /// A rule failed, and shadow let the request pass.
    Shadowed(DenyReason),
}

/// Every rule, in order.
pub(super) fn account(
    configuration: &Configuration,
    request: &RequestHead<'_>,
    now: u64,
    findings: &[Finding<'_>],
    verdict: Verdict,
) -> Vec<Step> {
    let facts = Facts {
        configuration,
        request,
        now,
        findings,
    };
    let steps = RULES.iter().map(|(rule, name)| {
        let found = facts.of(*rule);
        let outcome = match verdict {
            _ if found.is_none() => Outcome::NotAsked,
            Verdict::Failed(reason) if reason.rule() == *rule => Outcome::Failed,
            Verdict::Shadowed(reason) if reason.rule() == *rule => Outcome::Shadowed,
            Verdict::Passed(_) | Verdict::Failed(_) | Verdict::Shadowed(_) => Outcome::Passed,
        };
        let skipped = match verdict {
            Verdict::Passed(why) => why,
            Verdict::Failed(_) | Verdict::Shadowed(_) => "",
        };
        Step {
            rule: *rule,
            name,
            outcome,
            found: found.unwrap_or_else(|| skipped.to_owned()),
        }
    });
    steps.collect()
}
