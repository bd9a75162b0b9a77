//! What a client sent: the head of a request, read in one pass over all its header bytes.

use crate::ascii;
use crate::key::KeyKind;
use crate::profile::{HeaderName, OVERRIDES, Profile};
use crate::query::{self, QueryKey};

/// How a header's name compares with one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    Exact,
    /// With `_` for `-`: CGI, WSGI, Rack and PHP read it as ours.
    Folded,
}

/// Compares `sent` with `ours` up to case and `_` for `-`.
fn spelled(sent: &[u8], ours: &str) -> Option<Spelling> {
    if sent.len() != ours.len() {
        return None;
    }
    if sent == ours.as_bytes() {
        return Some(Spelling::Exact);
    }
    let mut spelling = Spelling::Exact;
    for (sent, ours) in sent.iter().zip(ours.bytes()) {
        match sent.to_ascii_lowercase() {
            byte if byte == ours => {}
            b'_' if ours == b'-' => spelling = Spelling::Folded,
            _ => return None,
        }
    }
    Some(spelling)
}

/// All that a request says under one header name of ours.
#[derive(Clone, Default)]
pub struct Field<'a> {
    first: Option<&'a [u8]>,
    others: Vec<&'a [u8]>,
    value: Value<'a>,
}

/// What a field amounts to.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Value<'a> {
    /// No header of that name.
    #[default]
    Absent,
    /// One header of printable ASCII, at least one character.
    Text(&'a str),
    /// Several headers, an empty one, another byte, or a folded name.
    Malformed,
}

impl<'a> Field<'a> {
    /// What the field amounts to.
    #[must_use]
    pub fn value(&self) -> Value<'a> {
        self.value
    }

    /// All values as sent, joined with `, `, as an upstream would read them.
    #[must_use]
    pub fn joined(&self) -> Vec<u8> {
        let mut joined = self.first.unwrap_or(&[]).to_vec();
        for value in &self.others {
            joined.extend_from_slice(b", ");
            joined.extend_from_slice(value);
        }
        joined
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

/// The names under which an identity is told to the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityNames(Vec<Box<str>>);

impl IdentityNames {
    /// Lower-case names.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(Box::from).collect())
    }
}

/// The lengths of all names that mean something: most headers have another, and are not looked at.
struct Lengths(u64);

impl Lengths {
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

    fn of(profile: &Profile, identity: &IdentityNames) -> Self {
        let fixed = Self::FIXED.into_iter().chain(OVERRIDES);
        let ours = profile.names().request_headers().map(HeaderName::lower);
        let identity = identity.0.iter().map(|name| &**name);
        let names = fixed.chain(ours).chain(identity);
        Self(names.fold(0, |lengths, name| lengths | Self::bit(name.len())))
    }

    fn has(&self, length: usize) -> bool {
        self.0 & Self::bit(length) != 0
    }

    /// All lengths from 63 on are one.
    fn bit(length: usize) -> u64 {
        1 << length.min(63)
    }
}

/// Whether a name may be one of the family, by its first byte.
fn begins_as(name: &[u8], family: Option<&str>) -> bool {
    let first = family.and_then(|family| family.as_bytes().first());
    let begins = |first| {
        name.first()
            .is_some_and(|byte| byte.eq_ignore_ascii_case(first))
    };
    first.is_some_and(begins)
}

/// The head of one request. It holds raw credentials, so it has no `Debug`.
#[derive(Clone, Default)]
pub struct RequestHead<'a> {
    /// `:method`.
    pub method: &'a [u8],
    /// `:path`, query included; CONNECT may have none.
    pub path: Option<&'a [u8]>,
    /// `Authorization`.
    pub authorization: Field<'a>,
    /// A key in the query.
    pub query_key: QueryKey<'a>,
    /// Whether a key that is not public stands in the query, where logs and histories keep it.
    pub exposes_secret: bool,
    /// The profile's version header.
    pub version: Field<'a>,
    /// The profile's context header.
    pub context: Field<'a>,
    /// The profile's account header.
    pub account: Field<'a>,
    /// Names of identity headers that the client sent, as it spelled them: to be removed.
    pub forged_identity: Vec<&'a [u8]>,
    /// One of them that was spelled with `_`.
    pub folded_identity: Option<&'a [u8]>,
    /// Whether a header says another method or URL.
    pub is_overridden: bool,
    /// Whether the client asks for another protocol.
    pub is_upgrade: bool,
    /// Whether there is any header of the profile's family.
    pub has_family_header: bool,
    /// Whether this is shaped as a browser's preflight: `Origin` and `Access-Control-Request-Method`.
    pub is_cross_origin_probe: bool,
    /// Whether a body follows or is announced.
    pub has_body: bool,
}

