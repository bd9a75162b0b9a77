//! The profile: every name and text that differs between APIs. Stripe's is the default.

mod plain;
mod stripe;
mod template;
mod wire;

#[cfg(test)]
mod tests;

pub use template::{Field, Template};
pub(crate) use wire::{PROFILE, Profile as WireProfile};

use crate::account::IdPrefixes;
use crate::invariant::Held;
use crate::key::KeyKind;
use crate::mask::KnownPrefixes;
use crate::reason::DenyReason;

/// Headers that let a client name another method or path than the request line does, in servers and
/// frameworks. Each is here because code in use dispatches by it. Headers that proxies add and that
/// change only links (`X-Forwarded-Prefix`, `X-Forwarded-Uri`) are not.
pub const OVERRIDES: [&str; 19] = [
    // Google's APIs, Rack, Express, Symfony, Laravel, ASP.NET
    "x-http-method-override",
    // OData, ArangoDB
    "x-http-method",
    // IBM's products, ArangoDB
    "x-method-override",
    // PHP frameworks that also read `HTTP_HTTP_METHOD_OVERRIDE`
    "http-method-override",
    // PHP routers that read `HTTP_X_REQUEST_METHOD`
    "x-request-method",
    // Python's Zoom
    "x-http-verb",
    // IIS' URL rewriting, Symfony up to 4.1, Zend
    "x-original-url",
    // Applications on nginx and Vercel
    "x-original-uri",
    // ISAPI_Rewrite, Zend, Yii
    "x-rewrite-url",
    // Tencent's BlueKing, PHP routers
    "x-request-uri",
    // Express on Azure's App Service
    "x-waws-unencoded-url",
    // Express, NestJS and WSGI on Vercel
    "x-matched-path",
    "x-invoke-path",
    // gunicorn (`forwarder_headers`): it removes their value from the path, or replaces the path
    "script-name",
    "path-info",
    // flask-reverse-proxy and many similar packages, mod_wsgi
    "x-script-name",
    // Plack's ReverseProxyPath, mod_wsgi
    "x-forwarded-script-name",
    // Plack's ReverseProxyPath, Paste
    "x-traversal-path",
    // Pyramid's virtual root
    "x-vhm-root",
];

/// A header that keyward reads or writes, as it is written and as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderName {
    shown: Box<str>,
    lower: Box<str>,
}

impl HeaderName {
    /// Creates a name. `shown` consists of letters, digits and `-`.
    #[must_use]
    pub fn new(shown: &str) -> Self {
        Self {
            shown: shown.into(),
            lower: shown.to_ascii_lowercase().into(),
        }
    }

    /// Returns the name as documentation writes it: `Stripe-Context`.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Returns the name in lower case.
    #[must_use]
    pub fn lower(&self) -> &str {
        &self.lower
    }
}

/// The links in the texts of replies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// The page about authentication.
    pub authentication: Box<str>,
    /// The support page.
    pub support: Box<str>,
    /// The page that lists and edits keys.
    pub api_keys: Box<str>,
    /// The pages about error codes. `/CODE` is appended.
    pub error_codes: Box<str>,
    /// The API's documentation.
    pub documentation: Box<str>,
}

/// All names of an API.
#[derive(Clone, Debug)]
pub struct Names {
    /// The prefixes of the ids of accounts and organizations.
    pub ids: IdPrefixes,
    /// The header that names the API's version.
    pub version_header: HeaderName,
    /// The header that names the target account by a path.
    pub context_header: HeaderName,
    /// The older header that names the target account.
    pub account_header: HeaderName,
    /// Headers, in lower case, that name another method or URL, in addition to [`OVERRIDES`].
    pub override_headers: Box<[Box<str>]>,
    /// Headers, in lower case, whose whole value is a key, in addition to `Authorization`.
    pub credential_headers: Box<[Box<str>]>,
    /// The query parameter that replaces the version header if the key is in the query.
    pub version_parameter: Box<str>,
    /// The query parameter that replaces the account header if the key is in the query.
    pub account_parameter: Box<str>,
    /// The lower-case prefix that all headers of this API share, if any. A preflight may have none
    /// of them.
    pub header_family: Option<Box<str>>,
    /// The realm of `WWW-Authenticate`.
    pub realm: Box<str>,
    /// The prefix of request ids.
    pub request_id_prefix: Box<str>,
    /// The header that says whether clients should retry.
    pub retry_header: HeaderName,
    /// The links in texts.
    pub links: Links,
}

