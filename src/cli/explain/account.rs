//! The account of a decision: each of the eleven rules, what became of it, and what it looked at. What became of it is read off the decision
//! itself, its permit or its denial; nothing is decided here a second time.

use super::Given;
use crate::configuration::{Configuration, ServeMode};
use crate::credential::Credential;
use crate::decision::PermitKind;
use crate::judge::Verdict;
use crate::key::KeyKind;
use crate::mask::echo;
use crate::principal::Principal;
use crate::reason::DenyReason;
use crate::request::{Field, RequestHead, Value};
use jiff::Timestamp;

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

/// Every rule, in order.
pub(super) fn account(
    configuration: &Configuration,
    request: &RequestHead<'_>,
    given: &Given,
    verdict: &Verdict<'_>,
) -> Vec<Step> {
    let nobody = Principal::default();
    let facts = Facts {
        configuration,
        request,
        given,
        principal: match verdict {
            Verdict::Allow(permit) => permit.principal(),
            Verdict::Deny(denial) | Verdict::NotVerified(denial) => denial.principal(),
            Verdict::Verify(verified) => verified.principal(),
            Verdict::Report(_) => &nobody,
        },
    };
    let steps = RULES.iter().map(|(rule, name)| {
        let outcome = outcome(*rule, verdict, facts.principal);
        let found = match outcome {
            Outcome::NotAsked => skipped(verdict).to_owned(),
            Outcome::Passed | Outcome::Failed | Outcome::Shadowed => facts.of(*rule),
        };
        Step {
            rule: *rule,
            name,
            outcome,
            found,
        }
    });
    steps.collect()
}

/// What became of a rule: those before the one that failed passed, those behind it were not asked.
fn outcome(rule: u8, verdict: &Verdict<'_>, principal: &Principal<'_>) -> Outcome {
    let against = |reason: DenyReason, failed: Outcome| match rule.cmp(&reason.rule()) {
        std::cmp::Ordering::Less => Outcome::Passed,
        std::cmp::Ordering::Equal => failed,
        std::cmp::Ordering::Greater => Outcome::NotAsked,
    };
    match verdict {
        Verdict::Deny(denial) | Verdict::NotVerified(denial) => {
            against(denial.reason(), Outcome::Failed)
        }
        // Rules 1 to 6 are about the key alone.
        Verdict::Verify(_) if rule > 6 => Outcome::NotAsked,
        Verdict::Verify(_) => Outcome::Passed,
        Verdict::Report(_) => Outcome::NotAsked,
        Verdict::Allow(permit) => match permit.kind() {
            PermitKind::Shadow(reason) => against(reason, Outcome::Shadowed),
            PermitKind::Public | PermitKind::Preflight if rule > 1 => Outcome::NotAsked,
            // The decision ends there for them.
            PermitKind::Key if rule == 11 && kind(principal) == Some(KeyKind::Publishable) => {
                Outcome::NotAsked
            }
            PermitKind::Public | PermitKind::Preflight | PermitKind::Key => Outcome::Passed,
        },
    }
}

/// Why a rule was not asked, where the rule that failed does not say it.
fn skipped(verdict: &Verdict<'_>) -> &'static str {
    match verdict {
        Verdict::Allow(permit) => match permit.kind() {
            PermitKind::Public => "the endpoint needs no key",
            PermitKind::Preflight => "a browser's preflight needs no key",
            PermitKind::Key => "a publishable key has no permissions",
            PermitKind::Shadow(_) => "",
        },
        Verdict::Verify(_) => "keyward itself answers a verification",
        Verdict::Report(_) => "this filter is only there for the usage report",
        Verdict::Deny(_) | Verdict::NotVerified(_) => "",
    }
}

fn kind(principal: &Principal<'_>) -> Option<KeyKind> {
    principal.key.map(|key| key.kind())
}

/// What the rules look at.
struct Facts<'a> {
    configuration: &'a Configuration,
    request: &'a RequestHead<'a>,
    given: &'a Given,
    principal: &'a Principal<'a>,
}

