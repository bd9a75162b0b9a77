//! A naive reference of the decision. Property tests compare the filter with it.
//!
//! It follows the rule table of the contract literally, one function per rule, in order: linear
//! searches, strings, the JSON unchanged. It shares no code with `src/` and is written only from
//! the documents. It knows only Stripe's names, so it panics on a configuration with a `profile`.

mod address;
mod authority;
mod catalogue;
mod expansions;
mod headers;
mod names;
mod query;
mod rules;
mod syntax;
mod target;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Value;

use catalogue::Endpoint;
pub use catalogue::Read;
use headers::Headers;

/// One request as a client sent it, with the headers as bytes.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Vec<u8>,
    /// The path with its query. Empty if the request has no `:path`.
    pub path: Vec<u8>,
    /// The headers with names in lower case, as Envoy passes them, without pseudo-headers.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether the stream continued after the headers.
    pub has_body: bool,
    pub address: Option<IpAddr>,
    /// The time of the request in Unix seconds.
    pub now: u64,
}

/// What the filter must do with a request, and what it reports about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub allow: bool,
    /// The deny reason, or a shadow pass's `would_deny`.
    pub reason: Option<String>,
    /// The filter state `wasm.keyward`, exactly.
    pub state: String,
    /// The principal header's value, exactly. `None` if the filter writes none.
    pub principal: Option<String>,
}

/// The data that ships with the product: Stripe's catalogue.
#[derive(Clone, Debug)]
pub struct Builtin {
    pub rows: Vec<Row>,
    /// Empty at first.
    pub read: Read,
    /// For each permission, the permissions that it also allows to read.
    pub implied: BTreeMap<String, Vec<String>>,
    /// Permissions that apply to no call on a connected account.
    pub direct: BTreeSet<String>,
    pub graph: Graph,
}

/// What replies contain, and what they can be expanded to contain.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The edges. If a field has several rows, the last one counts.
    pub edges: Vec<Edge>,
    /// Objects, and the permissions to read them. Any one is enough. Empty if none is known.
    pub objects: Vec<(String, Vec<String>)>,
    /// By method and template, what a success returns: `customer`, `list customer`.
    pub returns: Vec<(String, String, Vec<String>)>,
}

/// A field of an object that leads to others.
#[derive(Clone, Debug)]
pub struct Edge {
    pub object: String,
    pub field: String,
    /// Whether the reply contains what it leads to only when asked for.
    pub expands: bool,
    pub targets: Vec<String>,
    /// The required permissions, if they replace what the targets require.
    pub instead: Vec<String>,
}

/// A row of the built-in catalogue.
#[derive(Clone, Debug)]
pub struct Row {
    pub method: String,
    /// A template, such as `/v1/customers/{id}` or `/files/{*rest}`.
    pub path: String,
    /// The permissions. Any one is enough.
    pub permissions: Vec<String>,
    /// `read` or `write`, if the method does not determine it.
    pub access: Option<String>,
    /// Whether publishable keys may call it.
    pub publishable: bool,
}

/// The rows of the catalogue in force. They are the same for every request to a configuration.
pub struct Endpoints(Vec<Arc<Endpoint>>);

impl Endpoints {
    pub fn of(configuration: &Value, builtin: &Builtin) -> Self {
        let snapshot = present(configuration, "snapshot");
        Self(snapshot.map_or_else(Vec::new, |snapshot| catalogue::effective(builtin, snapshot)))
    }
}

/// Decides one request. `configuration` is the plugin configuration (section 4 of the contract),
/// known to be valid.
pub fn decide(configuration: &Value, builtin: &Builtin, request: &Request) -> Verdict {
    let endpoints = Endpoints::of(configuration, builtin);
    decide_among(&endpoints, configuration, builtin, request)
}

/// Like [`decide`], with the rows already read.
pub fn decide_among(
    endpoints: &Endpoints,
    configuration: &Value,
    builtin: &Builtin,
    request: &Request,
) -> Verdict {
    let profile = present(configuration, "profile").and_then(Value::as_object);
    assert!(
        profile.is_none_or(|profile| profile.keys().all(|name| name == "credential_headers")),
        "the reference knows Stripe's profile only, and credential headers"
    );
    let Some(snapshot) = present(configuration, "snapshot") else {
        return verdict(false, Some("no_snapshot"), "deny no_snapshot", None);
    };
    let mut case = Case::new((configuration, snapshot), endpoints, builtin, request);

    if let Err(reason) = rules::rule_1(&case) {
        return case.denied(reason);
    }
    if rules::is_public(&case) {
        return verdict(true, None, "allow public", None);
    }
    if rules::is_preflight(&case) {
        return verdict(true, None, "allow preflight", None);
    }
    let rules: [(u8, Rule); 10] = [
        (2, rules::rule_2),
        (3, rules::rule_3),
        (4, rules::rule_4),
        (5, rules::rule_5),
        (6, rules::rule_6),
        (7, rules::rule_7),
        (8, target::rule_8),
        (9, rules::rule_9),
        (10, rules::rule_10),
        (11, rules::rule_11),
    ];
    for (number, rule) in rules {
        if let Err(reason) = rule(&mut case) {
            return if case.is_shadowed(number) {
                case.would_be_denied(reason)
            } else {
                case.denied(reason)
            };
        }
    }
    case.allowed()
}

