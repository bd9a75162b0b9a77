//! What a client sent: the head of a request, read in one pass over all its header bytes.

mod parameters;
#[cfg(test)]
mod tests;

use crate::ascii;
use crate::profile::{HeaderName, OVERRIDES, Profile};
use crate::query::QueryKey;
use crate::spelling::{Sieve, Spelling, spelled};
use parameters::Parameters;

/// All values that a request has under one of keyward's header names.
#[derive(Clone, Default)]
pub struct Field<'a> {
    first: Option<&'a [u8]>,
    others: Vec<&'a [u8]>,
    value: Value<'a>,
}

/// How keyward reads a field.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Value<'a> {
    /// No header has that name.
    #[default]
    Absent,
    /// There is one header, of at least one character of printable ASCII.
    Text(&'a str),
    /// There are several headers, an empty one, one with another byte, or a folded name.
    Malformed,
}

impl<'a> Field<'a> {
    /// Returns how keyward reads the field.
    #[must_use]
    pub fn value(&self) -> Value<'a> {
        self.value
    }

    /// Returns all values as sent, joined with `, `, as an upstream would read them.
    #[must_use]
    pub fn joined(&self) -> Vec<u8> {
        let mut joined = self.first.unwrap_or(&[]).to_vec();
        for value in &self.others {
            joined.extend_from_slice(b", ");
            joined.extend_from_slice(value);
        }
        joined
    }

    /// Adds the query's values. If the query counts and the header is absent, they become the
    /// field's values. Otherwise they make the field malformed.
    fn add(&mut self, query: Self, may_count: bool) {
        if may_count && self.value == Value::Absent {
            *self = query;
            return;
        }
        for value in query.first.into_iter().chain(query.others) {
            self.push(value, Spelling::Folded);
        }
    }

    fn push(&mut self, value: &'a [u8], spelling: Spelling) {
        if self.first.is_some() {
            self.others.push(value);
            self.value = Value::Malformed;
            return;
        }
        self.first = Some(value);
        self.value = match ascii::printable(value) {
            Some(text) if !text.is_empty() && spelling == Spelling::Exact => Value::Text(text),
            _ => Value::Malformed,
        };
    }
}

/// The names of the headers that carry an identity to the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityNames {
    names: Vec<Box<str>>,
    /// Contains these names, the profile's, and those that always have a meaning.
    sieve: Sieve,
}

impl IdentityNames {
    /// Creates a set of lower-case names, for requests that are read with that profile.
    pub fn new<'a>(profile: &Profile, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<Box<str>> = names.into_iter().map(Box::from).collect();
        let sieve = sieve(profile, &names);
        Self { names, sieve }
    }
}

/// The names that have a meaning in every request.
const FIXED: [&str; 8] = [
    ":method",
    ":path",
    "origin",
    "access-control-request-method",
    "content-length",
    "transfer-encoding",
    "authorization",
    "upgrade",
];

const ALWAYS: Sieve = with_all(with_all(Sieve::EMPTY, &FIXED), &OVERRIDES);

const fn with_all(mut sieve: Sieve, mut names: &[&str]) -> Sieve {
    while let [name, rest @ ..] = names {
        sieve = sieve.with(name.as_bytes());
        names = rest;
    }
    sieve
}

/// Returns a sieve with all names that have a meaning, except those of the family.
fn sieve(profile: &Profile, identity: &[Box<str>]) -> Sieve {
    let ours = profile.names().request_headers().map(HeaderName::lower);
    let names = profile.names();
    let more = names
        .override_headers
        .iter()
        .chain(&names.credential_headers);
    let identity = identity.iter();
    let names = ours
        .into_iter()
        .chain(more.chain(identity).map(|name| &**name));
    names.fold(ALWAYS, |sieve, name| sieve.with(name.as_bytes()))
}

/// Returns how the name spells one of the profile's credential headers, if it does.
fn credential(profile: &Profile, name: &[u8]) -> Option<Spelling> {
    let mut headers = profile.names().credential_headers.iter();
    headers.find_map(|ours| spelled(name, ours))
}

/// Returns whether a name may belong to the family, by its first byte.
fn begins_as(name: &[u8], family: Option<&str>) -> bool {
    let first = family.and_then(|family| family.as_bytes().first());
    let begins = |first| {
        name.first()
            .is_some_and(|byte| byte.eq_ignore_ascii_case(first))
    };
    first.is_some_and(begins)
}

/// The head of a request. It contains raw credentials, so it has no `Debug`.
#[derive(Clone, Default)]
pub struct RequestHead<'a> {
    /// `:method`.
    pub method: &'a [u8],
    /// `:path`, including the query. A CONNECT request may have none.
    pub path: Option<&'a [u8]>,
    /// `Authorization`.
    pub authorization: Field<'a>,
    /// The profile's credential headers, as if they were one.
    pub credential: Field<'a>,
    /// The names of these headers, as the client spelled them.
    pub credential_names: Vec<&'a [u8]>,
    /// A key in the query.
    pub query_key: QueryKey<'a>,
    /// Whether the query contains a key that is not public. Logs and browser histories keep
    /// queries.
    pub exposes_secret: bool,
    /// The profile's version header.
    pub version: Field<'a>,
    /// The profile's context header.
    pub context: Field<'a>,
    /// The profile's account header.
    pub account: Field<'a>,
    /// Names of identity headers that the client sent, as it spelled them. keyward removes them.
    pub forged_identity: Vec<&'a [u8]>,
    /// One of these names that has other bytes in place of its hyphens.
    pub folded_identity: Option<&'a [u8]>,
    /// Whether a header or a query parameter names another method or URL.
    pub is_overridden: bool,
    /// Whether the client asks to switch protocols.
    pub is_upgrade: bool,
    /// Whether there is any header of the profile's family.
    pub has_family_header: bool,
    /// Whether the request looks like a browser's preflight: it has `Origin` and
    /// `Access-Control-Request-Method`.
    pub is_cross_origin_probe: bool,
    /// Whether there is a body, or a header announces one.
    pub has_body: bool,
}