impl Facts<'_> {
    fn of(&self, rule: u8) -> String {
        match rule {
            1 => self.snapshot(),
            2 => self.credential(),
            3 => self.known_key(),
            4 => self.life(),
            5 => self.address(),
            6 => self.mode(),
            7 => self.version(),
            8 => self.target(),
            9 => self.endpoint(),
            10 => self.publishable(),
            _ => self.permission(),
        }
    }

    fn snapshot(&self) -> String {
        let Some(snapshot) = self.configuration.snapshot() else {
            return "there is none".to_owned();
        };
        let age = match self.configuration.settings().max_snapshot_age {
            Some(age) => format!("may be {age} s old at {}", time(self.given.now)),
            None => "may be of any age".to_owned(),
        };
        let revision = snapshot.revision().number();
        format!(
            "revision {revision}, issued {}, {age}",
            time(snapshot.issued_at())
        )
    }

    fn credential(&self) -> String {
        let prefixes = self.configuration.profile().known_prefixes();
        match Credential::read(self.request, prefixes) {
            Ok(credential) => {
                let place = credential.scheme().map_or("query", |scheme| scheme.name());
                format!("{place} {}", credential.masked(prefixes))
            }
            Err(_) if self.request.authorization.value() == Value::Absent => {
                "no `Authorization` header and no single key in the query".to_owned()
            }
            Err(_) => "no single well-formed key in `Authorization`".to_owned(),
        }
    }

    fn known_key(&self) -> String {
        match self.principal.key {
            Some(key) => format!("key `{}`, {}", key.id(), key.kind().name()),
            None => "no key of the snapshot has this digest, or one whose kind has other prefixes"
                .to_owned(),
        }
    }

    fn life(&self) -> String {
        let Some(key) = self.principal.key else {
            return String::new();
        };
        let mut words = vec![
            if key.is_deleted() {
                "deleted"
            } else {
                "active"
            }
            .to_owned(),
        ];
        words.extend(
            key.not_before()
                .map(|start| format!("from {}", time(start))),
        );
        words.extend(key.expires_at().map(|end| format!("until {}", time(end))));
        if !key.is_deleted() && (key.not_before().is_some() || key.expires_at().is_some()) {
            words.push(format!("now {}", time(self.given.now)));
        }
        let accounts = self
            .configuration
            .snapshot()
            .map(|snapshot| snapshot.accounts());
        let owner = accounts.and_then(|accounts| accounts.account(key.owner()));
        words.extend(owner.map(|owner| {
            let state = if owner.is_suspended() {
                "suspended"
            } else {
                "active"
            };
            format!("owner `{}` {state}", owner.id())
        }));
        words.join(", ")
    }

    fn address(&self) -> String {
        let is_limited = self
            .principal
            .key
            .is_some_and(|key| key.allowed_ips().is_some());
        match (is_limited, self.given.address) {
            (false, _) => "the key has no `allowed_ips`".to_owned(),
            (true, Some(address)) => format!("{address} against the key's `allowed_ips`"),
            (true, None) => {
                "the key has `allowed_ips`, and the client no address (--ip)".to_owned()
            }
        }
    }

    fn mode(&self) -> String {
        let key = match self.principal.key {
            Some(key) if key.livemode().is_live() => "a live key",
            Some(_) => "a test key",
            None => "no key",
        };
        let served = match self.configuration.settings().serve_mode {
            ServeMode::Any => "both modes are served",
            ServeMode::Only(mode) if mode.is_live() => "live keys are served",
            ServeMode::Only(_) => "test keys are served",
        };
        format!("{key}; {served}")
    }

    fn version(&self) -> String {
        if self.request.folded_identity.is_some() {
            return "an identity header spelled with `_`".to_owned();
        }
        let header = &self.configuration.profile().names().version_header;
        self.field(header.shown(), &self.request.version)
    }

    fn target(&self) -> String {
        let names = self.configuration.profile().names();
        let context = self.field(names.context_header.shown(), &self.request.context);
        let account = self.field(names.account_header.shown(), &self.request.account);
        let target = match self.principal.trail.map(|trail| trail.account()) {
            Some(Some(account)) => format!("; account `{account}`"),
            Some(None) => "; the organization itself".to_owned(),
            None => String::new(),
        };
        format!("{context}; {account}{target}")
    }

    fn endpoint(&self) -> String {
        let prefixes = self.configuration.profile().known_prefixes();
        let method = echo(self.request.method, prefixes);
        let path = echo(self.request.path_without_query(), prefixes);
        match self.principal.permission {
            Some((permission, access)) => {
                let access = access.name();
                format!("{method} {path} asks for `{permission}` {access}")
            }
            None => format!("{method} {path}"),
        }
    }

    fn publishable(&self) -> String {
        if kind(self.principal) == Some(KeyKind::Publishable) {
            "a publishable key calls what is open to publishable keys".to_owned()
        } else {
            "not a publishable key".to_owned()
        }
    }

    fn permission(&self) -> String {
        match (self.principal.permission, self.principal.key) {
            (Some((permission, access)), Some(key)) => {
                let id = key.id();
                format!(
                    "`{permission}` {} among the grants of `{id}`",
                    access.name()
                )
            }
            _ => "the key has every permission".to_owned(),
        }
    }

    fn field(&self, name: &str, field: &Field<'_>) -> String {
        let prefixes = self.configuration.profile().known_prefixes();
        match field.value() {
            Value::Absent => format!("no `{name}`"),
            Value::Text(text) => format!("`{name}: {}`", echo(text.as_bytes(), prefixes)),
            Value::Malformed => format!("`{name}` is malformed"),
        }
    }
}

/// A time as people read it, or as it stands where no calendar has it.
fn time(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map_or_else(|| seconds.to_string(), |time| time.to_string())
}