type Rule = fn(&mut Case) -> Result<(), &'static str>;

/// What is known about one request, filled in rule by rule.
struct Case<'a> {
    configuration: &'a Value,
    snapshot: &'a Value,
    builtin: &'a Builtin,
    request: &'a Request,
    headers: Headers,
    endpoints: &'a [Arc<Endpoint>],
    /// The keys in the query.
    query_keys: Vec<Vec<u8>>,
    /// Whether the credential is in the query, from rule 2 on.
    is_by_query: bool,
    /// The credential, from rule 2 on.
    credential: Option<String>,
    /// The key's entry in the snapshot, from rule 3 on.
    key: Option<&'a Value>,
    /// Whether rule 4 passed.
    is_alive: bool,
    /// Whether the target is a connected account of the key, from rule 8 on.
    is_connected: bool,
    /// The row that was found, from rule 9 on, for keys that need one.
    endpoint: Option<Arc<Endpoint>>,
    /// The members established so far by name, in their written form.
    members: BTreeMap<&'static str, String>,
}

/// The order of the members in what the filter writes.
const MEMBERS: [&str; 9] = [
    "key",
    "kind",
    "livemode",
    "account",
    "path",
    "org",
    "permission",
    "access",
    "revision",
];

impl<'a> Case<'a> {
    fn new(
        (configuration, snapshot): (&'a Value, &'a Value),
        endpoints: &'a Endpoints,
        builtin: &'a Builtin,
        request: &'a Request,
    ) -> Self {
        let revision = number(snapshot, "revision").unwrap_or(0);
        Self {
            configuration,
            snapshot,
            request,
            headers: Headers::read(
                configuration,
                &[request.headers.clone(), query::headers(request)].concat(),
            ),
            query_keys: query::keys(request),
            is_by_query: false,
            endpoints: &endpoints.0,
            builtin,
            credential: None,
            key: None,
            is_alive: false,
            is_connected: false,
            endpoint: None,
            members: BTreeMap::from([("revision", revision.to_string())]),
        }
    }

    fn establish(&mut self, name: &'static str, value: String) {
        self.members.insert(name, value);
    }

    fn establish_quoted(&mut self, name: &'static str, value: &str) {
        self.establish(name, format!("\"{value}\""));
    }

    /// Returns the members as written: `key="mk_1", kind=restricted, …, revision=7`.
    fn members(&self) -> String {
        let mut parts = Vec::new();
        for name in MEMBERS {
            if let Some(value) = self.members.get(name) {
                parts.push(format!("{name}={value}"));
            }
        }
        parts.join(", ")
    }

    /// Returns whether a denial by this rule passes: in a gateway in shadow for rules 2 to 11, for
    /// a key in shadow for rules 7 to 11.
    fn is_shadowed(&self, rule: u8) -> bool {
        let gateway = text(self.configuration, "enforcement") == Some("shadow");
        let key = self.key.and_then(|key| text(key, "enforcement")) == Some("shadow");
        (gateway && rule >= 2) || (key && rule >= 7)
    }

    /// Returns the principal header of a request that passes.
    fn principal(&self) -> Option<String> {
        let is_off = text(self.configuration, "principal_header") == Some("");
        (self.is_alive && !is_off).then(|| self.members())
    }

    fn allowed(&self) -> Verdict {
        let state = format!("allow {}", self.members());
        verdict(true, None, &state, self.principal())
    }

    fn would_be_denied(&self, reason: &str) -> Verdict {
        let state = format!("allow would_deny={reason} {}", self.members());
        verdict(true, Some(reason), &state, self.principal())
    }

    fn denied(&self, reason: &str) -> Verdict {
        let state = format!("deny {reason} {}", self.members());
        verdict(false, Some(reason), &state, None)
    }
}

fn verdict(allow: bool, reason: Option<&str>, state: &str, principal: Option<String>) -> Verdict {
    Verdict {
        allow,
        reason: reason.map(str::to_owned),
        state: state.to_owned(),
        principal,
    }
}

/// Returns a member that exists and is not null.
fn present<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

fn flag(object: &Value, name: &str) -> bool {
    object.get(name).and_then(Value::as_bool) == Some(true)
}

/// Returns a whole number, which Istio writes as a double.
fn number(object: &Value, name: &str) -> Option<u64> {
    let value = object.get(name)?;
    match value.as_u64() {
        Some(number) => Some(number),
        None => value.as_f64()?.to_string().parse().ok(),
    }
}

/// Returns the elements of a list, or none if it is absent.
fn list<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    match object.get(name).and_then(Value::as_array) {
        Some(elements) => elements,
        None => &[],
    }
}

/// Returns the strings of a list of strings.
fn texts(object: &Value, name: &str) -> Vec<String> {
    let elements = list(object, name).iter();
    elements
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}