impl<'a> RequestHead<'a> {
    /// Reads all headers once, including pseudo-headers. `body_follows` is what the transport knows
    /// before the body: over HTTP/2 and HTTP/3, a request may end only after the headers, in an
    /// empty frame. A `Content-Length` of 0 announces that in advance, and Envoy enforces it.
    pub fn read(
        profile: &Profile,
        identity: &IdentityNames,
        headers: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
        body_follows: bool,
    ) -> Self {
        let mut head = Self::default();
        let mut origin = false;
        let mut requested_method = false;
        let mut is_empty = !body_follows;
        // The sieve was built once per configuration, for this profile's names.
        debug_assert_eq!(identity.sieve, sieve(profile, &identity.names));
        let sieve = identity.sieve;
        let family = profile.names().header_family.as_deref();
        for (name, value) in headers {
            if !sieve.may_hold(name) && !begins_as(name, family) {
                continue;
            }
            match name {
                b":method" => head.method = value,
                b":path" => head.path = Some(value),
                b"origin" => origin = true,
                b"access-control-request-method" => requested_method = true,
                b"content-length" if value == b"0" => is_empty = true,
                b"content-length" => head.has_body = true,
                b"transfer-encoding" => head.has_body = true,
                _ => head.read_ours(profile, identity, name, value),
            }
        }
        head.has_body |= !is_empty;
        head.is_cross_origin_probe = origin && requested_method;
        head.read_query(profile);
        head
    }

    /// Reads the query. A key in the query has its version and account there as well. OPTIONS asks
    /// about a request without making it, so it presents no key. But a server that lets the query
    /// name another method turns it into a request.
    fn read_query(&mut self, profile: &Profile) {
        let Some(query) = self.query() else {
            return;
        };
        let found = Parameters::read(profile, query);
        self.is_overridden |= found.is_override;
        if self.method == b"OPTIONS" {
            return;
        }
        self.exposes_secret = found.exposes_secret;
        self.query_key = if found.has_unclear_key {
            QueryKey::Several
        } else {
            QueryKey::of(found.keys, |text| profile.is_like_a_key(text))
        };
        // Without a key in the query, keyward does not read these parameters. But an upstream may,
        // so they count like a folded header.
        let by_query = self.authorization.value() == Value::Absent
            && self.credential.value() == Value::Absent
            && self.query_key != QueryKey::Absent;
        self.version.add(found.version, by_query);
        self.account.add(found.account, by_query);
    }

    fn read_ours(
        &mut self,
        profile: &Profile,
        identity: &IdentityNames,
        name: &'a [u8],
        value: &'a [u8],
    ) {
        let is = |ours: &HeaderName| spelled(name, ours.lower());
        if let Some(spelling) = spelled(name, "authorization") {
            self.authorization.push(value, spelling);
        } else if let Some(spelling) = credential(profile, name) {
            self.credential.push(value, spelling);
            self.credential_names.push(name);
        } else if let Some(spelling) = is(&profile.names().version_header) {
            self.version.push(value, spelling);
        } else if let Some(spelling) = is(&profile.names().context_header) {
            self.context.push(value, spelling);
        } else if let Some(spelling) = is(&profile.names().account_header) {
            self.account.push(value, spelling);
        } else if let Some(spelling) = identity.names.iter().find_map(|ours| spelled(name, ours)) {
            self.forged_identity.push(name);
            if spelling == Spelling::Folded {
                self.folded_identity = Some(name);
            }
        } else if spelled(name, "upgrade").is_some() {
            self.is_upgrade = true;
        } else if ["content-length", "transfer-encoding"]
            .iter()
            .any(|ours| spelled(name, ours).is_some())
        {
            // Envoy and the upstream read the length of a body from the exact names, which were
            // read before. A preflight has neither header.
            self.has_body = true;
        } else {
            let own = profile.names().override_headers.iter();
            let mut overrides = OVERRIDES.into_iter().chain(own.map(|name| &**name));
            self.is_overridden |= overrides.any(|ours| spelled(name, ours).is_some());
        }
        if let Some(family) = &profile.names().header_family {
            let start = name.get(..family.len());
            self.has_family_header |= start.is_some_and(|start| spelled(start, family).is_some());
        }
    }

    /// Returns the query without its question mark, if there is one.
    #[must_use]
    pub fn query(&self) -> Option<&'a [u8]> {
        let path = self.path?;
        let start = path.iter().position(|byte| *byte == b'?')?;
        path.get(start..)?.get(1..)
    }

    /// Returns the path without its query.
    #[must_use]
    pub fn path_without_query(&self) -> &'a [u8] {
        let path = self.path.unwrap_or(&[]);
        path.split(|byte| *byte == b'?').next().unwrap_or(path)
    }
}