impl<'a> RequestHead<'a> {
    /// Reads all headers, pseudo-headers among them, once. `body_follows` is what the transport says before the body: over HTTP/2 and HTTP/3 it may end
    /// only after the headers, in an empty frame. A `Content-Length` of 0 says so before, and Envoy holds clients to it.
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
        let lengths = Lengths::of(profile, identity);
        let family = profile.names().header_family.as_deref();
        for (name, value) in headers {
            if !lengths.has(name.len()) && !begins_as(name, family) {
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

    /// A key in the query brings its version and account along there. OPTIONS asks about a request and makes none.
    fn read_query(&mut self, profile: &Profile) {
        let Some(query) = self.query().filter(|_| self.method != b"OPTIONS") else {
            return;
        };
        let names = profile.names();
        let (mut keys, mut versions, mut accounts) = (Vec::new(), Vec::new(), Vec::new());
        for (name, value) in query::parameters(query) {
            if *name == *query::KEY {
                keys.push(query::decoded(value));
            } else if *name == *names.version_parameter.as_bytes() {
                versions.push(value);
            } else if *name == *names.account_parameter.as_bytes() {
                accounts.push(value);
            }
        }
        let is_public = |key: &[u8]| {
            profile.is_key_of_kind(&String::from_utf8_lossy(key), KeyKind::Publishable)
        };
        // A prefix with nothing after it has leaked nothing.
        let is_secret = |key: &[u8]| {
            profile.is_like_a_key(key) && !is_public(key) && !profile.known_prefixes().contains(key)
        };
        self.exposes_secret = keys.iter().any(|key| is_secret(key));
        self.query_key = QueryKey::of(keys, |text| profile.is_like_a_key(text));
        // Without a key in the query they are no parameters of keyward's, but an upstream may take them for some: like a folded header.
        let by_query =
            self.authorization.value() == Value::Absent && self.query_key != QueryKey::Absent;
        let spelling = if by_query {
            Spelling::Exact
        } else {
            Spelling::Folded
        };
        for version in versions {
            self.version.push(version, spelling);
        }
        for account in accounts {
            self.account.push(account, spelling);
        }
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
        } else if let Some(spelling) = is(&profile.names().version_header) {
            self.version.push(value, spelling);
        } else if let Some(spelling) = is(&profile.names().context_header) {
            self.context.push(value, spelling);
        } else if let Some(spelling) = is(&profile.names().account_header) {
            self.account.push(value, spelling);
        } else if let Some(spelling) = identity.0.iter().find_map(|ours| spelled(name, ours)) {
            self.forged_identity.push(name);
            if spelling == Spelling::Folded {
                self.folded_identity = Some(name);
            }
        } else if OVERRIDES.iter().any(|ours| spelled(name, ours).is_some()) {
            self.is_overridden = true;
        } else if spelled(name, "upgrade").is_some() {
            self.is_upgrade = true;
        }
        if let Some(family) = &profile.names().header_family {
            let start = name.get(..family.len());
            self.has_family_header |= start.is_some_and(|start| spelled(start, family).is_some());
        }
    }

    /// The query, where there is one, without its question mark.
    #[must_use]
    pub fn query(&self) -> Option<&'a [u8]> {
        let path = self.path?;
        let start = path.iter().position(|byte| *byte == b'?')?;
        path.get(start..)?.get(1..)
    }

    /// The path without its query.
    #[must_use]
    pub fn path_without_query(&self) -> &'a [u8] {
        let path = self.path.unwrap_or(&[]);
        path.split(|byte| *byte == b'?').next().unwrap_or(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(headers: &[(&'a str, &'a [u8])]) -> RequestHead<'a> {
        RequestHead::read(
            &Profile::stripe(),
            &IdentityNames::new(["x-keyward-principal"]),
            headers
                .iter()
                .map(|(name, value)| (name.as_bytes(), *value)),
            false,
        )
    }

