//! The account of a decision: each of the eleven rules with its outcome and what it found.
//! Everything comes from the rules' own reports; nothing is decided or looked up a second time.

use super::found::Facts;
use keyward::configuration::Configuration;
use keyward::decision::Finding;
use keyward::reason::DenyReason;
use keyward::request::RequestHead;

/// One rule of the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) rule: u8,
    pub(super) name: &'static str,
    pub(super) outcome: Outcome,
    /// What the rule examined, in words, never with a key in clear text.
    pub(super) found: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
    /// The rule failed, but shadow mode let the request pass.
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

/// How the decision ended, as far as that affects the rules shown.
#[derive(Clone, Copy)]
pub(super) enum Course {
    /// Nothing failed. The text says why rules were not asked.
    Passed(&'static str),
    /// A rule failed.
    Failed(DenyReason),
    /// A rule failed, but shadow mode let the request pass.
    Shadowed(DenyReason),
}

/// Returns every rule, in order.
pub(super) fn account(
    configuration: &Configuration,
    request: &RequestHead<'_>,
    now: u64,
    findings: &[Finding<'_>],
    course: Course,
) -> Vec<Step> {
    let facts = Facts {
        configuration,
        request,
        now,
        findings,
    };
    let steps = RULES.iter().map(|(rule, name)| {
        let found = facts.of(*rule);
        let outcome = match course {
            _ if found.is_none() => Outcome::NotAsked,
            // A verification evaluates all rules, even after one has failed, so that its duration
            // reveals nothing.
            Course::Failed(reason) if reason.rule() < *rule => Outcome::NotAsked,
            Course::Failed(reason) if reason.rule() == *rule => Outcome::Failed,
            Course::Shadowed(reason) if reason.rule() == *rule => Outcome::Shadowed,
            Course::Passed(_) | Course::Failed(_) | Course::Shadowed(_) => Outcome::Passed,
        };
        let skipped = match course {
            Course::Passed(why) => why,
            Course::Failed(_) | Course::Shadowed(_) => "",
        };
        Step {
            rule: *rule,
            name,
            outcome,
            found: found
                .filter(|_| outcome != Outcome::NotAsked)
                .unwrap_or_else(|| skipped.to_owned()),
        }
    });
    steps.collect()
}
