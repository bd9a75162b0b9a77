//! An explanation as people and programs read it.

use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

use super::account::{Outcome, Step, Verdict, account};
use crate::cli::output::{Tone, toned};
use crate::configuration::Configuration;
use crate::decision::{Denial, Finding, Permit, PermitKind, Verified};
use crate::reason::DenyReason;
use crate::reply::{Activity, Reply, RequestId};
use crate::request::RequestHead;
use crate::upstream::{HeaderChange, header_changes};

/// The answer to one question.
pub(super) struct Answer {
    state: String,
    reason: Option<DenyReason>,
    steps: Vec<Step>,
    end: End,
}

enum End {
    /// What the upstream sees changed.
    Upstream(Vec<HeaderChange<'static>>),
    Reply(Reply),
}

/// What was asked of which configuration.
pub(super) struct Asked<'a> {
    pub(super) configuration: &'a Configuration,
    pub(super) request: &'a RequestHead<'a>,
    pub(super) now: u64,
}

impl Asked<'_> {
    pub(super) fn allowed(&self, permit: &Permit<'_>, findings: &[Finding<'_>]) -> Answer {
        let (reason, verdict) = match permit.kind() {
            PermitKind::Public => (None, Verdict::Passed("the endpoint needs no key")),
            PermitKind::Preflight => (None, Verdict::Passed("a browser's preflight needs no key")),
            PermitKind::Key => (
                None,
                Verdict::Passed("a publishable key has no permissions"),
            ),
            PermitKind::Shadow(reason) => (Some(reason), Verdict::Shadowed(reason)),
        };
        let told = permit.told();
        let changes = header_changes(self.configuration, self.request, permit, &told);
        Answer {
            state: permit.to_string(),
            reason,
            steps: self.steps(findings, verdict),
            end: End::Upstream(changes.into_iter().map(HeaderChange::into_owned).collect()),
        }
    }

    pub(super) fn denied(&self, denial: &Denial<'_>, findings: &[Finding<'_>]) -> Answer {
        let reason = denial.reason();
        Answer {
            state: denial.to_string(),
            reason: Some(reason),
            steps: self.steps(findings, Verdict::Failed(reason)),
            // Envoy gives every reply an id of its own; here nobody will look one up.
            end: End::Reply(Reply::new(self.configuration, denial, RequestId::new(0))),
        }
    }

    /// A verification of a good key. Rules 1 to 6 passed, and no other is asked.
    pub(super) fn verified(&self, verified: &Verified<'_>, findings: &[Finding<'_>]) -> Answer {
        // How often the key was used is known to a gateway alone.
        let reply = Reply::verified(
            self.configuration,
            verified,
            Activity::default(),
            RequestId::new(0),
        );
        let verdict = Verdict::Passed("keyward itself answers a verification");
        Answer {
            state: verified.to_string(),
            reason: None,
            steps: self.steps(findings, verdict),
            end: End::Reply(reply),
        }
    }

    fn steps(&self, findings: &[Finding<'_>], verdict: Verdict) -> Vec<Step> {
        account(
            self.configuration,
            self.request,
            self.now,
            findings,
            verdict,
        )
    }
}

impl Answer {
    /// The same of a verification that fails.
    pub(super) fn not_verified(self, configuration: &Configuration, denial: &Denial<'_>) -> Self {
        let reply = Reply::not_verified(configuration, denial, RequestId::new(0));
        Self {
            end: End::Reply(reply),
            ..self
        }
    }

    /// Whether the request gets what it asks for.
    pub(super) fn is_allowed(&self) -> bool {
        self.reason.is_none() || matches!(self.end, End::Upstream(_))
    }

    pub(super) fn to_json(&self) -> Value {
        let rules: Vec<Value> = self
            .steps
            .iter()
            .map(|step| {
                json!({"rule": step.rule, "name": step.name, "outcome": step.outcome.name(), "found": step.found})
            })
            .collect();
        let mut answer = json!({
            "decision": self.state.split(' ').next(),
            "reason": self.reason.map(DenyReason::name),
            "state": self.state,
            "rules": rules,
        });
        let (name, end) = match &self.end {
            End::Upstream(changes) => ("upstream", upstream(changes)),
            End::Reply(reply) => (
                "reply",
                json!({"status": reply.status, "headers": reply.headers, "body": reply.body, "details": reply.details}),
            ),
        };
        if let Some(members) = answer.as_object_mut() {
            members.insert(name.to_owned(), end);
        }
        answer
    }

    pub(super) fn print(&self, out: &mut impl Write) -> Result<()> {
        let tone = if self.is_allowed() {
            Tone::Good
        } else {
            Tone::Bad
        };
        writeln!(out, "{}\n", toned(tone, &self.state))?;
        for step in &self.steps {
            let tone = match step.outcome {
                Outcome::Passed => Tone::Good,
                Outcome::Failed => Tone::Bad,
                Outcome::Shadowed => Tone::Warning,
                Outcome::NotAsked => Tone::Dim,
            };
            let outcome = toned(tone, &format!("{:<17}", step.outcome.name()));
            let line = format!(
                "{:>2}  {:<20} {outcome}  {}",
                step.rule, step.name, step.found
            );
            writeln!(out, "{}", line.trim_end())?;
        }
        writeln!(out)?;
        match &self.end {
            End::Upstream(changes) if changes.is_empty() => {
                writeln!(out, "The upstream sees the request as it was sent.")?;
            }
            End::Upstream(changes) => {
                writeln!(out, "What the upstream sees changed:")?;
                for change in changes {
                    match change {
                        HeaderChange::Add(name, value) => writeln!(out, "+ {name}: {value}")?,
                        HeaderChange::Remove(name) => writeln!(out, "- {}", name.escape_ascii())?,
                    }
                }
            }
            End::Reply(reply) => {
                writeln!(out, "The reply:\n\n{}", reply.status)?;
                for (name, value) in &reply.headers {
                    writeln!(out, "{name}: {value}")?;
                }
                write!(out, "\n{}", reply.body)?;
            }
        }
        Ok(())
    }
}

/// Names that are taken off have one character per byte.
fn upstream(changes: &[HeaderChange<'_>]) -> Value {
    let mut set = Vec::new();
    let mut removed = Vec::new();
    for change in changes {
        match change {
            HeaderChange::Add(name, value) => set.push(json!([name, value])),
            HeaderChange::Remove(name) => {
                removed.push(name.iter().copied().map(char::from).collect::<String>());
            }
        }
    }
    json!({"set": set, "remove": removed})
}