impl Names {
    /// Returns the headers that keyward reads from a request.
    #[must_use]
    pub fn request_headers(&self) -> [&HeaderName; 3] {
        [
            &self.version_header,
            &self.context_header,
            &self.account_header,
        ]
    }

    /// Returns whether the profile reads a request header with this lower-case name.
    #[must_use]
    pub fn reads(&self, name: &str) -> bool {
        let ours = self.request_headers().map(HeaderName::lower);
        let own = self.override_headers.iter().chain(&self.credential_headers);
        ours.contains(&name) || own.into_iter().any(|ours| **ours == *name)
    }
}

/// Prefixes by kind, in the order of [`KeyKind::ALL`].
type Prefixes = [Box<[Box<str>]>; 4];

/// The names and texts of an API.
#[derive(Clone, Debug)]
pub struct Profile {
    names: Names,
    key_prefixes: Prefixes,
    known_prefixes: KnownPrefixes,
    messages: Box<[Template]>,
}

impl Profile {
    /// Builds a profile. A text that is not a template becomes empty (tests make sure that all are
    /// templates).
    fn new(
        names: Names,
        key_prefixes: Prefixes,
        message: impl Fn(DenyReason) -> &'static str,
    ) -> Self {
        let known_prefixes = known(&key_prefixes);
        let messages = DenyReason::all()
            .map(|reason| Template::parse(message(reason)).held("a built-in message is a template"))
            .collect();
        Self {
            names,
            key_prefixes,
            known_prefixes,
            messages,
        }
    }

    /// Returns the names.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Returns whether `key` begins with a prefix of `kind`.
    #[must_use]
    pub fn is_key_of_kind(&self, key: &str, kind: KeyKind) -> bool {
        self.key_prefixes(kind)
            .any(|prefix| key.starts_with(prefix))
    }

    /// Returns the prefixes of keys of `kind`, in the order of the profile.
    pub fn key_prefixes(&self, kind: KeyKind) -> impl Iterator<Item = &str> {
        KeyKind::ALL
            .iter()
            .zip(&self.key_prefixes)
            .filter(move |(of, _)| **of == kind)
            .flat_map(|(_, prefixes)| prefixes)
            .map(|prefix| &**prefix)
    }

    /// Returns whether `text` begins like a key of this API, of any kind.
    #[must_use]
    pub fn is_like_a_key(&self, text: &[u8]) -> bool {
        let mut own = self.key_prefixes.iter().flatten();
        own.any(|prefix| text.starts_with(prefix.as_bytes()))
    }

    /// Returns the prefixes of keys to mask: this API's, and always Stripe's.
    #[must_use]
    pub fn known_prefixes(&self) -> &KnownPrefixes {
        &self.known_prefixes
    }

    /// Returns the message for `reason`.
    #[must_use]
    pub fn message(&self, reason: DenyReason) -> Option<&Template> {
        self.messages.get(reason.index())
    }
}

/// Returns the prefixes to mask. A Stripe key in a request is a secret under any profile, so
/// Stripe's prefixes are masked in addition to the API's own.
fn known(own: &Prefixes) -> KnownPrefixes {
    let own = own.iter().flatten().map(|prefix| &**prefix);
    KnownPrefixes::new(own.chain(stripe::every_prefix()))
}

impl Default for Profile {
    fn default() -> Self {
        Self::stripe()
    }
}
