//! Chooses requests by key, verdict, endpoint, account and so on. An option that is not given does
//! not restrict; values of an option that is given several times are alternatives.

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use ipnet::IpNet;

use keyward::address::parse_range;
use keyward::permission::{AccessLevel, PermissionRegistry};
use keyward::reason::DenyReason;
use keyward_files::access_log::{Record, Verdict};

#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct ChoiceArguments {
    /// Requests with this key, by its id; may be repeated, like all that follow
    #[arg(long = "key", value_name = "ID")]
    key_ids: Vec<String>,
    /// Requests that passed, that asked about their key, that passed only in shadow, that were refused, or that keyward never judged
    #[arg(long = "decision", value_enum)]
    decisions: Vec<Decision>,
    /// Requests denied, or noted in shadow, for this reason (docs/errors.md lists them)
    #[arg(long = "reason", value_name = "REASON", value_parser = reason(), hide_possible_values = true)]
    reasons: Vec<DenyReason>,
    /// Requests to this endpoint: a path, with or without a method: `'POST /v1/charges/{id}/capture'`; or the beginning of one: `'/v1/customers*'`
    #[arg(long = "endpoint", value_name = "[METHOD ]PATH", value_parser = endpoint)]
    endpoints: Vec<Endpoint>,
    /// Requests about this account
    #[arg(long = "account", value_name = "ID")]
    accounts: Vec<String>,
    /// Requests with keys of this organization's tree
    #[arg(long = "org", value_name = "ID")]
    orgs: Vec<String>,
    /// Requests that this permission decided on, or that lacked it: `customer`, `customer=write`
    #[arg(long = "permission", value_name = "PERMISSION[=LEVEL]", value_parser = permission)]
    permissions: Vec<Permission>,
    /// Requests from this address or range
    #[arg(long = "client", value_name = "IP", value_parser = client)]
    clients: Vec<IpNet>,
    /// Requests answered with this status
    #[arg(long = "status", value_name = "STATUS")]
    statuses: Vec<u16>,
    /// The request of this id, Envoy's or the reply's (`req_…`)
    #[arg(long = "request-id", value_name = "ID")]
    request_ids: Vec<String>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Decision {
    /// It passed
    Allow,
    /// It asked about its key, which is good, and keyward answered
    Verify,
    /// It passed although a rule denies it: the gateway or the key is in shadow
    Shadow,
    /// It was denied
    Deny,
    /// keyward gave no verdict: Envoy answered before it, or the interlock did
    None,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Endpoint {
    method: Option<String>,
    path: Pattern,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    /// The prefix of paths.
    Prefix(String),
    /// Segments, with `None` for a parameter.
    Template(Vec<Option<String>>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Permission {
    name: String,
    level: Option<AccessLevel>,
}

/// The criteria that chosen requests meet.
pub(crate) struct Choice<'a>(&'a ChoiceArguments);

impl<'a> Choice<'a> {
    pub(crate) fn new(arguments: &'a ChoiceArguments) -> Self {
        Self(arguments)
    }

    /// Whether a request meets all criteria.
    pub(crate) fn takes(&self, record: &Record<'_>) -> bool {
        let state = record.state.as_ref();
        let by = self.0;
        let text = |text: &str, wanted: &[String]| wanted.iter().any(|wanted| wanted == text);
        let member = |wanted: &[String], found: Option<&str>| {
            wanted.is_empty() || found.is_some_and(|found| text(found, wanted))
        };
        member(
            &by.key_ids,
            state.and_then(|state| state.key).map(|key| key.id),
        ) && member(&by.accounts, state.and_then(|state| state.account))
            && member(&by.orgs, state.and_then(|state| state.org))
            && any(&by.decisions, |wanted| {
                *wanted == decision(state.map(|state| state.verdict))
            })
            && any(&by.reasons, |wanted| {
                state.and_then(|state| state.verdict.reason()) == Some(*wanted)
            })
            && any(&by.endpoints, |endpoint| endpoint.matches(record))
            && any(&by.permissions, |wanted| {
                state
                    .and_then(|state| state.permission)
                    .is_some_and(|(name, level)| wanted.is(name, level))
            })
            && any(&by.clients, |range| {
                record.client.is_some_and(|client| range.contains(&client))
            })
            && any(&by.statuses, |status| *status == record.status)
            && any(&by.request_ids, |wanted| {
                [record.request_id, record.response_request_id]
                    .into_iter()
                    .flatten()
                    .any(|id| id.as_str() == wanted)
            })
    }
}

/// Returns whether the list is empty or one of its values matches.
fn any<T>(wanted: &[T], is: impl FnMut(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(is)
}

fn decision(verdict: Option<Verdict>) -> Decision {
    match verdict {
        None => Decision::None,
        Some(Verdict::Public | Verdict::Preflight | Verdict::Key) => Decision::Allow,
        Some(Verdict::Verify) => Decision::Verify,
        Some(Verdict::Shadow(_)) => Decision::Shadow,
        Some(Verdict::Deny(_)) => Decision::Deny,
    }
}

impl Endpoint {
    fn matches(&self, record: &Record<'_>) -> bool {
        let is_method = self
            .method
            .as_deref()
            .is_none_or(|method| method == record.method.as_str());
        is_method
            && match &self.path {
                Pattern::Prefix(prefix) => record.path.as_str().starts_with(prefix.as_str()),
                Pattern::Template(segments) => is_like(segments, record.path.as_str()),
            }
    }
}

fn is_like(segments: &[Option<String>], path: &str) -> bool {
    let mut sent = path.split('/');
    let all = segments.iter().all(|wanted| {
        sent.next().is_some_and(|sent| match wanted {
            Some(literal) => literal == sent,
            None => !sent.is_empty(),
        })
    });
    all && sent.next().is_none()
}

impl Permission {
    fn is(&self, name: &str, level: AccessLevel) -> bool {
        self.name == name && self.level.is_none_or(|wanted| wanted == level)
    }
}

/// Parses the name of a reason. clap suggests the nearest name.
fn reason() -> impl TypedValueParser<Value = DenyReason> {
    PossibleValuesParser::new(DenyReason::all().map(DenyReason::name))
        .try_map(|name| DenyReason::from_name(&name).ok_or("expected a reason"))
}

fn endpoint(text: &str) -> Result<Endpoint, String> {
    let (method, path) = match text.split_once(' ') {
        Some((method, path)) => (Some(method.to_owned()), path),
        None => (None, text),
    };
    if !path.starts_with('/') {
        return Err(
            "expected a path, such as `/v1/charges/{id}`, with a method in front or without"
                .to_owned(),
        );
    }
    let path = match path.strip_suffix('*') {
        Some(prefix) => Pattern::Prefix(prefix.to_owned()),
        None => Pattern::Template(
            path.split('/')
                .map(|segment| {
                    let is_parameter = segment.starts_with('{') && segment.ends_with('}');
                    (!is_parameter).then(|| segment.to_owned())
                })
                .collect(),
        ),
    };
    Ok(Endpoint { method, path })
}

/// Parses any spelling of a built-in permission. The log has the canonical one.
fn permission(text: &str) -> Result<Permission, String> {
    let (name, level) = text.split_once('=').unwrap_or((text, ""));
    let level = match level {
        "" => None,
        "read" => Some(AccessLevel::Read),
        "write" => Some(AccessLevel::Write),
        _ => return Err("expected the level `read` or `write`".to_owned()),
    };
    let registry = PermissionRegistry::stripe();
    let known = registry.find(name);
    let name = known.map_or(name, |permission| registry.name(permission));
    Ok(Permission {
        name: name.to_owned(),
        level,
    })
}

fn client(text: &str) -> Result<IpNet, String> {
    parse_range(text)
        .ok_or_else(|| "expected an address or a range, such as `203.0.113.0/24`".to_owned())
}
