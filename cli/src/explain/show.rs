//! Shows an explanation to people and programs.

use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

use super::account::{Course, Outcome, Step, account};
use crate::output::{Tone, toned};
use keyward::configuration::Configuration;
use keyward::decision::{Denial, Finding, PermitKind};
use keyward::judge::{Verdict, no_report};
use keyward::reason::DenyReason;
use keyward::reply::{Activity, Reply, RequestId};
use keyward::request::RequestHead;
use keyward::upstream::{Handover, HeaderChange};

/// The answer to one question.
pub(super) struct Answer {
    state: String,
    reason: Option<DenyReason>,
    steps: Vec<Step>,
    end: End,
}

enum End {
    /// The changes that the upstream sees.
    Upstream(Vec<HeaderChange<'static>>),
    Reply(Reply),
}

/// The question, the configuration, and what the rules reported.
pub(super) struct Asked<'a> {
    pub(super) configuration: &'a Configuration,
    pub(super) request: &'a RequestHead<'a>,
    pub(super) now: u64,
    pub(super) findings: &'a [Finding<'a>],
}

impl Asked<'_> {
    pub(super) fn answer(&self, verdict: &Verdict<'_>) -> Answer {
        let (configuration, request) = (self.configuration, self.request);
        // Envoy gives every reply a new id. This one appears in no log.
        let id = RequestId::new(0);
        match verdict {
            Verdict::Allow(permit) => {
                let (reason, course) = match permit.kind() {
                    PermitKind::Public => (None, Course::Passed("the endpoint needs no key")),
                    PermitKind::Preflight => {
                        (None, Course::Passed("a browser's preflight needs no key"))
                    }
                    PermitKind::Key => {
                        (None, Course::Passed("a publishable key has no permissions"))
                    }
                    PermitKind::Shadow(reason) => (Some(reason), Course::Shadowed(reason)),
                };
                Answer {
                    state: permit.to_string(),
                    reason,
                    steps: self.steps(course),
                    end: End::Upstream(Handover::new(configuration, request, permit).changes()),
                }
            }
            Verdict::Deny(denial) => self.denied(denial, Reply::new(configuration, denial, id)),
            // Only a gateway knows how often the key was used.
            Verdict::Verify(verified) => Answer {
                state: verified.to_string(),
                reason: None,
                steps: self.steps(Course::Passed("keyward itself answers a verification")),
                end: End::Reply(Reply::verified(
                    configuration,
                    verified,
                    Activity::default(),
                    id,
                )),
            },
            Verdict::NotVerified(denial) => {
                self.denied(denial, Reply::not_verified(configuration, denial, id))
            }
            Verdict::Report(_) => {
                let denial = no_report();
                Answer {
                    steps: self.steps(Course::Passed(
                        "this filter is only there for the usage report",
                    )),
                    ..self.denied(&denial, Reply::new(configuration, &denial, id))
                }
            }
        }
    }

    fn denied(&self, denial: &Denial<'_>, reply: Reply) -> Answer {
        let reason = denial.reason();
        Answer {
            state: denial.to_string(),
            reason: Some(reason),
            steps: self.steps(Course::Failed(reason)),
            end: End::Reply(reply),
        }
    }

    fn steps(&self, course: Course) -> Vec<Step> {
        account(
            self.configuration,
            self.request,
            self.now,
            self.findings,
            course,
        )
    }
}

impl Answer {
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

/// Returns the changes as JSON. Names of removed headers have one character per byte.
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