    #[test]
    fn one_printable_header_is_its_text() {
        let head = read(&[("stripe-context", b"acct_1")]);
        assert!(head.context.value() == Value::Text("acct_1"));
        assert!(head.account.value() == Value::Absent);
    }

    #[test]
    fn several_empty_folded_or_foreign_bytes_are_malformed() {
        for headers in [
            &[("stripe-context", &b"a"[..]), ("stripe-context", b"a")][..],
            &[("stripe-context", b"")],
            &[("stripe_context", b"a")],
            &[("stripe-context", b"a"), ("Stripe_Context", b"a")],
            &[("stripe-context", b"a\xff")],
            &[("stripe-context", b"a\x7f")],
            &[("stripe-context", b"a\tb")],
        ] {
            assert!(read(headers).context.value() == Value::Malformed);
        }
    }

    #[test]
    fn several_values_are_shown_as_an_upstream_joins_them() {
        let head = read(&[("stripe-version", b"a"), ("stripe-version", b"b")]);
        assert_eq!(head.version.joined(), b"a, b");
    }

    #[test]
    fn forged_identity_is_found_in_every_spelling() {
        let head = read(&[("X_Keyward-Principal", b"x"), ("x-keyward-principal", b"y")]);
        assert_eq!(
            head.forged_identity,
            [&b"X_Keyward-Principal"[..], b"x-keyward-principal"]
        );
        assert_eq!(head.folded_identity, Some(&b"X_Keyward-Principal"[..]));
    }

    #[test]
    fn override_headers_are_found_in_every_spelling() {
        for name in OVERRIDES {
            assert!(read(&[(name, b"x")]).is_overridden);
            assert!(read(&[(&name.replace('-', "_").to_uppercase(), b"x")]).is_overridden);
        }
    }

    #[test]
    fn a_secret_key_in_the_query_is_seen_wherever_it_stands() {
        let exposes = |path: &str| read(&[(":path", path.as_bytes())]).exposes_secret;
        for query in [
            "key=sk_test_FAKE",
            "k%65y=rk%5flive_FAKE",
            "key=color&key=sk_org_FAKE",
            "key=pk_test_FAKE&key=sk_live_FAKE",
        ] {
            assert!(exposes(&format!("/?{query}")), "{query}");
        }
        for query in [
            "",
            "key=pk_test_FAKE",
            "key=color",
            "x=sk_test_FAKE",
            "key=sk_test_",
            "key=sk_org_live_",
        ] {
            assert!(!exposes(&format!("/?{query}")), "{query}");
        }
        let beside = [
            (":path", &b"/?key=sk_test_FAKE"[..]),
            ("authorization", b"Bearer pk_test_FAKE"),
        ];
        assert!(read(&beside).exposes_secret);
    }

    #[test]
    fn a_body_is_there_unless_the_transport_or_the_length_says_no() {
        for (body_follows, lengths, has_body) in [
            (false, &[][..], false),
            (true, &[], true),
            (false, &["0"], false),
            (true, &["0"], false),
            (true, &["0", "0"], false),
            (false, &["3"], true),
            (true, &["3"], true),
            (true, &["0", "3"], true),
            (true, &["3", "0"], true),
            // Not the one spelling that is sure to be read as none.
            (true, &["00"], true),
            (true, &["+0"], true),
            (true, &["0, 0"], true),
            (true, &[""], true),
        ] {
            let lengths = lengths.iter().map(|length| ("content-length", *length));
            for chunked in [false, true] {
                let chunked = chunked.then_some(("transfer-encoding", "chunked"));
                let headers = lengths.clone().chain(chunked);
                let head = RequestHead::read(
                    &Profile::stripe(),
                    &IdentityNames::new([]),
                    headers.map(|(name, value)| (name.as_bytes(), value.as_bytes())),
                    body_follows,
                );
                assert_eq!(head.has_body, has_body || chunked.is_some());
            }
        }
    }

    #[test]
    fn the_query_is_cut_off() {
        let head = read(&[(":path", b"/v1/charges?limit=3?x")]);
        assert_eq!(head.path_without_query(), b"/v1/charges");
    }
}
