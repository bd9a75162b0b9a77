//! What each rule found, in words, never with a key in clear text.

use jiff::Timestamp;

use keyward::configuration::{Configuration, ServeMode};
use keyward::decision::{Finding, Needed, Sought};
use keyward::endpoint::{Endpoint, Rule, Unread, doubt};
use keyward::mask::echo;
use keyward::permission::{AccessLevel, Permission};
use keyward::request::{Field, RequestHead, Value};
use keyward::snapshot::KeyRecord;

/// The rules' reports, and everything else that the text needs.
pub(super) struct Facts<'a> {
    pub(super) configuration: &'a Configuration,
    pub(super) request: &'a RequestHead<'a>,
    pub(super) now: u64,
    pub(super) findings: &'a [Finding<'a>],
}

impl Facts<'_> {
    /// Returns what a rule found. `None` if it was not asked.
    pub(super) fn of(&self, rule: u8) -> Option<String> {
        let findings = self.findings.iter();
        let reported: Vec<String> = findings
            .filter(|finding| finding.rule() == rule)
            .map(|finding| self.words(finding))
            .collect();
        (!reported.is_empty()).then(|| reported.join("; "))
    }

    fn words(&self, finding: &Finding<'_>) -> String {
        match finding {
            Finding::Snapshot => self.snapshot(),
            Finding::Credential(Some(credential)) => {
                let place = credential.scheme().map_or("query", |scheme| scheme.name());
                let prefixes = self.configuration.profile().known_prefixes();
                format!("{place} {}", credential.masked(prefixes))
            }
            Finding::Credential(None) if self.request.credential.value() != Value::Absent => {
                "no single well-formed key in the headers that present one".to_owned()
            }
            Finding::Credential(None) if self.request.authorization.value() == Value::Absent => {
                "no `Authorization` header and no single key in the query".to_owned()
            }
            Finding::Credential(None) => "no single well-formed key in `Authorization`".to_owned(),
            Finding::Key(Some(key)) => format!("key `{}`, {}", key.id(), key.kind().name()),
            Finding::Key(None) => {
                "no key of the snapshot has this digest, or one whose kind has other prefixes"
                    .to_owned()
            }
            Finding::Life(key, now) => self.life(key, *now),
            Finding::Address(None) => "the key has no `allowed_ips`".to_owned(),
            Finding::Address(Some(Some(address))) => {
                format!("{address} against the key's `allowed_ips`")
            }
            Finding::Address(Some(None)) => {
                "the key has `allowed_ips`, and the client no address (--ip)".to_owned()
            }
            Finding::Mode(key) => self.mode(key),
            Finding::Headers => self.headers(),
            Finding::Target(trail) => {
                let target = match trail.as_ref().map(|trail| trail.account()) {
                    Some(Some(account)) => format!("; account `{account}`"),
                    Some(None) => "; the organization itself".to_owned(),
                    None => String::new(),
                };
                let names = self.configuration.profile().names();
                let context = self.field(names.context_header.shown(), &self.request.context);
                let account = self.field(names.account_header.shown(), &self.request.account);
                format!("{context}; {account}{target}")
            }
            Finding::Endpoint(sought) => self.endpoint(sought),
            Finding::Publishable(None) => "not a publishable key".to_owned(),
            Finding::Publishable(Some(true)) => {
                "the endpoint is open to publishable keys".to_owned()
            }
            Finding::Publishable(Some(false)) => {
                "the endpoint is not open to publishable keys".to_owned()
            }
            Finding::Permission(needed) => self.needed(needed),
            Finding::Expansion(path, needed) => {
                format!("to expand `{path}`, {}", self.needed(needed))
            }
            Finding::UnknownExpansion(shown) => {
                format!("no expansion that is known: `{}`", self.echoed(shown))
            }
        }
    }

    fn snapshot(&self) -> String {
        let Some(snapshot) = self.configuration.snapshot() else {
            return "none".to_owned();
        };
        let age = match self.configuration.settings().max_snapshot_age {
            Some(age) => format!("may be {age} s old at {}", time(self.now)),
            None => "may be of any age".to_owned(),
        };
        let revision = snapshot.revision().number();
        format!(
            "revision {revision}, issued {}, {age}",
            time(snapshot.issued_at())
        )
    }

    fn life(&self, key: &KeyRecord<'_>, now: Option<u64>) -> String {
        let state = |is_good: bool, bad: &str| if is_good { "active" } else { bad }.to_owned();
        let mut words = vec![state(!key.is_deleted(), "deleted")];
        let (start, end) = (key.not_before(), key.expires_at());
        words.extend(start.map(|start| format!("from {}", time(start))));
        words.extend(end.map(|end| format!("until {}", time(end))));
        words.extend(now.map(|now| format!("now {}", time(now))));
        let snapshot = self.configuration.snapshot();
        let owner = snapshot.and_then(|snapshot| snapshot.accounts().account(key.owner()));
        words.extend(owner.map(|owner| {
            let state = state(!owner.is_suspended(), "suspended");
            format!("owner `{}` {state}", owner.id())
        }));
        words.join(", ")
    }

    fn mode(&self, key: &KeyRecord<'_>) -> String {
        let key = if key.livemode().is_live() {
            "a live key"
        } else {
            "a test key"
        };
        let served = match self.configuration.settings().serve_mode {
            ServeMode::Any => "both modes are served",
            ServeMode::Live => "live keys are served",
            ServeMode::Test => "test keys are served",
        };
        format!("{key}; {served}")
    }

    fn headers(&self) -> String {
        if self.request.folded_identity.is_some() {
            return "an identity header with another byte for a hyphen".to_owned();
        }
        let header = &self.configuration.profile().names().version_header;
        self.field(header.shown(), &self.request.version)
    }

    fn endpoint(&self, sought: &Sought<'_>) -> String {
        let path = self.request.path_without_query();
        let request = format!("{} {}", self.echoed(self.request.method), self.echoed(path));
        match sought {
            Sought::Any => request,
            Sought::Method => format!("{request}: no endpoint has this method"),
            Sought::Upgrade => format!("{request} asks to change the protocol (`Upgrade`)"),
            Sought::Override => {
                format!(
                    "{request} has a header or a query parameter that names another method or path"
                )
            }
            Sought::Unread(Unread::SeveralReadings) => match doubt(path) {
                Some(doubt) => {
                    let part = self.echoed(doubt.part);
                    format!("{request} has several readings: `{part}` {}", doubt.why)
                }
                None => format!("{request} has several readings"),
            },
            Sought::Unread(Unread::Alike(segment)) => {
                let segment = self.echoed(segment.as_bytes());
                format!(
                    "{request} has several readings: some servers take `{segment}` for the name of another endpoint"
                )
            }
            Sought::Unread(Unread::Unlisted) => {
                format!("{request} is not an endpoint of the catalogue")
            }
            Sought::Keyless => format!("{request} needs no key"),
            Sought::Found(Endpoint { rule, .. }) => match rule {
                Rule::Public => request,
                Rule::Key {
                    permissions,
                    access,
                    ..
                } => format!("{request} asks for {}", self.any_of(permissions, *access)),
            },
        }
    }

    /// Returns text such as `` `customer` read among the grants of `mk_1` ``.
    fn needed(&self, needed: &Needed<'_>) -> String {
        let id = self.findings.iter().find_map(|finding| {
            let Finding::Key(Some(key)) = finding else {
                return None;
            };
            Some(key.id().to_string())
        });
        let id = id.unwrap_or_default();
        match needed {
            Needed::Everything => "the key has every permission".to_owned(),
            Needed::NotConnected => {
                format!("`{id}` has no permission on connected accounts")
            }
            Needed::OneOf {
                permissions,
                access,
                held,
                is_connected,
            } => {
                let place = if *is_connected {
                    " on connected accounts"
                } else {
                    ""
                };
                if let Some(held) = held {
                    let held = self.any_of(&[*held], *access);
                    return format!("{held} among the grants of `{id}`{place}");
                }
                let any_of = self.any_of(permissions, *access);
                let serves = |permission: &Permission| !*is_connected || !permission.is_direct();
                if permissions.iter().any(serves) {
                    format!("{any_of} is not among the grants of `{id}`{place}")
                } else {
                    format!(
                        "{any_of} is \"(Direct)\" at Stripe: it serves no call on a connected account"
                    )
                }
            }
        }
    }

    /// Returns text such as `` `customer`, `charge` or `refund` read ``.
    fn any_of(&self, permissions: &[Permission], access: AccessLevel) -> String {
        let registry = self
            .configuration
            .snapshot()
            .map(|snapshot| snapshot.permissions());
        let name = |permission: &Permission| {
            let name = registry.map_or("", |registry| registry.name(*permission));
            format!("`{name}`")
        };
        let names: Vec<String> = permissions.iter().map(name).collect();
        let names = match names.as_slice() {
            [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
            names => names.concat(),
        };
        format!("{names} {}", access.name())
    }

    fn field(&self, name: &str, field: &Field<'_>) -> String {
        match field.value() {
            Value::Absent => format!("no `{name}`"),
            Value::Text(text) => format!("`{name}: {}`", self.echoed(text.as_bytes())),
            Value::Malformed => format!("`{name}` is malformed"),
        }
    }

    fn echoed(&self, sent: &[u8]) -> String {
        echo(sent, self.configuration.profile().known_prefixes())
    }
}

/// Formats a time for people, or returns the bare number if it is beyond the calendar.
fn time(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map_or_else(|| seconds.to_string(), |time| time.to_string())
}
